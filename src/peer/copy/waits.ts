/**
 * The waits of a copy: for a peer that has what is left, for room on the disk and within the limit, for the target.
 * Each one tells the transfer what it waits for.
 */
import { PeerfoldError, type UserError } from '../../common/errors'
import type { WriteError } from '../disk/writeErrors'
import { passing } from '../drive/absentBytes'
import { isNowhere } from '../drive/whoHas'
import { delay } from '../time'
import type { CopyOptions } from './options'
import type { PlannedFile } from './planned'

export const RETRY_PAUSES = [250, 500, 1_000, 2_000, 5_000]
/** After this many rounds without anything new the copy counts as stalled. */
const QUIET_LOOKS = 2
const LOOK_EVERY = 50

export class CopyWaits {
  /** Files and packs that wait for room within the limit of opened shares. */
  private forRoom = 0
  private readonly signal: AbortSignal

  constructor(private readonly options: CopyOptions) {
    this.signal = options.transfer.abort.signal
  }

  /**
   * Pauses the transfer as soon as the disk is full. Running reads may hang then, because the store reports no
   * block that it cannot write.
   */
  sayWhenFull(signal: AbortSignal): void {
    this.sayEachTime(signal).catch(() => {}) // the run ended
  }

  private async sayEachTime(signal: AbortSignal): Promise<never> {
    const { space, transfer } = this.options
    for (;;) {
      await space.none(signal)
      if (space.shortage !== undefined) transfer.pause(space.shortage)
      await space.room(signal)
    }
  }

  async waitForRoom(): Promise<void> {
    const { space, transfer } = this.options
    if (space.shortage === undefined) return
    transfer.pause(space.shortage)
    await space.room(this.signal)
    transfer.resume()
  }

  /**
   * Waits until a peer may have some of the files, at most `pause`. The first pauses are short: peers have only
   * just said what they have.
   */
  async waitFor(files: readonly PlannedFile[], wait: number): Promise<void> {
    const pause = RETRY_PAUSES[Math.min(wait, RETRY_PAUSES.length - 1)] ?? 5_000
    if (wait >= QUIET_LOOKS)
      this.options.transfer.pause(this.options.space.shortage ?? new PeerfoldError('stalled').toUserError())
    await Promise.race([delay(pause, this.signal), this.peerWith(files, pause)])
  }

  private async peerWith(files: readonly PlannedFile[], within: number): Promise<void> {
    const core = await this.options.share.bytesReady(this.signal)
    const until = performance.now() + within
    while (performance.now() < until && files.every(({ entry }) => isNowhere(core, entry)))
      await delay(LOOK_EVERY, this.signal)
  }

  /** Waits until the user raised the limit or removed something. Throws all other errors. */
  async waitForLimit(error: PeerfoldError): Promise<void> {
    if (passing(error) !== 'no-room') throw error
    this.forRoom++
    try {
      this.options.transfer.pause(error.toUserError())
      await this.options.budget.room(this.signal)
    } finally {
      this.forRoom--
    }
    this.options.transfer.resume()
  }

  /** Something came: resumes the transfer, unless a part of it waits for room (large files need none in the store). */
  came(): void {
    if (this.forRoom === 0) this.options.transfer.resume()
  }

  /**
   * Waits in the middle of a file. Throws when connected peers do not give its next block: other files go first
   * then.
   */
  async waitForPeer(error: PeerfoldError): Promise<void> {
    if (passing(error) !== 'no-sender') return this.waitForLimit(error)
    if ((this.options.share.bytes?.peers.length ?? 0) > 0) throw error
    this.options.transfer.pause(this.options.space.shortage ?? new PeerfoldError('stalled').toUserError())
    await this.peerOr(1_000)
  }

  /** Waits for a peer, at most `milliseconds`. Removes its listeners at the end. */
  private async peerOr(milliseconds: number): Promise<void> {
    const end = new AbortController()
    const came = this.options.peerCame(AbortSignal.any([this.signal, end.signal]))
    came.catch(() => {}) // the wait ended otherwise
    try {
      await Promise.race([delay(milliseconds, this.signal), came])
    } finally {
      end.abort()
    }
  }

  async waitForTarget(error: WriteError, pause: number): Promise<void> {
    this.options.transfer.pause(this.describe(error))
    await delay(pause, this.signal)
  }

  private describe(error: WriteError): UserError {
    const { folder } = this.options
    switch (error.code) {
      case 'no-space':
        return new PeerfoldError('no-space', folder).toUserError()
      case 'vanished':
        return new PeerfoldError('target-vanished', folder).toUserError()
      case 'read-only':
        return new PeerfoldError('disk-read-only', folder).toUserError()
      default:
        return new PeerfoldError('io-failed', error.message).toUserError()
    }
  }
}
