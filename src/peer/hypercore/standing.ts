/** What is known of a peer of a log: how it delivers, and what it is asked for. */
import type { Pace } from './pace'

/** So many bytes of a block show that it has begun. Fewer may be something else. */
const BEGUN = 16 * 1024

export class Standing {
  /** Bytes received on its stream when the current block began. */
  bytesAtStart: number
  /** When it was last tried as a helper for others. All times here are milliseconds of `performance.now()`. */
  helpedAt = 0
  /** Since when it is asked for nothing, though blocks wait. */
  waitsSince: number | undefined
  /** When it gave its last block, or connected. */
  gaveAt = performance.now()
  /** It was asked and sent nothing. It is asked last until it delivers. */
  isLast = false

  constructor(readonly pace: Pace) {
    this.bytesAtStart = pace.bytes
  }

  /**
   * Whether a part of a block has come.
   * @param place among the blocks on their way from this peer, 0 for the next
   * @param block expected length of a block (bytes)
   */
  isBegun(place: number, block: number): boolean {
    return place === 0 && this.pace.bytes - this.bytesAtStart > Math.min(BEGUN, block / 4)
  }

  /** Milliseconds until the block at a place is here; undefined while unknown. Parameters as for `isBegun`. */
  timeLeft(place: number, block: number): number | undefined {
    if (!this.pace.isSure) return undefined
    const begun = Math.min(block, this.pace.bytes - this.bytesAtStart)
    return this.pace.timeFor((place + 1) * block - begun)
  }
}
