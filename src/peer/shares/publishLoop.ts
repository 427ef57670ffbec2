/**
 * When a followed folder is published. It is one loop: whatever asks for it (the watcher, the user, a time that has
 * come) sets a flag, and the loop runs until no flag is set, so that two publishes never overlap and no change is
 * missed.
 */
import type { DrivePath } from '../../common/brand'
import type { PublishResult } from '../publish/version/publishResult'
import { type ChangedPaths, FEW_PATHS } from '../publish/watch/burst'
import { delay } from '../time'
import type { SourceChanges } from './appending'

/** Files that kept changing while they were read are looked at again after this long (milliseconds). */
const AGAIN_AFTER = 1_000
/** Files that may have changed are compared part by part, with such a pause in between (milliseconds). */
const COMPARE_AFTER = 1_000
const FAILED_RETRY = 5_000

/** The longest wait for a look (milliseconds). Timers of Node longer than 24 days would end at once. */
const LONGEST_TIMER = 60 * 60_000

export interface PublishLoopOptions {
  /** Publishes once. Throws what stopped it. */
  readonly publish: () => Promise<PublishResult>
  /** Whether the share takes part in the network: nothing is published later otherwise. */
  readonly isServed: () => boolean
  /** Whether nothing can be published any more. */
  readonly isOver: () => boolean
  readonly onPublished: () => void
  /** @returns whether to try again after a while */
  readonly onFailed: (error: unknown) => Promise<boolean>
  /** Aborted when the share is closed. */
  readonly signal: AbortSignal
}

export class PublishLoop {
  private wanted = false
  /** What the watcher says has changed since the last publish began. */
  private named = new Set<DrivePath>()
  /** More than that may have changed. */
  private anything = true
  private running: Promise<void> | undefined
  private retryIsDue = false
  private looking: NodeJS.Timeout | undefined

  constructor(private readonly options: PublishLoopOptions) {}

  /** Scans and publishes soon. Files that changed by name are read even if they look the same. */
  rescan(changes: ChangedPaths = 'rescan'): void {
    this.note(changes)
    this.publishSoon()
  }

  /** Resolves when no publish is under way or due. Throws nothing: what stops a publish was told. */
  async whenPublished(): Promise<void> {
    while (this.running !== undefined) await this.running
  }

  /** Publishes with what has changed since the last one began; if it fails, all of that has still changed. */
  async withChanges(publish: (changes: SourceChanges) => Promise<PublishResult>): Promise<PublishResult> {
    const { named } = this
    const onlyNamed = !this.anything
    this.named = new Set()
    this.anything = false
    try {
      return await publish({ named, onlyNamed })
    } catch (error) {
      for (const path of named) this.named.add(path)
      this.anything = true
      throw error
    }
  }

  /** Plans a look, when something held may leave. It replaces the look that was planned before; undefined: none. */
  lookAfter(milliseconds: number | undefined): void {
    clearTimeout(this.looking)
    if (milliseconds === undefined) return
    const atMost = Math.min(milliseconds, LONGEST_TIMER)
    this.looking = setTimeout(() => {
      if (this.options.isServed()) this.rescan()
    }, atMost).unref()
  }

  /** Notes changes for the next publish. Of many changes the watcher may have missed some. */
  private note(changes: ChangedPaths): void {
    if (changes === 'rescan' || changes.length > FEW_PATHS) this.anything = true
    if (changes !== 'rescan') for (const path of changes) this.named.add(path)
  }

  private publishSoon(): void {
    this.wanted = true
    const { isOver, signal } = this.options
    this.running ??= this.run().finally(() => {
      this.running = undefined
      // Asked for just after the loop had looked for the last time.
      if (this.wanted && !signal.aborted && !isOver()) this.publishSoon()
    })
  }

  private async run(): Promise<void> {
    const { publish, isOver, onPublished, onFailed, signal } = this.options
    while (this.wanted && !signal.aborted && !isOver()) {
      await undefined // what is told in the same moment is one publish
      this.wanted = false
      try {
        const { busy, inDoubt } = await publish()
        onPublished()
        if (busy.length > 0) this.retryAfter(AGAIN_AFTER, busy)
        else if (inDoubt) this.retryAfter(COMPARE_AFTER)
      } catch (error) {
        if (signal.aborted) return
        if (await onFailed(error)) this.retryAfter(FAILED_RETRY)
      }
    }
  }

  /** Only one retry is due at a time: if attempts take as long as the pause, they would otherwise never end. */
  private retryAfter(milliseconds: number, changes: ChangedPaths = 'rescan'): void {
    this.note(changes)
    if (this.retryIsDue) return
    this.retryIsDue = true
    delay(milliseconds, this.options.signal).then(
      () => {
        this.retryIsDue = false
        if (this.options.isServed()) this.publishSoon()
      },
      () => {}, // closed meanwhile
    )
  }
}
