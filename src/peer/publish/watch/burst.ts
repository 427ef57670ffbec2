/**
 * Gathers the changes of a burst, such as a checkout or a build, so that they become one version of the share.
 *
 * A few paths are a save: they are told when nothing was added for a moment. With more, a burst ends when nothing was
 * added for a short while, or when it has lasted long enough. When it holds more paths than are worth naming, or when
 * something may have been missed, it is told as `'rescan'`.
 *
 * What is there may be the beginning of something larger, of which the watcher tells the rest later. So `isGoingOn` is
 * asked before anything is told. If more is going on, the watcher is waited for: a scan would find the rest already, and
 * when it is told then, every file of it would be looked at a second time. A save becomes a burst by that, which is told
 * as `'rescan'` and then by name.
 */
import type { DrivePath } from '../../../common/brand'

export type ChangedPaths = readonly DrivePath[] | 'rescan'

export interface BurstTimes {
  /** Milliseconds without a change that end a save. */
  readonly save: number
  /** Milliseconds without a change that end a burst. */
  readonly quiet: number
  /** Milliseconds after which a burst ends as soon as the watcher tells something, or does not for `next`. */
  readonly longest: number
  /** Milliseconds within which the watcher tells what it has seen. */
  readonly next: number
  /** The same while `isGoingOn` says that a program is still at work. */
  readonly longestGoingOn: number
}

/** Above this many paths some systems have dropped events already. */
export const MAX_PATHS = 5000
/** More paths are no save of a person, and the native watcher may have missed some. */
export const FEW_PATHS = 4

/** `'more'`: something else has changed as well. `'busy'`: a program is at work that says when it is done. */
export type GoingOn = 'more' | 'busy' | undefined

export class Burst {
  private paths = new Set<DrivePath>()
  private rescan = false
  /** The paths known by name are not all that changed. */
  private isPart = false
  private startedAt: number | undefined
  /** The watcher was waited for since it told something. */
  private hasWaited = false
  private timer: NodeJS.Timeout | undefined

  /** @param isGoingOn asked when a burst is about to end; `startedAt` in milliseconds of `performance.now()` */
  constructor(
    private readonly times: BurstTimes,
    private readonly onEnd: (changes: ChangedPaths) => void,
    private readonly isGoingOn: (
      paths: ReadonlySet<DrivePath>,
      isSave: boolean,
      startedAt: number,
    ) => GoingOn = () => undefined,
  ) {}

  /** @param later milliseconds within which the watcher may tell more of the same save */
  add(changes: ChangedPaths, later = 0): void {
    if (changes === 'rescan') this.rescan = true
    else for (const path of changes) this.paths.add(path)
    if (this.paths.size > MAX_PATHS) this.rescan = true
    if (this.rescan) this.paths.clear()
    if (!this.rescan && this.paths.size === 0) return
    this.startedAt ??= performance.now()
    this.hasWaited = performance.now() - this.startedAt >= this.times.longest
    this.wait(this.isSave ? this.times.save + later : this.times.quiet, this.times.longest)
  }

  /** Forgets what was gathered. */
  drop(): void {
    clearTimeout(this.timer)
    this.paths = new Set()
    this.rescan = false
    this.isPart = false
    this.startedAt = undefined
    this.hasWaited = false
  }

  private get isSave(): boolean {
    return !this.rescan && !this.isPart && this.paths.size <= FEW_PATHS
  }

  private wait(milliseconds: number, longest: number): void {
    const left = (this.startedAt ?? 0) + longest - performance.now()
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.end(), Math.max(0, Math.min(milliseconds, left)))
    this.timer.unref()
  }

  private end(): void {
    if (this.hasToWait()) return
    const { paths } = this
    const isAll = this.rescan || this.isPart
    this.drop()
    if (isAll) this.onEnd('rescan')
    if (paths.size > 0) this.onEnd([...paths])
  }

  /** Whether more is to be waited for. */
  private hasToWait(): boolean {
    const { startedAt = 0, isSave, times } = this
    const goingOn = this.isGoingOn(this.paths, isSave, startedAt)
    if (goingOn === undefined) return false
    if (isSave || goingOn === 'busy') this.isPart = true
    if (goingOn === 'busy') {
      const isTooLong = performance.now() - startedAt >= times.longestGoingOn
      if (!isTooLong) this.wait(times.quiet, times.longestGoingOn)
      return !isTooLong
    }
    if (this.hasWaited) return false
    this.hasWaited = true
    this.wait(times.next, times.longest + times.next)
    return true
  }
}
