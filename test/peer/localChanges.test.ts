/** What the user has in a folder is theirs: a copy adds to it, and takes nothing away that it did not write itself. */
import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ShareId } from '../../src/common/brand'
import type { TransferResult } from '../../src/common/model'
import { compareTrees, makeTree, randomBytes, type Tree, temporaryFolder } from '../support/folders'
import { type LocalDht, startLocalDht } from '../support/localDht'
import { People, type Person } from '../support/person'

describe('a copy in a folder with files of the user', () => {
  let dht: LocalDht
  let ann: Person
  let bob: Person
  let source: string
  let copy: string
  let id: ShareId
  const people = new People(() => dht.bootstrap)

  before(async () => {
    dht = await startLocalDht()
    ;[ann, bob] = await Promise.all([people.start(), people.start()])
  })
  after(async () => {
    await people.leave()
    await dht.stop()
  })

  const share = async (tree: Tree) => {
    source = await makeTree(temporaryFolder('source'), tree)
    const { link } = await ann.publish(source)
    copy = temporaryFolder('copy')
    id = await bob.open(link)
  }

  /** Changes the shared folder and waits until bob knows all of it. */
  const publish = async (tree: Tree, ...removed: string[]) => {
    for (const name of removed) await rm(join(source, name), { recursive: true })
    await makeTree(source, tree)
    await ann.publish(source) // once more: when it is done, what lies on the disk now is published
    const { shares } = await ann.request('state.get', {})
    const version = shares.find(each => each.id === id)?.version ?? 0
    await bob.until('bob knows of it', () => (bob.opened(id)?.contents?.version ?? 0) >= version)
  }

  const save = (): Promise<TransferResult> => bob.copy(id, copy)
  const text = (name: string) => readFile(join(copy, name), 'utf8')

  it('leaves a file that the user changed, and lays the incoming one beside it', async () => {
    await share({ 'notes.md': 'first', 'other.txt': 'other' })
    await save()
    await writeFile(join(copy, 'notes.md'), 'my own words')
    await publish({ 'notes.md': 'second' })
    const { conflicts } = await save()
    assert.equal(await text('notes.md'), 'my own words')
    assert.equal(conflicts.length, 1)
    assert.equal(conflicts[0]?.path, join(copy, 'notes.md'))
    const beside = conflicts[0]?.copy ?? ''
    assert.match(beside, /notes\.conflict-\d{8}-\d{6}\.md$/)
    assert.equal(await readFile(beside, 'utf8'), 'second')

    const again = await save()
    assert.deepEqual(again.conflicts, conflicts, 'it is still listed')
    assert.equal(again.fetched, 0)
    assert.equal((await readdir(copy)).length, 3, 'and there is no second one')

    await publish({ 'notes.md': 'third, a later one' })
    const later = await save()
    assert.equal(await text('notes.md'), 'my own words')
    assert.equal(await readFile(later.conflicts[0]?.copy ?? '', 'utf8'), 'third, a later one')
    assert.equal(await readFile(beside, 'utf8'), 'second', 'the one before stays until the user removes it')
  })

  it('keeps a large file that the user changed', async () => {
    await share({ 'large.bin': randomBytes(9_000_000, 1) })
    await save()
    const mine = randomBytes(9_000_000, 2)
    await writeFile(join(copy, 'large.bin'), mine)
    await publish({ 'large.bin': randomBytes(9_500_000, 3) })
    const { conflicts } = await save()
    assert.ok((await readFile(join(copy, 'large.bin'))).equals(mine))
    assert.ok((await readFile(conflicts[0]?.copy ?? '')).equals(randomBytes(9_500_000, 3)))
  })

  it('brings later versions in place again once the user took the incoming one', async () => {
    await share({ 'notes.md': 'first' })
    await save()
    await writeFile(join(copy, 'notes.md'), 'my own words')
    await publish({ 'notes.md': 'second' })
    const { conflicts } = await save()
    await rm(conflicts[0]?.copy ?? '')
    await writeFile(join(copy, 'notes.md'), 'second')
    assert.deepEqual((await save()).conflicts, [])
    await publish({ 'notes.md': 'third' })
    assert.deepEqual((await save()).conflicts, [])
    assert.equal(await text('notes.md'), 'third')
  })

  it('keeps a file that was there before and is another one, takes one that is the same for its own', async () => {
    await share({ 'same.txt': 'the same', 'other.txt': 'incoming', 'large.bin': randomBytes(9_000_000, 4) })
    await makeTree(copy, {
      'same.txt': 'the same',
      'other.txt': 'was here',
      'large.bin': randomBytes(9_000_000, 4),
      'mine.txt': 'mine alone',
    })
    const { conflicts } = await save()
    assert.deepEqual(
      conflicts.map(({ path }) => path),
      [join(copy, 'other.txt')],
    )
    assert.deepEqual([await text('other.txt'), await text('mine.txt')], ['was here', 'mine alone'])

    await publish({ 'same.txt': 'a new version', 'large.bin': randomBytes(100, 5) })
    await save()
    assert.equal(await text('same.txt'), 'a new version', 'it is ours now, so it follows')
    assert.equal((await stat(join(copy, 'large.bin'))).size, 100)
  })

  it('keeps files that the share no longer has, and brings back those the user removed', async () => {
    await share({ 'a.txt': 'a', 'b.txt': 'b', folder: { 'c.txt': 'c' } })
    await save()
    await rm(join(copy, 'b.txt'))
    await publish({ 'd.txt': 'd' }, 'a.txt', 'folder')
    const result = await save()
    assert.equal(result.files, 2)
    const expected = { 'a.txt': 'a', 'b.txt': 'b', 'd.txt': 'd', folder: { 'c.txt': 'c' } }
    assert.deepEqual(await compareTrees(copy, await makeTree(temporaryFolder('expected'), expected)), [])
  })

  it('does not write through what stands in the place of a file or a folder', async () => {
    await share({ 'a.txt': 'a', 'b.txt': 'b', folder: { 'c.txt': 'c' }, 'd.txt': 'd' })
    const outside = await makeTree(temporaryFolder('outside'), { 'mine.txt': 'mine' })
    await mkdir(join(copy, 'a.txt'))
    await symlink(join(outside, 'mine.txt'), join(copy, 'b.txt'))
    await symlink(outside, join(copy, 'folder'))
    const { skipped } = await save()
    assert.deepEqual(skipped.map(({ path }) => path).sort(), ['/a.txt', '/b.txt', '/folder/c.txt'])
    assert.deepEqual(await readdir(outside), ['mine.txt'])
    assert.equal(await readFile(join(outside, 'mine.txt'), 'utf8'), 'mine')
    assert.equal(await text('d.txt'), 'd')
  })

  it('fetches only what changed when it is made again', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 200 }, (_, n) => [`${n}.bin`, randomBytes(20_000, n)]),
    )
    await share({ many, 'large.bin': randomBytes(3_000_000, 6) })
    assert.ok((await save()).fetched >= 7_000_000)
    assert.equal((await save()).fetched, 0)
    await publish({ many: { '7.bin': randomBytes(20_000, 1_000) }, 'new.txt': 'new' })
    const { fetched } = await save()
    assert.ok(fetched >= 20_003 && fetched < 50_000, `fetched ${fetched}`)
    assert.deepEqual(await compareTrees(source, copy), [])
  })
})
