/**
 * When the rest of a large first version is written (see appendVersion.ts). Peerfold needs none of it, so readers that
 * got the link go first: the rest waits until nobody fetches, but not for ever.
 */
import { delay } from '../../../time'

/** Readers that get the link have this long (milliseconds) to begin. */
const BEGIN_AFTER = 5_000
/** Nobody fetches when nothing went out for this long (milliseconds). */
const QUIET = 1_000
/** Other clients wait no longer than this (milliseconds) for readers that fetch. */
const AT_MOST = 60_000
/** The pause after a failure, which doubles each time, and the longest one (milliseconds). */
const RETRY_AFTER = 5_000
const RETRY_AT_MOST = 10 * 60_000

export interface VersionFinishOptions {
  /** The grace period of superseded bytes, milliseconds. Also caps the waits, so tests run fast. */
  readonly grace: number
  /** Whether something is left to be written. */
  readonly isListingFirst: () => boolean
  /** Writes it. Can be tried again when it failed. */
  readonly finish: () => Promise<void>
  /** Bytes that went out so far. */
  readonly sent: () => number
  readonly signal: AbortSignal
  readonly onError: (error: unknown) => void
}

export class VersionFinish {
  private running: Promise<void> | undefined

  constructor(private readonly options: VersionFinishOptions) {}

  /** To be called whenever there is a new version. */
  soon(): void {
    if (!this.options.isListingFirst()) return
    this.running ??= this.run().finally(() => {
      this.running = undefined
    })
  }

  /** Resolves when nothing is under way; soon, once the signal is aborted. */
  async settle(): Promise<void> {
    await this.running
  }

  private async run(): Promise<void> {
    const { grace, isListingFirst, finish, signal, onError } = this.options
    let pause = Math.min(grace, BEGIN_AFTER)
    for (let retry = RETRY_AFTER; isListingFirst(); retry *= 2) {
      try {
        await delay(pause, signal)
        await this.quiet()
        await finish()
        return
      } catch (error) {
        if (signal.aborted) return
        onError(error)
        pause = Math.min(retry, RETRY_AT_MOST)
      }
    }
  }

  private async quiet(): Promise<void> {
    const { grace, sent, signal } = this.options
    const pause = Math.min(grace, QUIET)
    const until = performance.now() + AT_MOST
    for (let before = -1; before !== sent() && performance.now() < until; ) {
      before = sent()
      await delay(pause, signal)
    }
  }
}
