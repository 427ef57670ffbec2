/**
 * Follows a folder: says when something in it changes, and what.
 *
 *   watching ──(a watch fails)──► polling        every few seconds a rescan is asked for
 *      │ ▲                          │
 *      │ ├──(subscribed again)──────┤            ever more seldom, unless the system’s limit is reached
 *      │ └──(the folder is back)────┤
 *      └──(the folder is gone)──► vanished
 *
 * Events come from the native watcher (parcelWatcher.ts), which is loaded only when needed. They are hints: systems
 * drop them when many come at once (inotify does so silently), network disks never send them. So a long burst is told
 * as `'rescan'`, and now and then a rescan is asked for without any event. On Linux a folder that appears is watched,
 * but not what is in it already (seen in 2.6.0: a tree moved in, or made quickly), so the watch is then made again.
 * Folders that the scan left out are passed on as ignored, so that a `node_modules` costs no watches.
 *
 * Start watching before scanning: a change in between is then seen twice instead of never.
 */
import { lstatSync } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import type { DrivePath } from '../../../common/brand'
import { isTemporaryName } from '../../names/temporaryName'
import { errorCode } from '../scan/smallFile'
import { Burst, type BurstTimes, type ChangedPaths, type GoingOn, MAX_PATHS } from './burst'
import { hasOtherChanges } from './otherChanges'
import {
  isEnd,
  loadParcelWatcher,
  MORE_WITHIN,
  NEXT_WITHIN,
  type Subscribe,
  type WatchEvent,
} from './parcelWatcher'

export interface WatchTimes extends BurstTimes {
  /** Milliseconds between rescans where the system cannot watch. */
  readonly poll: number
  /** Milliseconds between looks whether the folder is still there. */
  readonly look: number
  /** Milliseconds between rescans while watching, for events that were lost. */
  readonly safety: number
  /**
   * Milliseconds without a change after which what was told by name is followed by a rescan, for events that were lost.
   */
  readonly settled: number
  /** Milliseconds until a watch that ended by itself is begun again. Doubles each time, up to `safety`. */
  readonly again: number
}

export const WATCH_TIMES: WatchTimes = {
  save: 10,
  quiet: 150,
  longest: 1000,
  next: NEXT_WITHIN,
  longestGoingOn: 30_000,
  poll: 5000,
  look: 2000,
  safety: 600_000,
  settled: 60_000,
  again: 1000,
}

const MAX_FAILURES = 6
/** When the watcher tells more paths at once, those beside them are not looked at: it would take too long. */
const MANY_PATHS = 64

/** A new folder is watched, but not the folders that are in it by then. */
const SEES_INSIDE_LATE = process.platform === 'linux'

export type WatchMode = 'watching' | 'polling' | 'vanished'

export interface WatchOptions {
  /** Called once per burst with the drive paths of what changed, or `'rescan'` when anything may have. */
  readonly onChange: (changes: ChangedPaths) => void
  /** The folder is gone. Nothing is said until it is back; then `onChange('rescan')`. */
  readonly onVanished: () => void
  /** The mode changed; `reason` is a sentence for people when it is polling. */
  readonly onMode?: (mode: WatchMode, reason: string | undefined) => void
  /** Drive paths of folders that need not be watched (`ScanResult.ignoredFolders`). */
  readonly ignoredFolders?: readonly DrivePath[]
  readonly includeGit?: boolean
  /** Whether a program is changing these (drive paths) or others, and will say when it is done. */
  readonly isBusy?: (paths: ReadonlySet<DrivePath>) => boolean
  readonly times?: Partial<WatchTimes>
  /** Stands in for the native watcher in tests. */
  readonly loadSubscribe?: () => Promise<Subscribe>
}

/** Starts to follow a folder (absolute path). Never throws: what goes wrong shows in the mode. */
export async function watchFolder(root: string, options: WatchOptions): Promise<FolderWatch> {
  const watch = new FolderWatch(root, options)
  await watch.start()
  return watch
}

export class FolderWatch {
  mode: WatchMode = 'watching'
  /** Why it is polling. */
  reason: string | undefined

  private readonly times: WatchTimes
  private readonly burst: Burst
  private ignored: ReadonlySet<DrivePath>
  /** Tells whether another folder stands at the same path, for instance after a disk was changed. */
  private identity: string | undefined
  private subscription: { unsubscribe(): Promise<void> } | undefined
  /** Absolute paths that appeared during this burst and may be folders whose inside is not watched. */
  private appeared = new Set<string>()
  /** What the watcher told last, in this burst. */
  private lastTold: readonly DrivePath[] = []
  /** The watcher may know of more than it has told. */
  private mayKnowMore = false
  private closed = false
  private readonly timers: NodeJS.Timeout[] = []
  private lastRescan = performance.now()
  /** When changes were told by name last. */
  private lastNamed = 0
  private subscribedAt = 0
  /** Subscriptions that could not be made, one after the other. */
  private failures = 0
  /** The pause before the next new beginning, in milliseconds. */
  private pause: number
  private beginAgain: NodeJS.Timeout | undefined
  /** Changes of the subscription follow one another. */
  private turn: Promise<void> = Promise.resolve()

