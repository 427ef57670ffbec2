/** What the user has in a folder is theirs: a copy adds to it, and takes nothing away that it did not write itself. */
import assert from 'node:assert/strict'
import {
  chmod,
  cp,
  mkdir,
  open,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import type { DrivePath, ShareId } from '../../src/common/brand'
import type { TransferResult } from '../../src/common/model'
import {
  compareTrees,
  makeTree,
  randomBytes,
  symbolicLink,
  type Tree,
  temporaryFolder,
} from '../support/folders'
import type { Person } from '../support/person'
import { withPeople } from '../support/withPeople'

describe('a copy in a folder with files of the user', () => {
  const people = withPeople()
  let ann: Person
  let bob: Person
  let source: string
  let copy: string
  let id: ShareId

  before(async () => {
    ;[ann, bob] = await Promise.all([people.start(), people.start()])
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

  it('keeps a change that left size and time as they were', async () => {
    await share({ 'vault.bin': randomBytes(50_000, 1), 'large.bin': randomBytes(5_000_000, 2) })
    await save()
    const mine = { 'vault.bin': randomBytes(50_000, 3), 'large.bin': randomBytes(5_000_000, 4) }
    for (const [name, bytes] of Object.entries(mine)) await writeInPlace(join(copy, name), bytes)
    await publish({ 'vault.bin': randomBytes(50_000, 5), 'large.bin': randomBytes(5_000_000, 6) })
    const { conflicts } = await save()
    assert.equal(conflicts.length, 2)
    for (const [name, bytes] of Object.entries(mine))
      assert.ok((await readFile(join(copy, name))).equals(bytes), name)
  })

  it('knows a copy again that was carried away and back', async () => {
    await share({ 'small.txt': 'first', 'large.bin': randomBytes(5_000_000, 1) })
    await save()
    await cp(copy, `${copy}-away`, { recursive: true, preserveTimestamps: true })
    await rm(copy, { recursive: true })
    await cp(`${copy}-away`, copy, { recursive: true, preserveTimestamps: true })
    await publish({ 'small.txt': 'second', 'large.bin': randomBytes(5_000_000, 2) })
    assert.deepEqual((await save()).conflicts, [])
    assert.deepEqual(await compareTrees(source, copy), [])
  })

  it('says nothing of a change of the user when the share has nothing new', async () => {
    await share({ 'notes.md': 'first', 'other.txt': 'one' })
    await save()
    await writeFile(join(copy, 'notes.md'), 'my own words')
    assert.deepEqual((await save()).conflicts, [])
    await publish({ 'other.txt': 'another' })
    assert.deepEqual((await save()).conflicts, [])
    assert.deepEqual((await readdir(copy)).sort(), ['notes.md', 'other.txt'])

    await publish({ 'notes.md': 'second' })
    const { conflicts } = await save()
    await rm(conflicts[0]?.copy ?? '')
    assert.deepEqual((await save()).conflicts, [], 'who removed the incoming one has dealt with it')
    assert.deepEqual((await readdir(copy)).sort(), ['notes.md', 'other.txt'])
  })

  it('brings files, links and folders in the place of each other', async () => {
    const [a, b, link] = ['a', 'b', symbolicLink('kept.txt')]
    await share({ 'kept.txt': 'kept', retargeted: link, file1: a, file2: a, link1: link, link2: link })
    await makeTree(source, { folder1: { deep: { x: a } }, folder2: { y: a } })
    await publish({})
    await save()
    await publish(
      {
        retargeted: symbolicLink('file3'),
        file3: b,
        file1: link,
        file2: { below: b },
        link1: b,
        link2: { deep: { below: b } },
        folder1: b,
        folder2: link,
      },
      ...['retargeted', 'file1', 'file2', 'link1', 'link2', 'folder1', 'folder2'],
    )
    const { skipped, conflicts } = await save()
    assert.deepEqual([skipped, conflicts], [[], []])
    assert.deepEqual(await compareTrees(source, copy, { emptyFolders: true }), [])
  })

  it('leaves a folder with files of the user where a file should be, and says why', async () => {
    await share({ folder: { 'a.txt': 'a' } })
    await save()
    await makeTree(copy, { folder: { 'mine.txt': 'mine' } })
    await publish({ folder: 'a file now' }, 'folder')
    const { skipped } = await save()
    assert.deepEqual(
      skipped.map(({ path, detail }) => [path, detail]),
      [['/folder', 'A folder with things of yours has its place.']],
    )
    assert.deepEqual((await readdir(join(copy, 'folder'))).sort(), ['a.txt', 'mine.txt'])
  })

  it('gives files their new time and executable bit without fetching anything', async () => {
    await share({ 'run.sh': '#!', 'same.sh': '#!same' })
    await makeTree(copy, { 'same.sh': '#!same' })
    await chmod(join(source, 'same.sh'), 0o755)
    await publish({})
    await save()
    assert.equal((await stat(join(copy, 'same.sh'))).mode & 0o100, 0o100, 'it held the same bytes before')
    const { ino } = await stat(join(copy, 'run.sh'))
    await chmod(join(source, 'run.sh'), 0o755)
    await utimes(join(source, 'run.sh'), 1_600_000_000, 1_600_000_000)
    await publish({})
    assert.equal((await save()).fetched, 0)
    const now = await stat(join(copy, 'run.sh'))
    assert.deepEqual([now.mode & 0o100, now.mtimeMs, now.ino], [0o100, 1_600_000_000_000, ino])

    await chmod(join(copy, 'run.sh'), 0o600)
    assert.deepEqual((await save()).conflicts, [])
    assert.equal((await stat(join(copy, 'run.sh'))).mode & 0o777, 0o600, 'the user took it away since')
  })

  it('makes one conflict copy of an incoming file, whichever data folder it is saved from', async () => {
    await share({ 'notes.md': 'first', 'fresh.bin': randomBytes(6_000_000, 1) })
    const cat = await people.start()
    await cat.open((await ann.publish(source)).link)
    await Promise.all([save(), cat.copy(id, copy)])
    assert.deepEqual(await compareTrees(source, copy), [], 'two at once')
    await writeFile(join(copy, 'notes.md'), 'my own words')
    await publish({ 'notes.md': 'second' })
    const version = bob.opened(id)?.contents?.version ?? 0
    await cat.until('she knows of it', () => (cat.opened(id)?.contents?.version ?? 0) >= version)
    const results = [await save(), await cat.copy(id, copy)]
    assert.deepEqual(results[0]?.conflicts, results[1]?.conflicts)
    assert.equal((await readdir(copy)).length, 3)
  })

  it('gives a file with holes hardly more room than it has where it is shared', async () => {
    await share({ 'a.txt': 'a' })
    const holes = await open(join(source, 'holes.img'), 'w')
    await holes.write('begin', 0)
    await holes.write('end', 100_000_000)
    await holes.close()
    await publish({})
    await save()
    assert.deepEqual(await compareTrees(source, copy), [])
    const { size, blocks } = await stat(join(copy, 'holes.img'))
    assert.equal(size, 100_000_003)
    assert.ok(blocks * 512 < 1_000_000, `it takes ${blocks * 512} bytes`)
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

  it('says what it brought: what is new, has other content, or is not shared any more and stays', async () => {
    await share({ 'a.txt': 'a', 'b.txt': 'b', 'c.txt': 'c', sub: { 'd.txt': 'd', 'e.txt': 'e' } })
    assert.deepEqual((await save()).changes, { added: 5, updated: 0, gone: 0 })
    assert.deepEqual((await save()).changes, { added: 0, updated: 0, gone: 0 })

    await writeFile(join(copy, 'c.txt'), 'mine')
    await rm(join(copy, 'sub', 'e.txt'))
    const changed = { 'a.txt': 'other', 'b.txt': 'another', 'c.txt': 'theirs', 'f.txt': 'f', sub: {} }
    await publish(changed, join('sub', 'd.txt'), join('sub', 'e.txt'))
    const { changes, conflicts } = await save()
    assert.deepEqual(changes, { added: 1, updated: 2, gone: 1 })
    assert.equal(conflicts.length, 1)
    assert.equal(await text(join('sub', 'd.txt')), 'd', 'what is not shared any more stays')

    await writeFile(join(copy, 'sub', 'g.txt'), 'not of the copy')
    assert.deepEqual((await save()).changes, { added: 0, updated: 0, gone: 1 })
    await rm(join(copy, 'sub', 'd.txt'))
    assert.deepEqual((await save()).changes, { added: 0, updated: 0, gone: 0 })
  })

  it('counts in a part of a share only what is below that', async () => {
    await share({ one: { 'a.txt': 'a', 'b.txt': 'b' }, two: { 'c.txt': 'c' } })
    await save()
    await publish({ one: { 'a.txt': 'other' } }, join('one', 'b.txt'), join('two', 'c.txt'))
    const { changes } = await bob.copy(id, copy, '/one' as DrivePath)
    assert.deepEqual(changes, { added: 0, updated: 1, gone: 1 })
  })

  it('stands in the list after a restart, with its conflicts, the newest first, as shares stand in their order', async () => {
    await share({ 'a.md': 'first' })
    await save()
    await writeFile(join(copy, 'a.md'), 'mine')
    await publish({ 'a.md': 'second' })
    const { conflicts } = await save()
    const later = temporaryFolder('later')
    await bob.copy(id, later)
    const before = await bob.request('state.get', {})
    const order = before.transfers.map(({ folder }) => folder)
    const opened = before.opened.map(share => share.id)
    assert.deepEqual(order.slice(0, 2), [later, copy])

    await bob.restart()
    const { transfers } = await bob.request('state.get', {})
    assert.deepEqual(
      transfers.map(({ folder }) => folder),
      order,
    )
    const [, again] = transfers
    assert.ok(again?.status.kind === 'done')
    assert.deepEqual(again.status.result.conflicts, conflicts)
    const { conflictCount, ...told } = again.status.result
    assert.equal(conflictCount, 1)
    assert.deepEqual(await bob.request('copy.wait', { job: again.id, timeout: 0 }), told)
    const after = await bob.request('state.get', {})
    assert.deepEqual(
      after.opened.map(share => share.id).filter(each => opened.includes(each)),
      opened.filter(each => after.opened.some(share => share.id === each)),
    )
  })
})

/** As a program does that restores times: same size, same time, same inode. */
async function writeInPlace(path: string, bytes: Uint8Array): Promise<void> {
  const { atime, mtime } = await stat(path)
  const file = await open(path, 'r+')
  await file.write(bytes, 0, bytes.length, 0)
  await file.close()
  await utimes(path, atime, mtime)
}
