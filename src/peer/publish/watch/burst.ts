/**
 * Gathers the changes of a burst, such as a checkout or a build, so that they become one version of the share.
 *
 * A few paths are a save: they are told when nothing was added for a moment. With more, a burst ends when nothing was
 * added for a short while, or when it has lasted long enough. When it holds more paths than are worth naming, or when
 * something may have been missed, it is told as `'rescan'`.
 *
 * A save may be the beginning of something larger that the watcher tells later. So `isGoingOn` is asked before a save
 * is told. If more is going on, the save becomes a burst, which is told as `'rescan'` and then by name.
 */
import type { DrivePath } from '../../../common/brand'

export type ChangedPaths = readonly DrivePath[] | 'rescan'

export interface BurstTimes {
  /** Milliseconds without a change that end a save. */
  readonly save: number
  /** Milliseconds without a change that end a burst. */
  readonly quiet: number
  /** Milliseconds a burst lasts at most. */
  readonly longest: number
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
    this.wait(this.isSave ? this.times.save + later : this.times.quiet, this.times.longest)
  }

  /** Forgets what was gathered. */
  drop(): void {
    clearTimeout(this.timer)
    this.paths = new Set()
    this.rescan = false
    this.isPart = false
    this.startedAt = undefined
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
    this.isPart = true
    const isBusy = goingOn === 'busy' && performance.now() - startedAt < times.longestGoingOn
    if (!isBusy && !isSave) return false
    this.wait(times.quiet, isBusy ? times.longestGoingOn : times.longest)
    return true
  }
}