  constructor(
    private readonly root: string,
    private readonly options: WatchOptions,
  ) {
    this.times = { ...WATCH_TIMES, ...options.times }
    this.burst = new Burst(
      this.times,
      changes => this.deliver(changes),
      (paths, isSave, startedAt) => this.isGoingOn(paths, isSave, startedAt),
    )
    this.ignored = new Set(options.ignoredFolders)
    this.pause = this.times.again
  }

  /** Called by `watchFolder`. */
  async start(): Promise<void> {
    await this.look()
    this.every(this.times.look, () => this.look())
    this.every(this.times.poll, async () => this.rescanWhenDue())
  }

  /** Other folders are left out now, for instance since an ignore file changed. */
  async ignoreFolders(folders: readonly DrivePath[]): Promise<void> {
    const same = folders.length === this.ignored.size && folders.every(folder => this.ignored.has(folder))
    if (same) return
    this.ignored = new Set(folders)
    if (this.mode === 'watching') await this.inTurn(() => this.renew())
  }

  /** Watches everything again, since another disk is in it now or no more, and asks for a rescan. */
  async again(): Promise<void> {
    if (this.mode !== 'vanished' && !this.closed) await this.inTurn(() => this.renew())
  }

  /** Stops; no callback comes any more. Can be called twice. */
  async close(): Promise<void> {
    this.closed = true
    for (const timer of this.timers) clearInterval(timer)
    clearTimeout(this.beginAgain)
    this.burst.drop()
    await this.inTurn(() => this.unsubscribe())
  }

  private every(milliseconds: number, action: () => Promise<void>): void {
    let busy = false
    const timer = setInterval(async () => {
      // On a disk that hangs, looks must not pile up.
      if (busy || this.closed) return
      busy = true
      try {
        await action()
      } finally {
        busy = false
      }
    }, milliseconds)
    this.timers.push(timer.unref())
  }

  private inTurn(action: () => Promise<void>): Promise<void> {
    this.turn = this.turn.then(action)
    return this.turn
  }

  private rescanWhenDue(): void {
    const { poll, safety, settled } = this.times
    const now = performance.now()
    const isQuiet = this.lastNamed > this.lastRescan && now - this.lastNamed > settled
    // Timers are never exact, so a rescan that is nearly due is due.
    const isDue = now - this.lastRescan >= (this.mode === 'polling' ? poll : safety) * 0.9
    if (this.mode === 'vanished' || !(isDue || isQuiet)) return
    this.lastRescan = now
    this.burst.add('rescan')
  }

  /** Is the folder there, and is it the same one? */
  private look(): Promise<void> {
    return this.inTurn(async () => {
      if (this.closed) return
      const identity = await identify(this.root)
      if (identity === this.identity && identity !== undefined) return
      const first = this.identity === undefined && this.mode !== 'vanished'
      this.identity = identity
      if (identity === undefined) await this.vanish()
      else {
        await (first ? this.subscribe() : this.renew())
      }
    })
  }

  private async vanish(): Promise<void> {
    if (this.mode === 'vanished') return
    await this.unsubscribe()
    this.burst.drop()
    this.setMode('vanished', undefined)
    if (!this.closed) this.options.onVanished()
  }

  private async subscribe(): Promise<void> {
    if (this.closed) return
    try {
      const subscribe = await (this.options.loadSubscribe ?? loadParcelWatcher)()
      const folder = await realpath(this.root)
      this.subscription = await subscribe(
        folder,
        (error, events, isFirst) => this.receive(folder, error, events, isFirst),
        { ignorePaths: this.ignoredPaths(folder) },
      )
      this.subscribedAt = performance.now()
      this.failures = 0
      this.setMode('watching', undefined)
    } catch (error) {
      this.setMode('polling', explain(error))
      // For instance a folder that was deleted while the tree was read. Each try may leave watches behind.
      if (!isLimit(error) && this.failures++ < MAX_FAILURES) this.subscribeSoon()
    }
  }

  /**
   * Ends the subscription, makes a new one, and asks for a rescan, since nothing is watched in between. Made before the
   * old one ends, the new one would get the old picture of the folder's tree.
   */
  private async renew(): Promise<void> {
    await this.unsubscribe()
    this.appeared.clear()
    await this.subscribe()
    if (!this.closed) this.options.onChange('rescan')
  }

