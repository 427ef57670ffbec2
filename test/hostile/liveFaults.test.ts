/**
 * Folders in sync on disks that fail, and among programs that do what they like: what stands in the way is said, nothing
 * of the user's is lost, nothing is left behind, and it continues by itself. Small disks are mounted where tests may do
 * that (root on Linux).
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { LiveDoubt } from '../../src/common/model'
import { Catalog } from '../../src/peer/store/catalog'
import { dataFolderPaths } from '../../src/wire/dataFolder'
import { attackGroup } from '../support/attacks'
import { eventually } from '../support/eventually'
import { compareTrees, makeTree, randomBytes, setTimeOf, temporaryFolder } from '../support/folders'
import { LiveScene } from '../support/liveScene'
import { withPeople } from '../support/withPeople'

const MB = 1_000_000

attackGroup('folders in sync on disks that fail', () => {
  const people = withPeople()
  let scene: LiveScene
  let disk: string

  before(async function () {
    disk = join(temporaryFolder('disk'), 'small')
    mkdirSync(disk)
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk]).status !== 0) this.skip()
    const [ann, bob] = await Promise.all([
      people.start({ client: 'window', hold: 0 }),
      people.start({ client: 'window' }),
    ])
    scene = new LiveScene(ann, bob)
  })
  afterEach(async () => {
    await scene.end()
    for (const name of readdirSync(disk)) rmSync(join(disk, name), { recursive: true, force: true })
  })
  after(() => {
    if (disk !== undefined) spawnSync('umount', ['-l', disk])
  })

  const begin = async (tree: Parameters<LiveScene['begin']>[0]) => {
    mkdirSync(join(disk, 'live'))
    await scene.begin(tree, { folder: join(disk, 'live') })
    await scene.caughtUp()
  }
  const keptThere = () => {
    const { kept } = dataFolderPaths(scene.bob.storage)
    return existsSync(kept) ? readdirSync(kept) : []
  }
  const remount = (how: string) => spawnSync('mount', ['-o', `remount,${how}`, disk]).status === 0

  it('waits while the disk is full, and continues when there is room', async () => {
    await begin({ 'a.txt': 'a', 'b.txt': 'b' })
    const ballast = join(disk, 'ballast')
    writeFileSync(ballast, Buffer.alloc(6 * MB))
    await makeTree(scene.source, { 'a.txt': 'later', 'large.bin': randomBytes(4 * MB) })
    await scene.published()
    await scene.waits('no-space')
    rmSync(ballast)
    await scene.caughtUp()
    await scene.holdsTheSame()
  })

  it('follows a newer version that needs no room, although the disk is still full', async () => {
    await begin({ 'a.txt': 'a', 'b.txt': 'b' })
    await makeTree(scene.source, { 'large.bin': randomBytes(12 * MB) })
    await scene.published()
    await scene.waits('no-space')
    await rm(join(scene.source, 'large.bin'))
    await writeFile(join(scene.source, 'a.txt'), 'later')
    await scene.caughtUp()
    await scene.holdsTheSame()
    assert.deepEqual(readdirSync(scene.folder).sort(), ['a.txt', 'b.txt'], 'nothing half-written is left')
  })

  it('replaces large files one after the other where there is no room for all of them twice', async () => {
    assert.ok(remount('size=24m'))
    try {
      const names = ['0.bin', '1.bin', '2.bin']
      const large = (seed: number) =>
        Object.fromEntries(names.map((name, at) => [name, randomBytes(5 * MB, seed + at)]))
      await begin({ ...large(0), 'a.txt': 'a' })
      await scene.atOnce(async () => {
        await makeTree(scene.source, { ...large(10), 'a.txt': 'later' })
      })
      await scene.caughtUp()
      await scene.holdsTheSame()
    } finally {
      rmSync(join(disk, 'live'), { recursive: true })
      assert.ok(remount('size=8m'))
    }
  })

  it('takes nothing away from a read-only disk, and leaves no copies of it in the data folder', async () => {
    await begin({ 'a.txt': 'a', 'b.txt': 'b', 'gone.txt': 'as it was' })
    assert.ok(remount('ro'))
    await rm(join(scene.source, 'gone.txt'))
    await scene.published()
    await scene.waits('disk-read-only')
    await scene.bob.request('live.pause', { live: scene.live })
    await scene.bob.request('live.resume', { live: scene.live })
    await scene.waits('disk-read-only')
    assert.deepEqual(keptThere(), [])
    await eventually('it can be written', () => remount('rw'))
    await scene.caughtUp()
    await scene.holdsTheSame()
    const [kept] = await scene.kept()
    assert.equal(kept?.path, join(scene.folder, 'gone.txt'))
    assert.equal(keptThere().length, 1)
    await scene.bob.request('kept.restore', { kept: kept?.id ?? '' })
    assert.equal(readFileSync(join(scene.folder, 'gone.txt'), 'utf8'), 'as it was')
  })

  it('says that the disk of the data folder is full when that is the one', async () => {
    await begin({ 'a.txt': 'a', 'b.txt': 'b', 'large.bin': randomBytes(2 * MB) })
    const { kept } = dataFolderPaths(scene.bob.storage)
    mkdirSync(kept, { recursive: true })
    assert.equal(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', kept]).status, 0)
    try {
      await rm(join(scene.source, 'large.bin'))
      await scene.published()
      await scene.waits('store-full')
      assert.deepEqual(keptThere(), [])
      assert.ok(existsSync(join(scene.folder, 'large.bin')), 'it is never nowhere')
    } finally {
      spawnSync('umount', ['-l', kept])
    }
    await scene.caughtUp()
    await scene.holdsTheSame()
    assert.equal(keptThere().length, 1)
  })
})

attackGroup('folders in sync with files that may not be touched', () => {
  const people = withPeople()
  let scene: LiveScene

  const protect = (path: string, isProtected: boolean) =>
    spawnSync('chattr', [isProtected ? '+i' : '-i', path]).status === 0

  before(async function () {
    const probe = temporaryFolder('probe')
    if (!protect(probe, true)) this.skip()
    protect(probe, false)
    const [ann, bob] = await Promise.all([
      people.start({ client: 'window', hold: 0 }),
      people.start({ client: 'window' }),
    ])
    scene = new LiveScene(ann, bob)
  })
  afterEach(() => scene.end())

  it('holds nothing up for a file that cannot be taken away, says so, and takes it when it can', async () => {
    await scene.begin({
      'a.txt': 'a',
      'b.txt': 'b',
      'c.txt': 'c',
      locked: { 'gone.txt': 'gone', 'moved.txt': 'moved' },
    })
    await scene.caughtUp()
    protect(join(scene.folder, 'locked'), true)
    try {
      await rm(join(scene.source, 'locked'), { recursive: true })
      await makeTree(scene.source, { 'a.txt': 'later', 'moved.txt': 'moved' })
      await scene.caughtUp()
      assert.equal(readFileSync(join(scene.folder, 'a.txt'), 'utf8'), 'later')
      assert.equal(readFileSync(join(scene.folder, 'moved.txt'), 'utf8'), 'moved')
      assert.equal(scene.state.skippedCount, 2)
    } finally {
      protect(join(scene.folder, 'locked'), false)
    }
    await scene.until('nothing is left out', ({ skippedCount }) => skippedCount === 0)
    await scene.holdsTheSame()
    assert.ok(!existsSync(join(scene.folder, 'locked')))
  })

  it('writes what could not be written as soon as it can, without a new version', async () => {
    await scene.begin({ 'a.txt': 'a', locked: { 'b.txt': 'b' } })
    await scene.caughtUp()
    protect(join(scene.folder, 'locked'), true)
    try {
      await makeTree(scene.source, { 'a.txt': 'later', locked: { 'new.txt': 'new' } })
      await scene.caughtUp()
      assert.equal(scene.state.skippedCount, 1)
    } finally {
      protect(join(scene.folder, 'locked'), false)
    }
    await scene.until('nothing is left out', ({ skippedCount }) => skippedCount === 0)
    await scene.holdsTheSame()
  })
})

attackGroup('folders in sync, and what others do meanwhile', () => {
  const people = withPeople()
  let scene: LiveScene

  before(async () => {
    const [ann, bob] = await Promise.all([
      people.start({ client: 'window', hold: 0 }),
      people.start({ client: 'window' }),
    ])
    scene = new LiveScene(ann, bob)
  })
  afterEach(() => scene.end())

  const doubts = (doubt: LiveDoubt | undefined) =>
    scene.until(
      `in step, ${doubt ?? 'surely'}`,
      ({ status }) => status.kind === 'in-step' && status.doubt === doubt,
    )

  it('are not said to be surely in step when nobody is there who would know, or the share is stopped', async () => {
    const { ann, bob } = scene
    await scene.begin({ 'a.txt': 'a' })
    await scene.caughtUp()
    await doubts(undefined)
    await bob.request('open.stop', { id: scene.id })
    await doubts('stopped')
    await bob.request('open.start', { id: scene.id })
    await doubts(undefined)

    await ann.request('share.stop', { id: scene.id })
    await doubts('unheard')
    await bob.restart()
    await doubts('unheard')
    await writeFile(join(scene.source, 'a.txt'), 'later')
    await ann.request('share.start', { id: scene.id })
    await doubts(undefined)
    await scene.caughtUp()
    await scene.holdsTheSame()
  })

  it('ask as well when one version after the other takes a part of the files', async () => {
    const names = Array.from({ length: 20 }, (_, n) => `${n}.txt`)
    await scene.begin(Object.fromEntries(names.map(name => [name, name])))
    await scene.caughtUp()
    const take = async (count: number) => {
      for (const name of names.splice(0, count)) await rm(join(scene.source, name))
    }
    await take(8)
    await scene.caughtUp()
    await take(5)
    await scene.published()
    await scene.asks('removal')
    assert.equal(readdirSync(scene.folder).length, 12)
    await scene.bob.request('live.answer', { live: scene.live, question: 'removal', answer: 'go-on' })
    await scene.caughtUp()
    await take(2)
    await scene.caughtUp('what was answered is not asked again')
    await scene.holdsTheSame()
  })

  it('take nothing away, and replace nothing, before all of a version is here', async () => {
    const { ann, bob } = scene
    const large = randomBytes(5 * MB)
    await scene.begin({
      'a.txt': 'a',
      'gone.txt': 'gone',
      'large.bin': large,
      docs: { 'same.txt': 'the same', 'other.txt': 'first', 'b.txt': 'b' },
      file: 'becomes a folder',
      folder: { 'inner.txt': 'becomes a file' },
    })
    await scene.caughtUp()
    const before = temporaryFolder('before')
    cpSync(scene.folder, before, { recursive: true, preserveTimestamps: true })

    await rename(join(scene.source, 'docs'), join(scene.source, 'papers'))
    for (const name of ['gone.txt', 'file', 'folder']) await rm(join(scene.source, name), { recursive: true })
    large[MB] = (large[MB] ?? 0) ^ 1
    await makeTree(scene.source, {
      'a.txt': 'later',
      'large.bin': large,
      papers: { 'other.txt': 'second' },
      file: { 'inner.bin': randomBytes(5 * MB) },
      folder: 'is a file',
    })
    // Who shares it goes when its paths have come, and its bytes have not.
    await bob.request('live.pause', { live: scene.live })
    const version = await scene.published()
    await bob.caught('it is heard of', ({ opened }) =>
      opened.some(({ id, contents }) => id === scene.id && (contents?.version ?? 0) >= version),
    )
    await ann.request('share.stop', { id: scene.id })
    await bob.request('live.resume', { live: scene.live })
    await scene.waits('stalled')
    assert.deepEqual(await compareTrees(before, scene.folder), [])
    const { restarts } = bob
    await bob.crash()
    await bob.until('it runs again', () => bob.restarts > restarts)
    await scene.waits('stalled')
    assert.deepEqual(await compareTrees(before, scene.folder), [])
    assert.deepEqual(await scene.kept(), [])

    await ann.request('share.start', { id: scene.id })
    await scene.caughtUp()
    await scene.holdsTheSame()
    const kept = (await scene.kept()).map(({ path }) => relative(scene.folder, path)).sort()
    assert.deepEqual(kept, ['docs/other.txt', 'file', join('folder', 'inner.txt'), 'gone.txt'])
  })

  it('in a work tree of Git follow again what another branch had taken away and brought back', async () => {
    const git = (...args: string[]) => {
      const who = ['-c', 'user.name=b', '-c', 'user.email=b@example.org', '-c', 'init.defaultBranch=main']
      const { status, stderr } = spawnSync('git', [...who, ...args], { cwd: scene.folder, encoding: 'utf8' })
      assert.equal(status, 0, stderr)
    }
    const large = Buffer.from(randomBytes(300_000)).toString('hex')
    await scene.begin({ 'a.txt': 'a', 'b.txt': 'b', 'large.txt': large, 'kept.txt': 'kept' })
    await scene.caughtUp()
    git('init', '-q')
    git('add', '-A')
    git('commit', '-qm', 'all')
    git('checkout', '-qb', 'other')
    git('rm', '-q', 'a.txt', 'large.txt')
    await writeFile(join(scene.folder, 'b.txt'), 'of the other branch')
    git('commit', '-qam', 'fewer')

    await makeTree(scene.source, { 'a.txt': 'later', 'b.txt': 'later', 'large.txt': `${large}later` })
    await scene.caughtUp()
    assert.deepEqual(
      readdirSync(scene.folder).filter(name => /^(a|large)/.test(name)),
      [],
    )
    assert.equal(readFileSync(join(scene.folder, 'b.txt'), 'utf8'), 'of the other branch')
    assert.equal(scene.state.conflictCount, 1)

    git('checkout', '-q', 'main')
    await writeFile(join(scene.source, 'kept.txt'), 'later')
    await scene.caughtUp()
    assert.equal(readFileSync(join(scene.folder, 'a.txt'), 'utf8'), 'later')
    assert.equal(readFileSync(join(scene.folder, 'large.txt'), 'utf8'), `${large}later`)
    assert.equal(scene.state.deletedHere, 0)
    assert.equal(readFileSync(join(scene.folder, 'b.txt'), 'utf8'), 'b', 'what git wrote is the user’s')
    assert.equal(scene.state.conflictCount, 1)
  })

  it('take a file that was renamed here as well as there for what it is, and follow it', async () => {
    await scene.begin({ 'a.txt': 'as it was', 'b.txt': 'b', 'c.txt': 'c' })
    await scene.caughtUp()
    for (const root of [scene.folder, scene.source]) await rename(join(root, 'a.txt'), join(root, 'new.txt'))
    await scene.caughtUp()
    assert.equal(scene.state.deletedHere, 0)
    await writeFile(join(scene.source, 'new.txt'), 'later')
    await scene.caughtUp()
    assert.equal(scene.state.conflictCount, 0)
    await scene.holdsTheSame()
  })

  it('say so when their share is not open any more, and follow again when it is', async () => {
    const { ann } = scene
    const carol = await people.start({ client: 'window' })
    const theirs = new LiveScene(ann, carol)
    await theirs.begin({ 'a.txt': 'a' })
    await theirs.caughtUp()
    await scene.begin({ 'b.txt': 'b' })
    await carol.leave()
    // As an earlier version does, which knows nothing of folders in sync and has no use for the share.
    const catalog = await Catalog.open(dataFolderPaths(carol.storage).catalog)
    await catalog.delete('opened', theirs.id)
    await catalog.close()

    const again = await people.start({ client: 'window', storage: carol.storage })
    const after = new LiveScene(ann, again, theirs.folder)
    Object.assign(after, { live: theirs.live, id: theirs.id, source: theirs.source })
    await after.waits('unknown-share')
    await writeFile(join(theirs.source, 'a.txt'), 'later')
    await again.open(theirs.link, { keep: true })
    await after.caughtUp()
    await after.holdsTheSame()
  })

  it('hold what the share has after a loss of power, and call none of its files the user’s', async () => {
    const { ann } = scene
    await scene.begin({ 'b.txt': 'b' })
    const dora = await people.start({ client: 'window' })
    const theirs = new LiveScene(ann, dora)
    const large = randomBytes(300_000)
    await theirs.begin({
      'a.txt': 'a',
      'gone.txt': 'gone',
      'moved.txt': 'moved',
      'mine.txt': 'first',
      'c.txt': 'c',
    })
    await theirs.caughtUp()
    await writeFile(join(theirs.folder, 'mine.txt'), 'my own')
    const { store, catalog } = dataFolderPaths(dora.storage)
    const earlier = temporaryFolder('earlier')
    // What would be on the disk if the power was lost a moment later.
    const pid = await dora.pid()
    process.kill(pid, 'SIGSTOP')
    for (const [at, path] of [store, catalog].entries())
      cpSync(path, join(earlier, `${at}`), { recursive: true })
    process.kill(pid, 'SIGCONT')

    await rm(join(theirs.source, 'gone.txt'))
    await rename(join(theirs.source, 'moved.txt'), join(theirs.source, 'elsewhere.txt'))
    await makeTree(theirs.source, {
      'a.txt': 'a later a',
      'new.txt': 'new',
      'large.bin': large,
      'mine.txt': 'second',
    })
    await theirs.caughtUp()
    await dora.vanish()
    for (const [at, path] of [store, catalog].entries()) {
      rmSync(path, { recursive: true })
      cpSync(join(earlier, `${at}`), path, { recursive: true })
    }
    const records = await Catalog.open(catalog)
    await records.put('run', '', { boot: 'before the power was lost', endedInOrder: false })
    await records.close()
    // The names and times of these reached the disk, and not all of their bytes.
    for (const [name, left] of [
      ['a.txt', 0],
      ['new.txt', 0],
      ['large.bin', 70_000],
    ] as const) {
      const path = join(theirs.folder, name)
      const { mtimeMs } = statSync(path)
      truncateSync(path, left)
      await setTimeOf(path, Math.floor(mtimeMs))
    }

    const again = await people.start({ client: 'window', storage: dora.storage })
    const after = new LiveScene(ann, again, theirs.folder)
    Object.assign(after, { live: theirs.live, id: theirs.id, source: theirs.source })
    await after.caughtUp()
    assert.equal(readFileSync(join(theirs.folder, 'mine.txt'), 'utf8'), 'my own')
    const { conflicts } = after.state
    assert.deepEqual(
      conflicts.map(({ path }) => path),
      [join(theirs.folder, 'mine.txt')],
    )
    for (const name of ['a.txt', 'new.txt', 'large.bin', 'elsewhere.txt', 'c.txt'])
      assert.ok(
        readFileSync(join(theirs.folder, name)).equals(readFileSync(join(theirs.source, name))),
        `${name} is whole`,
      )
    for (const { copy } of conflicts) assert.equal(readFileSync(copy, 'utf8'), 'second')
    assert.equal(after.state.deletedHere, 0)
  })
})

attackGroup('folders in sync with a share whose large files are gone from its disk', () => {
  const people = withPeople()
  let scene: LiveScene

  before(async () => {
    const [ann, bob] = await Promise.all([
      people.start({ client: 'window', hold: 3_600 }),
      people.start({ client: 'window' }),
    ])
    scene = new LiveScene(ann, bob)
  })
  afterEach(() => scene.end())

  it('go on without them, and take them as soon as they are there again', async () => {
    const names = Array.from({ length: 12 }, (_, n) => `${n}.bin`)
    const large = (seed: number) =>
      Object.fromEntries(names.map((name, at) => [name, randomBytes(1_200_000, seed + at)]))
    await scene.begin({ ...large(100), 'a.txt': 'a', 'gone.txt': 'gone', 'x.txt': 'x' }, { isWatched: true })
    await scene.caughtUp()
    await scene.atOnce(async () => {
      await makeTree(scene.source, { ...large(200), 'a.txt': 'later', 'new.txt': 'new' })
      await rm(join(scene.source, 'gone.txt'))
      await scene.heard()
      for (const name of names.slice(1)) await rm(join(scene.source, name))
    })
    const absent = names.length - 1
    const goesOn = () => scene.state.status.kind === 'in-step' && scene.state.absentCount === absent
    await scene.bob.until('it goes on', goesOn, 100_000)
    assert.equal(scene.state.skippedCount, absent)
    const here = (name: string) => readFileSync(join(scene.folder, name))
    assert.equal(String(here('a.txt')), 'later')
    assert.equal(String(here('new.txt')), 'new')
    assert.ok(!existsSync(join(scene.folder, 'gone.txt')))
    for (const [name, bytes] of Object.entries(large(100)).slice(1)) assert.ok(here(name).equals(bytes), name)

    // What comes next does not wait for them.
    await writeFile(join(scene.source, 'x.txt'), 'later')
    const version = await scene.published()
    await scene.until('the next version is here', ({ status, version: at = 0 }) => {
      assert.notEqual(status.kind, 'waiting')
      return status.kind === 'in-step' && at >= version
    })
    assert.equal(String(here('x.txt')), 'later')

    await makeTree(scene.source, large(200))
    await scene.published()
    await scene.until('all is there', ({ skippedCount }) => skippedCount === 0)
    await scene.holdsTheSame()
  }).timeout(200_000)
})
