import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DrivePath } from '../../src/common/brand'
import {
  Burst,
  type BurstTimes,
  type ChangedPaths,
  type GoingOn,
  MAX_PATHS,
} from '../../src/peer/publish/watch/burst'
import { hasOtherChanges } from '../../src/peer/publish/watch/otherChanges'
import {
  inotifyDescriptors,
  type OnEvents,
  type WatchEvent,
} from '../../src/peer/publish/watch/parcelWatcher'
import { type FolderWatch, type WatchOptions, watchFolder } from '../../src/peer/publish/watch/watch'
import { watchFile } from '../../src/peer/publish/watch/watchFile'
import { eventually } from '../support/eventually'

const FAST = { quiet: 50, longest: 300, poll: 50, look: 30, safety: 600_000, again: 20 }

/** What a watch has told, in order, and a way to wait for something among it. */
class Told extends EventEmitter {
  readonly changes: ChangedPaths[] = []
  vanished = 0

  readonly callbacks = {
    onChange: (changes: ChangedPaths) => {
      this.changes.push(changes)
      this.emit('told')
    },
    onVanished: () => {
      this.vanished++
      this.emit('told')
    },
    onMode: () => {
      this.emit('told')
    },
  }

  /** Resolves as soon as `what` holds; the test's time limit is the limit. */
  async until(what: () => boolean): Promise<void> {
    while (!what()) await once(this, 'told')
  }

  has(path: string): boolean {
    return this.changes.some(changes => changes !== 'rescan' && changes.includes(path as DrivePath))
  }

  get rescans(): number {
    return this.changes.filter(changes => changes === 'rescan').length
  }
}

