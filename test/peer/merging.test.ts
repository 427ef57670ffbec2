/** What was changed here and by the sharer is merged when the user asks for it, with the version that both began with. */
import assert from 'node:assert/strict'
import { chmodSync, readdirSync, statSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DrivePath, ShareId } from '../../src/common/brand'
import type { LiveConflict } from '../../src/common/model'
import { eventually } from '../support/eventually'
import { makeTree, randomBytes, type Tree, temporaryFolder } from '../support/folders'
import { LiveScene } from '../support/liveScene'
import type { Person } from '../support/person'
import { withPeople } from '../support/withPeople'

const BASE = 'one\ntwo\nthree\nfour\nfive\n'

describe('a conflict that is merged', () => {
  const people = withPeople()
  let bob: Person
  let scene: LiveScene
  let source: string
  let folder: string
  let id: ShareId

  before(async () => {
    // Nothing that is superseded stays for long, so that a base is there only because it is held.
    const options = { client: 'window', hold: 0, grace: 1 } as const
    const [ann, other] = await Promise.all([people.start(options), people.start(options)])
    bob = other
    scene = new LiveScene(ann, bob)
  })
  afterEach(() => scene.end())

  const open = async (tree: Tree, own: Tree = {}) => {
    await scene.open(tree, { folder: await makeTree(temporaryFolder('live'), own) })
    ;({ source, folder, id } = scene)
  }

  const follow = async (tree: Tree, own: Tree = {}) => {
    await open(tree, own)
    await scene.start()
    await caughtUp()
  }

  const caughtUp = () => scene.caughtUp()

  /** Both change a file. → the conflict */
  const collide = async (mine: string | Buffer, theirs: string | Buffer, name = 'notes.md') => {
    await writeFile(join(folder, name), mine)
    await writeFile(join(source, name), theirs)
    await caughtUp()
    return conflictOf(name)
  }
  const conflictOf = async (name = 'notes.md'): Promise<LiveConflict> => {
    const conflicts = await bob.request('live.conflicts', { live: scene.live })
    const found = conflicts.find(({ path }) => path === join(folder, name))
    assert.ok(found, `${name} is a conflict`)
    return found
  }
  const pair = ({ path, copy }: LiveConflict) => ({ path, copy })
  const merge = async (conflict: LiveConflict) =>
    (await bob.request('conflict.merge', pair(conflict))).markers
  const about = (conflict: LiveConflict) => bob.request('conflict.about', pair(conflict))
  const text = (name = 'notes.md') => readFile(join(folder, name), 'utf8')
  const over = () => bob.until('it is solved', () => scene.state.conflictCount === 0)

  it('holds what both changed, and what it was is among the kept files', async () => {
    await follow({ 'notes.md': BASE })
    chmodSync(join(folder, 'notes.md'), 0o755)
    const mine = BASE.replace('one', 'my one')
    const conflict = await collide(mine, BASE.replace('five', 'their five'))
    assert.deepEqual(await about(conflict), { kind: 'possible' })
    assert.equal(await merge(conflict), 0)
    assert.equal(await text(), 'my one\ntwo\nthree\nfour\ntheir five\n')
    assert.deepEqual(readdirSync(folder), ['notes.md'], 'theirs beside is gone')
    assert.notEqual(statSync(join(folder, 'notes.md')).mode & 0o100, 0, 'it can be run as before')
    await over()
    const [file] = await scene.kept()
    assert.equal(file?.path, join(folder, 'notes.md'))
    assert.equal(file?.size, mine.length)
    await assert.rejects(merge(conflict), { code: 'merge-no-base' })

    await writeFile(
      join(source, 'notes.md'),
      BASE.replace('three', 'their three').replace('five', 'their five'),
    )
    await caughtUp()
    assert.equal(await merge(await conflictOf()), 0)
    assert.equal(await text(), 'my one\ntwo\ntheir three\nfour\ntheir five\n', 'from what was merged last')
  })

  it('has markers where both changed the same, and ends when they are gone', async () => {
    await follow({ 'notes.md': BASE })
    const conflict = await collide(BASE.replace('three', 'my three'), BASE.replace('three', 'their three'))
    assert.equal(await merge(conflict), 1)
    const marked = 'one\ntwo\n<<<<<<< yours\nmy three\n=======\ntheir three\n>>>>>>> theirs\nfour\nfive\n'
    assert.equal(await text(), marked)
    await bob.until('the markers are told', () => scene.state.conflicts[0]?.merging === true)
    assert.deepEqual(await about(conflict), { kind: 'merging' })
    await assert.rejects(merge(conflict), { code: 'merge-unsolved' })
    assert.equal(await text(), marked)
    assert.equal(await readFile(conflict.copy, 'utf8'), BASE.replace('three', 'their three'))
    await writeFile(conflict.path, BASE.replace('three', 'our three'))
    await over()
    assert.deepEqual(readdirSync(folder), ['notes.md'])
    assert.equal(await text(), BASE.replace('three', 'our three'))
  })

  it('is not over when a newer version came while it was solved, and goes on from what was merged', async () => {
    await follow({ 'notes.md': BASE })
    const conflict = await collide(BASE.replace('three', 'my three'), BASE.replace('three', 'their three'))
    await merge(conflict)
    await writeFile(join(source, 'notes.md'), `their one\n${BASE.replace('three', 'their three').slice(4)}`)
    await caughtUp()
    await writeFile(conflict.path, BASE.replace('three', 'our three'))
    await eventually(
      'the markers are seen to be gone',
      async () => (await about(conflict)).kind === 'possible',
    )
    assert.equal(await merge(await conflictOf()), 0)
    assert.equal(await text(), `their one\n${BASE.replace('three', 'our three').slice(4)}`)
    await over()
  })

  it('has the version that both began with although all others are cleared, also after a restart', async () => {
    await follow({ 'notes.md': BASE, 'large.bin': randomBytes(300_000, 1) })
    const [before] = (await bob.request('versions.list', { id, limit: 1, timeout: 1_000 })).versions
    await writeFile(join(source, 'large.bin'), randomBytes(300_000, 2))
    const mine = BASE.replace('one', 'my one')
    await collide(mine, BASE.replace('five', 'their five'))
    await writeFile(join(source, 'notes.md'), BASE.replace('five', 'their last five'))
    await caughtUp()
    const path = '/large.bin' as DrivePath
    await eventually('what is superseded is cleared everywhere', async () => {
      const { versions } = await bob.request('versions.list', { id, path, limit: 10, timeout: 1_000 })
      const found = versions.find(({ version }) => version === before?.version)
      return found !== undefined && found.kept !== true
    })
    await bob.restart()
    await scene.becomes('in-step')
    assert.equal(await merge(await conflictOf()), 0)
    assert.equal(await text(), 'my one\ntwo\nthree\nfour\ntheir last five\n')
  })

  it('is refused, with the reason, where it cannot be', async () => {
    await follow({ 'notes.md': BASE, 'picture.bin': 'a\0', 'other.txt': 'other' }, { 'mine.txt': 'mine' })
    await writeFile(join(source, 'mine.txt'), 'theirs')
    const none = await collide('mine', 'theirs', 'mine.txt')
    const binary = await collide('b\0', 'c\0', 'picture.bin')
    const large = await collide(Buffer.alloc(5_000_000, 'x'), 'theirs')
    const theirs = await collide('mine', Buffer.alloc(5_000_000, 'x'), 'other.txt')
    const reasons = [
      ['merge-no-base', none],
      ['merge-binary', binary],
      ['merge-too-large', large],
      ['merge-too-large', theirs],
    ] as const
    for (const [code, conflict] of reasons) {
      const answer = await about(conflict)
      assert.equal(answer.kind === 'refused' && answer.error.code, code)
      const before = await readFile(conflict.path)
      await assert.rejects(merge(conflict), { code: conflict === theirs ? 'merge-no-base' : code })
      assert.ok(before.equals(await readFile(conflict.path)))
    }
    assert.deepEqual(await scene.kept(), [])
  })

  it('can be one of a copy that does not follow', async () => {
    await open({ 'notes.md': BASE })
    await bob.copy(id, folder)
    await writeFile(join(folder, 'notes.md'), BASE.replace('three', 'my three'))
    await writeFile(join(source, 'notes.md'), BASE.replace('three', 'their three'))
    await scene.heard()
    const [conflict] = (await bob.copy(id, folder)).conflicts
    assert.ok(conflict)
    assert.equal(await merge(conflict), 1)
    await writeFile(conflict.path, BASE.replace('three', 'our three'))
    await eventually('theirs beside is gone', () => readdirSync(folder).length === 1)
    assert.equal(await text(), BASE.replace('three', 'our three'))
  })
})
