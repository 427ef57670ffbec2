/**
 * Gathers the changes of a burst, such as a checkout or a build, so that they become one version of the share.
 *
 * A burst ends when nothing was added for a short while, or when it has lasted long enough. When it holds more paths
 * than are worth naming, or when something may have been missed, it is told as `'rescan'`.
 */
import type { DrivePath } from '../../../common/brand'

export type ChangedPaths = readonly DrivePath[] | 'rescan'

export interface BurstTimes {
  /** Milliseconds without a change that end a burst. */
  readonly quiet: number
  /** Milliseconds a burst lasts at most. */
  readonly longest: number
}

/** Above this many paths some systems have dropped events already. */
export const MAX_PATHS = 5000

export class Burst {
  private paths = new Set<DrivePath>()
  private rescan = false
  private startedAt: number | undefined
  private timer: NodeJS.Timeout | undefined

  constructor(
    private readonly times: BurstTimes,
    private readonly onEnd: (changes: ChangedPaths) => void,
  ) {}

  add(changes: ChangedPaths): void {
    if (changes === 'rescan') this.rescan = true
    else for (const path of changes) this.paths.add(path)
    if (this.paths.size > MAX_PATHS) this.rescan = true
    if (this.rescan) this.paths.clear()
    if (!this.rescan && this.paths.size === 0) return
    const now = performance.now()
    this.startedAt ??= now
    const wait = Math.min(this.times.quiet, this.startedAt + this.times.longest - now)
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.end(), Math.max(0, wait))
    this.timer.unref()
  }

  /** Forgets what was gathered. */
  drop(): void {
    clearTimeout(this.timer)
    this.paths = new Set()
    this.rescan = false
    this.startedAt = undefined
  }

  private end(): void {
    const changes = this.rescan ? 'rescan' : [...this.paths]
    this.drop()
    this.onEnd(changes)
  }
}