  private async unsubscribe(): Promise<void> {
    const { subscription } = this
    this.subscription = undefined
    await subscription?.unsubscribe().catch(alreadyGone)
  }

  private ignoredPaths(folder: string): string[] {
    const git = this.options.includeGit ? [] : ['/.git']
    return [...git, ...this.ignored].map(path => join(folder, path))
  }

  private receive(folder: string, error: Error | null, events: readonly WatchEvent[], isFirst = false): void {
    if (this.closed || this.mode === 'vanished') return
    if (error !== null) this.fail(error)
    const paths: DrivePath[] = []
    for (const event of events) {
      if (event.type === 'create' && SEES_INSIDE_LATE) this.appeared.add(event.path)
      if (event.path === folder) {
        // Gone or replaced, most likely; the look says so sooner than its timer would.
        void this.look()
      } else if (!event.path.startsWith(folder + sep)) {
        this.burst.add('rescan')
      } else {
        const path = event.path.slice(folder.length).replaceAll(sep, '/') as DrivePath
        if (this.concerns(path)) paths.push(path)
      }
    }
    this.lastTold = paths
    this.mayKnowMore = isFirst
    this.burst.add(paths, isFirst ? MORE_WITHIN : 0)
  }

  private isGoingOn(paths: ReadonlySet<DrivePath>, isSave: boolean, startedAt: number): GoingOn {
    if (this.options.isBusy?.(paths)) return 'busy'
    const { lastTold } = this
    if (!isSave && lastTold.length > MANY_PATHS) return this.mayKnowMore ? 'more' : undefined
    const since = Date.now() - (performance.now() - startedAt)
    return hasOtherChanges(this.root, paths, since, isSave ? paths : lastTold) ? 'more' : undefined
  }

  /** At the end of a burst. */
  private deliver(changes: ChangedPaths): void {
    const appeared = [...this.appeared]
    this.appeared.clear()
    this.lastTold = []
    this.mayKnowMore = false
    const foldersAppeared = appeared.length > MAX_PATHS || appeared.some(isFolder)
    if (foldersAppeared && this.mode === 'watching') void this.inTurn(() => this.renew())
    else {
      if (changes !== 'rescan') this.lastNamed = performance.now()
      this.options.onChange(changes)
    }
  }

  private concerns(path: DrivePath): boolean {
    const components = path.split('/')
    if (components.some(isTemporaryName)) return false
    // The folder `.git` itself counts, what is in it does not.
    return this.options.includeGit || !components.slice(0, -1).includes('.git')
  }

  /** Lost events ask for a rescan; with any other error the watch has ended, and nothing is left to unsubscribe. */
  private fail(error: Error): void {
    this.burst.add('rescan')
    if (!isEnd(error)) return
    void this.inTurn(async () => {
      if (this.mode !== 'watching' || this.closed) return
      this.subscription = undefined
      this.setMode('polling', explain(error))
      this.subscribeSoon()
    })
  }

  /** Begins again after a pause that doubles each time: every beginning scans everything, and may lose watches. */
  private subscribeSoon(): void {
    const { again, safety } = this.times
    if (performance.now() - this.subscribedAt > safety) this.pause = again
    clearTimeout(this.beginAgain)
    this.beginAgain = setTimeout(() => {
      void this.inTurn(async () => {
        if (this.mode === 'polling' && !this.closed) await this.renew()
      })
    }, this.pause).unref()
    this.pause = Math.min(this.pause * 2, safety)
  }

  private setMode(mode: WatchMode, reason: string | undefined): void {
    if (this.mode === mode && this.reason === reason) return
    this.mode = mode
    this.reason = reason
    if (!this.closed) this.options.onMode?.(mode, reason)
  }
}

function isFolder(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
  } catch {
    // What cannot be looked at cannot be watched either.
    return false
  }
}

async function identify(root: string): Promise<string | undefined> {
  try {
    const stats = await stat(root)
    return stats.isDirectory() ? `${stats.dev}:${stats.ino}` : undefined
  } catch (error) {
    const code = errorCode(error)
    // Any other error, such as EACCES, may pass: the folder is there, and a scan tells what is wrong with it.
    return code === 'ENOENT' || code === 'ENOTDIR' ? undefined : code
  }
}

/** Whether the system has no more watches to give. */
function isLimit(error: unknown): boolean {
  return /ENOSPC|no space left/i.test(String(error))
}

function explain(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  if (isLimit(error))
    return 'The system’s limit of watched folders is reached (fs.inotify.max_user_watches); Peerfold looks for changes every few seconds instead.'
  return `The system cannot watch this folder (${message}); Peerfold looks for changes every few seconds instead.`
}

/** Unsubscribing from a folder that was deleted fails, and there is nothing left to end. */
function alreadyGone(): void {}
