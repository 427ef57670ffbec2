/** What is known of a peer that has some of a log: how it delivers, and what it is asked for. */
import type { Pace } from './pace'

/** Bytes of a block: fewer may be something else. */
const BEGUN = 16 * 1024

export class Standing {
  /** Bytes of its stream when the block on its way began. */
  bytesAtStart: number
  /** When it was looked last what it could take from others, milliseconds of `performance.now()` as all here. */
  helpedAt = 0
  /** Since when it is asked for nothing of what waits. */
  waitsSince: number | undefined
  /** When it gave the last block, or came. */
  gaveAt = performance.now()
  /** It was asked, and sent nothing: it is asked last until it delivers. */
  isLast = false

  constructor(readonly pace: Pace) {
    this.bytesAtStart = pace.bytes
  }

  /**
   * Whether a block has come in part.
   * @param place among those on their way from this peer, 0 the next
   * @param block bytes of a block, about
   */
  isBegun(place: number, block: number): boolean {
    return place === 0 && this.pace.bytes - this.bytesAtStart > Math.min(BEGUN, block / 4)
  }

  /** Milliseconds until a block at a place is here; undefined as long as that is not known. As above. */
  timeLeft(place: number, block: number): number | undefined {
    if (!this.pace.isSure) return undefined
    const begun = Math.min(block, this.pace.bytes - this.bytesAtStart)
    return this.pace.timeFor((place + 1) * block - begun)
  }
}