describe('a watched folder', function () {
  this.timeout(20_000)

  let root = ''
  let told = new Told()
  let watch: FolderWatch | undefined

  beforeEach(() => {
    root = join(fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'peerfold-watch-'))), 'share')
    fs.mkdirSync(root)
    told = new Told()
  })
  afterEach(async () => {
    await watch?.close()
    watch = undefined
    fs.rmSync(join(root, '..'), { recursive: true, force: true })
  })

  async function start(options: Partial<WatchOptions> = {}): Promise<FolderWatch> {
    watch = await watchFolder(root, { ...told.callbacks, times: FAST, ...options })
    return watch
  }

  it('tells which files were written, changed and deleted', async () => {
    fs.mkdirSync(join(root, 'sub'))
    fs.writeFileSync(join(root, 'sub', 'old.txt'), '')
    await start()
    assert.equal(watch?.mode, 'watching')
    fs.writeFileSync(join(root, 'new ü.txt'), 'x')
    await told.until(() => told.has('/new ü.txt'))
    fs.rmSync(join(root, 'sub', 'old.txt'))
    await told.until(() => told.has('/sub/old.txt'))
  })

  it('tells a burst at once', async () => {
    await start({ times: { ...FAST, quiet: 150, longest: 5000 } })
    for (let index = 0; index < 100; index++) fs.writeFileSync(join(root, `f${index}`), '')
    // Not all: the native watcher may lose what happens in the moment in which it hands over what came before. No harm
    // is done, for what is told is followed by a scan of everything.
    await told.until(() => new Set(told.changes.flat()).size >= 95)
    assert.ok(told.changes.length <= 3, `100 files were told in ${told.changes.length} goes`)
  })

  it('tells a burst when the watcher has told all of it, however long that takes', async () => {
    let tell: OnEvents = () => {}
    const times = { ...FAST, save: 5, quiet: 5, longest: 60_000, next: 60_000 }
    await start({
      times,
      loadSubscribe: async () => async (_folder, onEvents) => {
        tell = onEvents
        return { unsubscribe: async () => {} }
      },
    })
    const files = Array.from({ length: 300 }, (_, at) => join(root, `f${String(at).padStart(3, '0')}`))
    const write = (from: number, to: number) => {
      for (const file of files.slice(from, to)) fs.writeFileSync(file, '')
    }
    const handOver = (from: number, to: number, isFirst: boolean) =>
      tell(
        null,
        files.slice(from, to).map(path => ({ path, type: 'update' })),
        isFirst,
      )
    write(0, 1)
    handOver(0, 1, true) // at once and alone, as the native watcher does
    write(1, 300)
    assert.equal(await toldWithin(told, 100), 0, 'files beside it changed as well')
    handOver(1, 200, true) // after 500 ms, while files are being written
    assert.equal(await toldWithin(told, 100), 0, 'more may have changed')
    handOver(200, 240, false)
    assert.equal(await toldWithin(told, 100), 0, 'files beside the last ones changed as well')
    handOver(240, 300, false)
    await told.until(() => told.changes.length === 2)
    assert.equal(told.changes[0], 'rescan')
    assert.equal(told.changes[1]?.length, 300)
  })

  it('sees what happens inside a tree that was moved in', async () => {
    const outside = join(root, '..', 'tree')
    fs.mkdirSync(join(outside, 'a', 'b', 'c'), { recursive: true })
    await start()
    fs.renameSync(outside, join(root, 'tree'))
    await told.until(() => told.changes.length > 0)
    fs.writeFileSync(join(root, 'tree', 'a', 'b', 'c', 'deep.txt'), '')
    await told.until(() => told.has('/tree/a/b/c/deep.txt'))
  })

  it('says nothing about .git, temporary files and ignored folders', async () => {
    for (const folder of ['.git', 'node_modules', 'src']) fs.mkdirSync(join(root, folder))
    await start({ ignoredFolders: ['/node_modules' as DrivePath] })
    fs.writeFileSync(join(root, '.git', 'index'), '')
    fs.writeFileSync(join(root, 'node_modules', 'x'), '')
    fs.writeFileSync(join(root, '.peerfold-0123456789abcdef.part'), '')
    fs.writeFileSync(join(root, 'src', 'last'), '')
    await told.until(() => told.has('/src/last'))
    assert.deepEqual(told.changes.flat(), ['/src/last'])
  })

  it('follows a folder that is not ignored any more', async () => {
    fs.mkdirSync(join(root, 'dist'))
    const started = await start({ ignoredFolders: ['/dist' as DrivePath] })
    await started.ignoreFolders(['/dist' as DrivePath])
    assert.equal(told.rescans, 0, 'nothing new, nothing to do')
    await started.ignoreFolders([])
    assert.equal(told.rescans, 1)
    fs.writeFileSync(join(root, 'dist', 'app.js'), '')
    await told.until(() => told.has('/dist/app.js'))
  })

  it('says when the folder is gone, and carries on when it is back', async () => {
    fs.writeFileSync(join(root, 'a'), '')
    await start()
    fs.renameSync(root, `${root}-away`)
    await told.until(() => told.vanished === 1 && watch?.mode === 'vanished')
    const before = told.rescans
    fs.renameSync(`${root}-away`, root)
    await told.until(() => told.rescans > before)
    assert.equal(watch?.mode, 'watching')
    fs.writeFileSync(join(root, 'b'), '')
    await told.until(() => told.has('/b'))
    assert.equal(told.vanished, 1)
  })

  it('notices that another folder stands in its place', async () => {
    await start({ times: { ...FAST, look: 20 } })
    fs.mkdirSync(`${root}-other`)
    fs.writeFileSync(join(`${root}-other`, 'x'), '')
    fs.renameSync(root, `${root}-away`)
    fs.renameSync(`${root}-other`, root)
    await told.until(() => told.rescans > 0)
    fs.writeFileSync(join(root, 'y'), '')
    await told.until(() => told.has('/y'))
  })

  it('starts as vanished where there is no folder', async () => {
    root = join(root, 'later')
    const started = await start()
    assert.equal(started.mode, 'vanished')
    assert.equal(told.vanished, 1)
    fs.mkdirSync(root)
    await told.until(() => told.rescans > 0)
  })

  it('looks again and again where the system cannot watch, and says why', async () => {
    const full = Object.assign(new Error('inotify_add_watch failed: No space left on device'), {
      code: 'ENOSPC',
    })
    await start({ loadSubscribe: async () => () => Promise.reject(full) })
    assert.equal(watch?.mode, 'polling')
    assert.match(watch?.reason ?? '', /max_user_watches/)
    await told.until(() => told.rescans >= 2)
  })

  it('does the same when the watcher cannot be loaded', async () => {
    await start({ loadSubscribe: () => Promise.reject(new Error('no prebuild')) })
    assert.equal(watch?.mode, 'polling')
    assert.match(watch?.reason ?? '', /no prebuild/)
  })

  it('asks for a rescan when events were lost, and begins again when the watch ended', async () => {
    const sends: ((error: Error | null, events: readonly WatchEvent[]) => void)[] = []
    let ended = 0
    const modes: string[] = []
    await start({
      times: { ...FAST, poll: 600_000 },
      onMode: mode => modes.push(mode),
      loadSubscribe: async () => async (_folder, onEvents) => {
        sends.push(onEvents)
        return { unsubscribe: async () => void ended++ }
      },
    })
    sends[0]?.(new Error('Events were dropped. File system must be re-scanned.'), [])
    await told.until(() => told.rescans === 1)
    assert.equal(watch?.mode, 'watching')
    // What Windows says when too much happened at once; its watcher says nothing after that.
    sends[0]?.(new Error('Buffer overflow. Some events may have been lost.'), [])
    await told.until(() => told.rescans >= 2 && sends.length === 2)
    assert.equal(watch?.mode, 'watching')
    assert.deepEqual(modes, ['polling', 'watching'])
    assert.equal(ended, 0, 'what has ended is not unsubscribed')
  })

  it('waits longer each time when the watch ends again and again', async () => {
    const times: number[] = []
    await start({
      times: { ...FAST, poll: 600_000, again: 40 },
      loadSubscribe: async () => async (_folder, onEvents) => {
        times.push(performance.now())
        if (times.length < 5) setImmediate(() => onEvents(new Error('Unable to poll: Interrupted'), []))
        return { unsubscribe: async () => {} }
      },
    })
    await told.until(() => times.length === 5)
    const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0))
    for (const [index, pause] of pauses.entries())
      assert.ok(pause >= 40 * 2 ** index - 5, `pauses of ${pauses.map(Math.round).join()} ms`)
  })

  it('tries a few times where a watch cannot begin, and not at all at the system’s limit', async () => {
    let tries = 0
    const subscribe = (message: string) => async () => () => {
      tries++
      return Promise.reject(new Error(message))
    }
    const times = { ...FAST, again: 1, poll: 600_000 }
    const limited = await watchFolder(root, {
      ...told.callbacks,
      times,
      loadSubscribe: subscribe('No space left on device'),
    })
    await start({ times, loadSubscribe: subscribe('No such file or directory') })
    await eventually('it has tried enough', () => tries === 8) // one and seven
    await limited.close()
    assert.equal(watch?.mode, 'polling')
  })

  it('is watched again, and loses no watches, after a signal ended the native watcher', async function () {
    if (process.platform !== 'linux') this.skip() // only inotify is read by a thread that a signal can end
    fs.mkdirSync(join(root, 'a', 'b'), { recursive: true })
    const watches = () => inotifyDescriptors().map(descriptor => descriptor.watches)
    const before = watches()
    let ends = 0
    await start({ onMode: mode => (mode === 'polling' ? ends++ : told.emit('told')) })
    const used = watches()
    for (let round = 1; round <= 2; round++) {
      const rescans = told.rescans
      while (ends < round) await interruptThreads() // one that was not waiting just then goes on
      fs.mkdirSync(join(root, `new${round}`, 'deep'), { recursive: true })
      await told.until(() => watch?.mode === 'watching' && told.rescans > rescans)
      // The new folder may have it made anew once more, and then what happens meanwhile is a rescan.
      await eventually('the inside of a new folder is watched', () => {
        fs.writeFileSync(join(root, `new${round}`, 'deep', 'file'), '')
        return told.has(`/new${round}/deep/file`)
      })
      const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0)
      assert.equal(sum(watches()), sum(used) + 2 * round, 'one watch for each folder')
    }
    await watch?.close()
    assert.deepEqual(
      watches().filter(count => count > 0),
      before.filter(count => count > 0),
    )
  })

  it('does not watch what is ignored, whatever characters stand in its path', async function () {
    if (process.platform !== 'linux') this.skip() // the watches of other systems cannot be counted
    for (const name of ['[work]', 'proj {v2}', 'what?*', '!(a)+(b)']) {
      const folder = join(root, name, 'share')
      for (let index = 0; index < 50; index++)
        fs.mkdirSync(join(folder, 'node_modules', `${index}`), { recursive: true })
      fs.mkdirSync(join(folder, '(gen)', 'deep'), { recursive: true })
      const other = new Told()
      const ignoredFolders = ['/node_modules', '/(gen)'] as DrivePath[]
      const started = await watchFolder(folder, { ...other.callbacks, times: FAST, ignoredFolders })
      const watches = inotifyDescriptors().reduce((sum, descriptor) => sum + descriptor.watches, 0)
      await started.close()
      assert.equal(watches, 1, `watches below ${name}`)
    }
  })

  it('asks for a rescan now and then without any event', async () => {
    await start({ times: { ...FAST, safety: 100 } })
    await told.until(() => told.rescans >= 2)
  })

  it('says nothing after it is closed', async () => {
    const started = await start()
    fs.writeFileSync(join(root, 'a'), '')
    await started.close()
    await started.close()
    const other = new Told()
    watch = await watchFolder(root, { ...other.callbacks, times: FAST })
    fs.writeFileSync(join(root, 'b'), '')
    await other.until(() => other.has('/b'))
    assert.deepEqual(told.changes, [])
  })
})

