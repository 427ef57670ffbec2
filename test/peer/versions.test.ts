/** What becomes a version and what does not: publishes that are cut off, folders that vanish, files that cannot be shared. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compareTrees, makeTree, temporaryFolder } from '../support/folders'
import { peerfold } from '../support/processes'
import { withPeople } from '../support/withPeople'

const KEY = `-----BEGIN ${'PRIVATE'} KEY-----\nMIIB\n-----END ${'PRIVATE'} KEY-----\n`

describe('the versions of a share', () => {
  const people = withPeople()
  let source: string

  afterEach(() => people.leave())
  beforeEach(() => {
    source = join(temporaryFolder('source'), 'shared')
  })

  it('a publish that was cancelled half-way leaves the next one right, byte for byte', async () => {
    const tree: Record<string, Buffer> = {}
    for (let at = 0; at < 6; at++) tree[`large-${at}`] = randomBytes(12_000_000)
    await makeTree(source, { 'first.txt': 'first' })
    const ann = await people.start({ client: 'window' })
    await ann.publish(source, { keep: true })
    await makeTree(source, tree)
    for (const job of ['cut-1', 'cut-2', 'cut-3']) {
      const publishing = ann.publish(source, { keep: true, job })
      const transfer = () => ann.state.transfers.find(({ id }) => id === job)
      await ann.until(
        'it reads',
        () => (transfer()?.bytes.done ?? 0) > 0 || transfer()?.status.kind === 'done',
      )
      await ann.request('transfer.cancel', { job })
      await publishing.catch(error => assert.equal(error.code, 'cancelled'))
    }
    const { link } = await ann.publish(source, { keep: true })
    const copy = temporaryFolder('copy')
    const got = await peerfold(['get', link, copy], people.place('bob'))
    assert.equal(got.code, 0, got.stderr.join('\n'))
    assert.deepEqual(await compareTrees(source, copy), [])
  })

  it('a name that begins with an emoji is known again after a restart, and is gone when its file is', async () => {
    await makeTree(source, { '😀.txt': 'smile', '📷 Photos': { 'a.txt': 'a' }, 'plain.txt': 'plain' })
    const ann = await people.start({ client: 'window' })
    const { id } = await ann.publish(source, { keep: true })
    const before = await ann.rescan(id)
    await people.leave()

    const again = await people.start({ client: 'window', storage: ann.storage })
    assert.equal(await again.rescan(id), before, 'nothing changed, so there is no new version')
    await people.leave()

    await rm(join(source, '😀.txt'))
    const third = await people.start({ client: 'window', storage: ann.storage })
    await third.until('the deleted file is gone', () => third.share(id)?.files === 2)
    assert.deepEqual(await third.list(id), ['plain.txt', '📷 Photos'].sort())
  })

  it('a folder that is suddenly empty unpublishes nothing, and goes on when its files are back', async () => {
    await makeTree(source, { 'a.txt': 'a', 'b.txt': 'b' })
    const ann = await people.start({ client: 'window' })
    const { id } = await ann.publish(source, { keep: true })
    const before = await ann.rescan(id)
    const aside = `${source}-aside`
    await mkdir(aside)
    for (const name of ['a.txt', 'b.txt']) await rename(join(source, name), join(aside, name))
    await assert.rejects(ann.rescan(id), { code: 'source-emptied' })
    await ann.until('it says so', () => {
      const status = ann.share(id)?.status
      return status?.kind === 'failed' && status.error.code === 'source-emptied'
    })
    assert.equal(ann.share(id)?.version, before)
    for (const name of ['a.txt', 'b.txt']) await rename(join(aside, name), join(source, name))
    await ann.until('it is shared again', () => ann.share(id)?.status.kind === 'sharing')
  })

  it('a file that can never be shared makes no versions', async () => {
    await makeTree(source, { 'a.txt': 'a', 'notes.md': KEY })
    const ann = await people.start({ client: 'window' })
    const { id } = await ann.publish(source, { keep: true })
    const before = await ann.rescan(id)
    for (let times = 0; times < 3; times++) assert.equal(await ann.rescan(id), before)
    await writeFile(join(source, 'b.txt'), 'b')
    await ann.until('a real change is published', () => ann.share(id)?.files === 2)
    assert.equal((await ann.rescan(id)) - before, 2, 'one for the file, one for the version')
  })

  it('leaves out the data folder of another Peerfold that lies inside', async () => {
    await makeTree(source, { 'a.txt': 'a' })
    const inside = join(source, '.pf')
    const other = await people.start({ storage: inside })
    await other.leave()
    const ann = await people.start({ client: 'window' })
    const { id } = await ann.publish(source, { keep: true })
    assert.deepEqual(await ann.list(id), ['a.txt'])
    for (const part of [
      inside,
      join(inside, 'format-2'),
      join(inside, 'token'),
      join(inside, 'format-2', 'keys.json'),
    ])
      await assert.rejects(ann.publish(part), { code: 'nothing-to-share' }, part)
  })

  it('the same folder private and public are two shares with two links', async () => {
    await makeTree(source, { 'a.txt': 'a' })
    const ann = await people.start({ client: 'window' })
    const open = await ann.publish(source, { keep: true, isPublic: true })
    const closed = await ann.publish(source, { keep: true, isPublic: false })
    assert.notEqual(open.id, closed.id)
    assert.equal((await ann.publish(source, { keep: true, isPublic: true })).link, open.link)
    assert.equal((await ann.publish(source, { keep: true, isPublic: false })).link, closed.link)
  })

  it('cat follows a link inside the share', async () => {
    await makeTree(source, { 'a.txt': 'what a holds' })
    await symlink('a.txt', join(source, 'link'))
    const ann = await people.start({ client: 'window' })
    const { link } = await ann.publish(source, { keep: true })
    const storage = temporaryFolder('bob')
    const cat = await peerfold(['cat', link, 'link'], { storage, bootstrap: people.bootstrap })
    assert.deepEqual([cat.code, cat.stdout.join('')], [0, 'what a holds'])
  })
})
