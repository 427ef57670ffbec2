/**
 * Peers that are turned away for a while because of what they did: at first for half a minute, each time four times as
 * long, at most for some hours. A ban outlasts reconnects. It is remembered after its end, so a peer that does the same
 * again waits longer; one that behaves for a day starts again. Nothing is kept over a restart: blocking somebody for
 * good is the user's business.
 */
import type { PeerId } from '../../../common/brand'

/** Milliseconds. */
export const FIRST_BAN = 30_000
export const LONGEST_BAN = 4 * 3_600_000
const FORGIVEN_AFTER = 24 * 3_600_000
const GROWTH = 4
/** Keys cost an attacker nothing, so memory of them is bounded; the oldest are forgotten first. */
const MAX_REMEMBERED = 10_000

interface Record {
  offences: number
  until: number
}

export class Bans {
  private readonly records = new Map<PeerId, Record>()

  /** @param now milliseconds of a clock that never jumps back */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Turns a peer away. @returns for how many milliseconds */
  ban(peer: PeerId): number {
    const now = this.now()
    const known = this.records.get(peer)
    const offences = known === undefined || now > known.until + FORGIVEN_AFTER ? 0 : known.offences
    const time = Math.min(LONGEST_BAN, FIRST_BAN * GROWTH ** offences)
    this.records.delete(peer)
    this.records.set(peer, { offences: offences + 1, until: now + time })
    for (const oldest of this.records.keys()) {
      if (this.records.size <= MAX_REMEMBERED) break
      this.records.delete(oldest)
    }
    return time
  }

  isBanned(peer: PeerId): boolean {
    const record = this.records.get(peer)
    return record !== undefined && this.now() < record.until
  }

  /** Forgets what a peer did, at the user's wish. */
  forgive(peer: PeerId): void {
    this.records.delete(peer)
  }
}