/** Sends a signal to every thread of this process but the first, one after the other. */
async function interruptThreads(): Promise<void> {
  for (const thread of fs.readdirSync('/proc/self/task').map(Number)) {
    if (thread === process.pid) continue
    const interrupted = once(process, 'SIGUSR2')
    process.kill(thread, 'SIGUSR2') // goes to that thread where it can
    await interrupted
  }
}

describe('a burst of changes', function () {
  this.timeout(20_000)

  const gather = (times: Partial<BurstTimes>, isGoingOn: () => GoingOn = () => undefined) => {
    const told = new Told()
    const all = { save: 20, quiet: 20, longest: 1000, next: 1000, longestGoingOn: 1000, ...times }
    return { told, burst: new Burst(all, told.callbacks.onChange, isGoingOn) }
  }
  const paths = (count: number) => Array.from({ length: count }, (_, at) => `/${at}` as DrivePath)

  it('is told once, each path once', async () => {
    const { told, burst } = gather({})
    burst.add(['/a' as DrivePath])
    burst.add(['/b' as DrivePath, '/a' as DrivePath])
    await told.until(() => told.changes.length > 0)
    assert.deepEqual(told.changes, [['/a', '/b']])
  })

  it('ends although changes go on', async () => {
    const { told, burst } = gather({ save: 50, quiet: 50, longest: 120 })
    const writing = setInterval(() => burst.add(['/a' as DrivePath]), 5)
    await told.until(() => told.changes.length >= 2)
    clearInterval(writing)
    burst.drop()
  })

  it('of too many paths is a rescan', async () => {
    const { told, burst } = gather({ quiet: 5 })
    burst.add(paths(MAX_PATHS + 1))
    burst.add(['/a' as DrivePath])
    await told.until(() => told.changes.length > 0)
    assert.deepEqual(told.changes, ['rescan'])
  })
})

