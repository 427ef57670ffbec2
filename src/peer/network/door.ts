/**
 * Who may connect now: at most so many at one time, not all of them from one address, and nobody again and again. When
 * all places are taken, one who has nothing to do with any share here makes room.
 */
import type { NoiseStream } from '@hyperswarm/secret-stream'
import { connectionsFromOneAddress, type Limits } from '../limits'
import type { PeerLink } from './link'

const MINUTE = 60_000
/** Connections one key may make in a minute. Honest peers whose network fails try every few seconds. */
const MAX_PER_MINUTE = 40
/** A new connection needs a moment (milliseconds) to say what it is for. */
const SETTLED_AFTER = 10_000

export class Door {
  private readonly recent = new Map<string, { since: number; count: number }>()

  constructor(
    private readonly links: ReadonlyMap<string, PeerLink>,
    private readonly isUseful: (link: PeerLink) => boolean,
    private readonly limits: () => Limits,
  ) {}

  /** Why this connection is not taken; undefined: it is. */
  refusal(stream: NoiseStream): string | undefined {
    const key = stream.remotePublicKey.toString('hex')
    if (this.comesTooOften(key)) return 'this peer connects again and again'
    if (this.links.has(key)) return undefined // it takes the place of the one before
    const address = stream.rawStream.remoteHost
    const fromThere = [...this.links.values()].filter(link => link.address === address).length
    const limits = this.limits()
    if (address !== null && fromThere >= connectionsFromOneAddress(limits) && !this.makeRoom(address))
      return 'too many come from its address'
    if (this.links.size >= limits.connections && !this.makeRoom()) return 'all places are taken'
    return undefined
  }

  private comesTooOften(key: string): boolean {
    const now = performance.now()
    for (const [other, { since }] of this.recent) {
      if (now - since < MINUTE) break
      this.recent.delete(other)
    }
    const known = this.recent.get(key)
    if (known === undefined) {
      this.recent.set(key, { since: now, count: 1 })
      return false
    }
    return ++known.count > MAX_PER_MINUTE
  }

  /** Closes the oldest link (of an address) that shares nothing. */
  private makeRoom(address?: string): boolean {
    const settled = performance.now() - SETTLED_AFTER
    for (const link of this.links.values()) {
      if (address !== undefined && link.address !== address) continue
      if (link.since > settled || this.isUseful(link)) continue
      link.close()
      return true
    }
    return false
  }
}
