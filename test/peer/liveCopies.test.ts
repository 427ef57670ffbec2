/** A folder that is kept in step with a share: what is saved there is written here, and nothing of the user's is lost. */
import assert from 'node:assert/strict'
import { lstatSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { DrivePath, ShareId } from '../../src/common/brand'
import type { Params } from '../../src/common/protocol'
import { eventually } from '../support/eventually'
import { makeTree, symbolicLink, type Tree, temporaryFolder } from '../support/folders'
import { LiveScene } from '../support/liveScene'
import type { Person } from '../support/person'
import { withPeople } from '../support/withPeople'

describe('a folder that is kept in step with a share', () => {
  const people = withPeople()
  let bob: Person
  let scene: LiveScene
  let source: string
  let folder: string
  let id: ShareId
  let live: string

  before(async () => {
    const [ann, other] = await Promise.all([
      people.start({ client: 'window', hold: 0 }),
      people.start({ client: 'window' }),
    ])
    bob = other
    scene = new LiveScene(ann, bob)
  })
  afterEach(() => scene.end())

  const begin = async (tree: Tree, more: Partial<Params<'live.start'>> = {}, own: Tree = {}) => {
    await scene.begin(tree, {
      ...more,
      folder: await makeTree(temporaryFolder('live'), own),
      isWatched: true,
    })
    ;({ source, folder, id, live } = scene)
  }
  const caughtUp = (what?: string) => scene.caughtUp(what)
  const text = (name: string) => readFile(join(folder, name), 'utf8')

  it('writes what is saved there, and takes away what is deleted', async () => {
    await begin(
      { 'a.txt': 'a', 'b.txt': 'b', 'c.txt': 'c', docs: { 'd.txt': 'd' } },
      {},
      { 'mine.txt': 'mine' },
    )
    await caughtUp()
    await writeFile(join(source, 'a.txt'), 'a later a')
    await rm(join(source, 'docs'), { recursive: true })
    await makeTree(source, { new: { 'e.txt': 'e' } })
    await caughtUp()
    assert.equal(await text('mine.txt'), 'mine', 'what is not of the share stays')
    await rm(join(folder, 'mine.txt'))
    await scene.holdsTheSame()
    assert.deepEqual(
      (await scene.kept()).map(({ path }) => path),
      [join(folder, 'docs', 'd.txt')],
    )
  })

  it('puts a file that was taken away back, beside what has its place by now', async () => {
    await begin({ 'a.txt': 'a', 'b.txt': 'b', 'gone.txt': 'as it was' })
    await caughtUp()
    await rm(join(source, 'gone.txt'))
    await caughtUp()
    assert.deepEqual((await readdir(folder)).sort(), ['a.txt', 'b.txt'])
    const [file] = await scene.kept()
    assert.ok(file)
    await writeFile(join(folder, 'gone.txt'), 'another')
    const { path } = await bob.request('kept.restore', { kept: file.id })
    assert.match(path, /gone\.conflict-.*\.txt$/)
    assert.equal(await readFile(path, 'utf8'), 'as it was')
    assert.equal(await text('gone.txt'), 'another')
    assert.deepEqual(await scene.kept(), [])
  })

  it('renames what is renamed there, and writes none of it again', async () => {
    await begin({ 'large.bin': 'large'.repeat(50_000), folder: { 'x.txt': 'x', 'y.txt': 'y' }, 'z.txt': 'z' })
    await caughtUp()
    const before = {
      large: statSync(join(folder, 'large.bin')).ino,
      x: statSync(join(folder, 'folder/x.txt')).ino,
    }
    await rename(join(source, 'large.bin'), join(source, 'moved.bin'))
    await rename(join(source, 'folder'), join(source, 'renamed'))
    await caughtUp()
    await scene.holdsTheSame()
    assert.equal(statSync(join(folder, 'moved.bin')).ino, before.large)
    assert.equal(statSync(join(folder, 'renamed/x.txt')).ino, before.x)
    assert.deepEqual(await scene.kept(), [])
  })

  it('never overwrites what the user changed: theirs lies beside, and the newest of theirs only', async () => {
    await begin({ 'notes.md': 'first', 'other.txt': 'other' })
    await caughtUp()
    await writeFile(join(folder, 'notes.md'), 'my own words')
    for (const next of ['second', 'third, a later one']) {
      await writeFile(join(source, 'notes.md'), next)
      await caughtUp()
    }
    assert.equal(await text('notes.md'), 'my own words')
    assert.equal(scene.state.conflictCount, 1)
    const copy = scene.state.conflicts[0]?.copy ?? ''
    assert.match(copy, /notes\.conflict-/)
    assert.equal(await readFile(copy, 'utf8'), 'third, a later one')
    assert.equal(readdirSync(folder).length, 3, 'the second one has made way for the third')

    await bob.request('live.resolve', { live, path: join(folder, 'notes.md'), take: 'theirs' })
    assert.equal(await text('notes.md'), 'third, a later one')
    assert.deepEqual(readdirSync(folder).sort(), ['notes.md', 'other.txt'])
    const [mine] = await scene.kept()
    assert.equal(mine?.path, join(folder, 'notes.md'), 'what the user wrote is kept')
    await writeFile(join(source, 'notes.md'), 'fourth')
    await caughtUp()
    assert.equal(await text('notes.md'), 'fourth', 'it follows again')

    await writeFile(join(folder, 'notes.md'), 'my own again')
    await writeFile(join(source, 'notes.md'), 'fifth')
    await caughtUp()
    await bob.request('live.resolve', { live, path: join(folder, 'notes.md'), take: 'mine' })
    assert.deepEqual(readdirSync(folder).sort(), ['notes.md', 'other.txt'])
    assert.equal(await text('notes.md'), 'my own again')
    await bob.until('no conflict is left', () => scene.state.conflictCount === 0)

    await writeFile(join(source, 'notes.md'), 'sixth')
    await caughtUp()
    await rm(scene.state.conflicts[0]?.copy ?? '')
    await bob.until('who removes the incoming file has dealt with it', () => scene.state.conflictCount === 0)
  })

  it('leaves deleted what the user deleted, also over a restart and a rename there, until they want it back', async () => {
    await begin({ 'a.txt': 'a', 'b.txt': 'b', 'c.txt': 'c' })
    await caughtUp()
    await rm(join(folder, 'a.txt'))
    await writeFile(join(source, 'a.txt'), 'a later a')
    await writeFile(join(source, 'b.txt'), 'a later b')
    await caughtUp()
    assert.deepEqual(readdirSync(folder).sort(), ['b.txt', 'c.txt'])
    await rm(join(folder, 'c.txt'))
    await bob.restart()
    await scene.becomes('in-step')
    await rename(join(source, 'c.txt'), join(source, 'renamed.txt'))
    await caughtUp()
    assert.deepEqual(readdirSync(folder).sort(), ['b.txt'])
    assert.equal(scene.state.deletedHere, 2)
    await bob.request('live.bringBack', { live })
    await eventually('they are back', () => readdirSync(folder).length === 3)
    await caughtUp()
    await scene.holdsTheSame()
  })

  it('asks before it takes most files away, and takes none until then', async () => {
    await begin({ 'a.txt': 'a', 'b.txt': 'b', 'c.txt': 'c', 'd.txt': 'd' })
    await caughtUp()
    const remove = (...names: string[]) =>
      scene.atOnce(() => Promise.all(names.map(name => rm(join(source, name)))))
    await remove('a.txt', 'b.txt', 'c.txt')
    await scene.asks('removal')
    assert.equal(readdirSync(folder).length, 4)
    await bob.request('live.answer', { live, question: 'removal', answer: 'go-on' })
    await caughtUp()
    await scene.holdsTheSame()
    assert.equal((await scene.kept()).length, 3)

    await makeTree(source, { 'e.txt': 'e', 'f.txt': 'f' })
    await caughtUp()
    await remove('e.txt', 'f.txt')
    await scene.asks('removal')
    await bob.request('live.answer', { live, question: 'removal', answer: 'keep' })
    await caughtUp()
    assert.deepEqual(readdirSync(folder).sort(), ['d.txt', 'e.txt', 'f.txt'], 'they are the user’s now')
  })

  it('asks before it makes many conflicts at once, and goes on by itself when there are none any more', async () => {
    const files = (content: string) =>
      Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`${n}.txt`, content]))
    await begin(files('first'))
    await caughtUp()
    await makeTree(folder, files('of another branch'))
    await scene.atOnce(() => makeTree(source, files('second')))
    await scene.asks('conflicts')
    assert.equal(readdirSync(folder).length, 60, 'none was written')
    await makeTree(folder, files('first'))
    await caughtUp()
    await scene.holdsTheSame()
    assert.equal(scene.state.conflictCount, 0)
  })

  it('asks when the folder was emptied, and waits when it is gone', async () => {
    await begin({ 'a.txt': 'a', docs: { 'b.txt': 'b' } })
    await caughtUp()
    const away = `${folder}-away`
    await rename(folder, away)
    await writeFile(join(source, 'a.txt'), 'a later a')
    await scene.published()
    await scene.becomes('waiting')
    await mkdir(folder) // as a disk leaves it that is not mounted
    await scene.asks('emptied')
    assert.deepEqual(readdirSync(folder), [])
    await rm(folder, { recursive: true })
    await rename(away, folder)
    await caughtUp('it goes on by itself when the files are back')
    await scene.holdsTheSame()

    for (const name of readdirSync(folder)) await rm(join(folder, name), { recursive: true })
    await writeFile(join(source, 'a.txt'), 'the latest a')
    await scene.published()
    await scene.asks('emptied')
    await bob.request('live.answer', { live, question: 'emptied', answer: 'go-on' })
    await caughtUp()
    await scene.holdsTheSame()
  })

  it('brings files, links and folders in the place of each other', async () => {
    const link = symbolicLink('kept.txt')
    await begin({ 'kept.txt': 'kept', a: 'a file', b: { deep: { x: 'x' } }, c: link, d: 'd', e: link })
    await caughtUp()
    for (const name of ['a', 'b', 'c', 'd', 'e']) await rm(join(source, name), { recursive: true })
    await makeTree(source, { a: { in: { it: 'now' } }, b: 'a file', c: { y: 'y' }, d: link, e: 'a file' })
    await scene.published()
    await caughtUp()
    await scene.holdsTheSame()
  })

  it('keeps a folder that holds files of the user’s, and writes through no link of theirs', async () => {
    await begin({ 'a.txt': 'a', 'b.txt': 'b', docs: { 'c.txt': 'c' }, other: { 'd.txt': 'd' } })
    await caughtUp()
    const outside = await makeTree(temporaryFolder('outside'), { 'd.txt': 'mine' })
    await writeFile(join(folder, 'docs', 'mine.txt'), 'mine')
    await rm(join(folder, 'other'), { recursive: true })
    await symlink(outside, join(folder, 'other'))
    await rm(join(source, 'docs'), { recursive: true })
    await writeFile(join(source, 'other', 'd.txt'), 'later')
    await caughtUp()
    assert.deepEqual(readdirSync(join(folder, 'docs')), ['mine.txt'])
    assert.equal(readFileSync(join(outside, 'd.txt'), 'utf8'), 'mine')
    assert.ok(lstatSync(join(folder, 'other')).isSymbolicLink())
  })

  it('keeps what its patterns name, and takes away the rest when they change', async () => {
    await begin(
      { 'a.md': 'a', 'b.txt': 'b', docs: { 'c.txt': 'c', 'd.md': 'd' } },
      { only: ['docs', '*.md'] },
    )
    await caughtUp()
    assert.deepEqual(readdirSync(folder).sort(), ['a.md', 'docs'])
    await writeFile(join(source, 'b.txt'), 'not wanted')
    await caughtUp()
    assert.deepEqual(readdirSync(folder).sort(), ['a.md', 'docs'])
    await scene.start({ only: ['*.md'] })
    await eventually('what is left out is gone', () => !readdirSync(join(folder, 'docs')).includes('c.txt'))
    assert.deepEqual(readdirSync(join(folder, 'docs')), ['d.md'])
  })

  it('takes away what is left out later, but for what the user changed, and brings it when it is chosen again', async () => {
    const files = { 'c.txt': 'c', 'd.txt': 'd', 'e.txt': 'e', 'f.txt': 'f' }
    await begin({ 'a.txt': 'a', docs: files })
    await caughtUp()
    await writeFile(join(folder, 'docs', 'd.txt'), 'mine')
    const select = async (only?: readonly string[]) => {
      await bob.request('live.select', { live, ...(only === undefined ? {} : { only }) })
      await bob.until('the choice is told', () => scene.state.only?.join() === only?.join())
      await caughtUp()
    }
    await select(['/a.txt'])
    assert.deepEqual(readdirSync(folder).sort(), ['a.txt', 'docs'], 'nothing was asked')
    assert.deepEqual(readdirSync(join(folder, 'docs')), ['d.txt'])
    assert.deepEqual((await scene.kept()).map(({ path }) => relative(join(folder, 'docs'), path)).sort(), [
      'c.txt',
      'e.txt',
      'f.txt',
    ])
    await rm(join(source, 'a.txt'))
    await scene.published()
    await scene.asks('removal')
    await writeFile(join(source, 'a.txt'), 'back')
    await caughtUp('what was asked about has passed')
    await select()
    assert.deepEqual(
      readdirSync(join(folder, 'docs'))
        .filter(name => name in files)
        .sort(),
      Object.keys(files),
    )
    assert.equal(await text('docs/d.txt'), 'mine')
  })

  it('stays as it is while it is paused, and is stopped with the share', async () => {
    await begin({ 'a.txt': 'a' })
    await caughtUp()
    await bob.request('live.pause', { live })
    await writeFile(join(source, 'a.txt'), 'later')
    await scene.heard()
    assert.equal(scene.state.status.kind, 'paused')
    assert.equal(await text('a.txt'), 'a')
    await bob.restart()
    assert.equal(scene.state.status.kind, 'paused')
    await bob.request('live.resume', { live })
    await caughtUp()
    assert.equal(await text('a.txt'), 'later')
    await bob.request('live.stop', { live })
    assert.deepEqual((await bob.request('state.get', {})).live, [])
    assert.equal(await text('a.txt'), 'later', 'its files stay')
  })

  it('is refused where a folder is shared, and in or around another one', async () => {
    await begin({ 'a.txt': 'a', docs: { 'b.txt': 'b' } })
    await caughtUp()
    const refused = (where: string, code: string) =>
      assert.rejects(bob.request('live.start', { id, path: '/' as DrivePath, folder: where, keep: true }), {
        code,
      })
    await refused(join(folder, 'docs'), 'live-overlaps')
    const own = await makeTree(temporaryFolder('own'), { inner: { 'x.txt': 'x' } })
    const { id: shared } = await bob.publish(join(own, 'inner'), { keep: true })
    await refused(join(own, 'inner'), 'live-in-share')
    await refused(own, 'live-in-share')
    await mkdir(join(source, 'deeper', 'here'), { recursive: true })
    await refused(join(source, 'deeper', 'here'), 'live-in-share') // it is Ann's, of another data folder
    await assert.rejects(bob.copy(id, folder), { code: 'live-there' })
    await bob.request('share.remove', { id: shared })
  })

  it('may be a part of a copy, in its own place there', async () => {
    await scene.open({ 'a.txt': 'a', docs: { deep: { 'b.txt': 'b' } } }, { isWatched: true })
    await bob.copy(scene.id, scene.folder)
    scene.folder = join(scene.folder, 'docs')
    await scene.start({ path: '/docs/deep' as DrivePath })
    await writeFile(join(scene.source, 'docs', 'deep', 'b.txt'), 'later')
    await eventually(
      'it follows',
      async () => (await readFile(join(scene.folder, 'deep', 'b.txt'), 'utf8')) === 'later',
    )
  })
})