describe('a save', function () {
  this.timeout(20_000)
  const LATE = 60_000
  const times = { save: 5, quiet: 30, longest: LATE, next: 30, longestGoingOn: LATE }
  const A = '/a' as DrivePath
  const others = ['/b', '/c', '/d'] as DrivePath[]
  let told: Told
  let isGoingOn: GoingOn
  let burst: Burst
  const begin = (changed: Partial<BurstTimes> = {}) => {
    told = new Told()
    isGoingOn = undefined
    burst = new Burst({ ...times, ...changed }, told.callbacks.onChange, () => isGoingOn)
  }
  afterEach(() => burst.drop())

  it('of up to four files is told without waiting for quiet, one of more is not', async () => {
    begin({ quiet: LATE })
    burst.add([A, ...others])
    await told.until(() => told.changes.length === 1)
    assert.deepEqual(told.changes, [[A, ...others]])
    burst.add([A, ...others])
    burst.add(['/e' as DrivePath])
    burst.add([A])
    assert.equal(await toldWithin(told, 100), 1, 'the fifth is waited with')
  })

  it('is told a little later where the watcher may tell more of it', async () => {
    begin()
    burst.add([A], LATE)
    assert.equal(await toldWithin(told, 50), 0)
    burst.add([A])
    await told.until(() => told.changes.length === 1)
  })

  it('that is the beginning of more is told when that is over, all at once', async () => {
    begin()
    isGoingOn = 'more'
    burst.add([A])
    await told.until(() => told.changes.length === 2)
    assert.deepEqual(told.changes, ['rescan', [A]])
  })

  it('is waited with until the watcher tells the rest, and not for ever', async () => {
    begin({ quiet: 5, next: LATE })
    isGoingOn = 'more'
    burst.add([A])
    assert.equal(await toldWithin(told, 50), 0)
    isGoingOn = undefined
    burst.add(others)
    await told.until(() => told.changes.length === 2)
    assert.deepEqual(told.changes, ['rescan', [A, ...others]])
    begin({ quiet: 5, longest: 50, next: LATE })
    isGoingOn = 'more'
    burst.add([A])
    assert.equal(await toldWithin(told, 100), 0, 'the watcher has the rest yet')
    burst.add(others)
    await told.until(() => told.changes.length === 2)
  })

  it('is told once a program that is at work is done, and not before', async () => {
    begin({ longest: 60 })
    isGoingOn = 'busy'
    burst.add([A])
    assert.equal(await toldWithin(told, 150), 0, 'however long it takes')
    isGoingOn = undefined
    await told.until(() => told.changes.length === 2)
    assert.deepEqual(told.changes, ['rescan', [A]])
  })

  it('is part of more when a file beside it in the order of names changed, in a folder of any size', () => {
    const root = fs.mkdtempSync(join(tmpdir(), 'beside-'))
    const folder = join(root, 'in')
    fs.mkdirSync(folder)
    const nameOf = (at: number) => `f${String(at).padStart(4, '0')}`
    for (let at = 0; at < 700; at++) fs.writeFileSync(join(folder, nameOf(at)), '')
    const pathOf = (at: number) => `/in/${nameOf(at)}` as DrivePath
    const later = Date.now() + 60_000
    const earlier = Date.now() - 60_000
    fs.rmSync(join(folder, nameOf(300)))
    for (const at of [0, 300, 699]) {
      assert.equal(hasOtherChanges(root, new Set([pathOf(at)]), later), false)
      assert.equal(hasOtherChanges(root, new Set([pathOf(at)]), earlier), true)
    }
    const all = new Set(Array.from({ length: 700 }, (_, at) => pathOf(at)))
    assert.equal(hasOtherChanges(root, all, earlier), false, 'those that are known are no others')
    fs.rmSync(root, { recursive: true })
  })

  it('is told some time although a program says for ever that it is at work', async () => {
    begin({ longestGoingOn: 100 })
    isGoingOn = 'busy'
    burst.add([A])
    await told.until(() => told.changes.length === 2)
  })
})

/** How often something was told after so many milliseconds: that nothing is cannot be waited for otherwise. */
async function toldWithin(told: Told, milliseconds: number): Promise<number> {
  await new Promise(resolve => setTimeout(resolve, milliseconds))
  return told.changes.length
}

describe('a watched file', function () {
  this.timeout(20_000)

  it('is told when it changes, is replaced, goes and comes back', async () => {
    const folder = fs.mkdtempSync(join(tmpdir(), 'peerfold-watch-file-'))
    const file = join(folder, 'one.txt')
    fs.writeFileSync(file, '1')
    const told = new Told()
    const watch = await watchFile(file, { ...told.callbacks, interval: 20 })
    fs.writeFileSync(file, '22')
    await told.until(() => told.changes.length === 1)
    fs.writeFileSync(`${file}.new`, '33')
    fs.renameSync(`${file}.new`, file)
    await told.until(() => told.changes.length === 2)
    fs.rmSync(file)
    await told.until(() => told.vanished === 1)
    fs.writeFileSync(file, '33')
    await told.until(() => told.changes.length === 3)
    await watch.close()
    fs.rmSync(folder, { recursive: true, force: true })
    assert.deepEqual(told.changes[0], ['/one.txt'])
  })
})
