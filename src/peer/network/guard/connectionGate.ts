/**
 * Who may connect now: a number of peers at one time, not all of them from one address, and nobody again and again.
 * When all places are taken, a peer that has nothing to do with any share here makes room.
 *
 * The address of a new connection is not known until the peer has proven it (provenAddress.ts). Few connections may be
 * unproven at one time, and the oldest of them makes room for the next. A proven address is counted.
 */
import type { NoiseStream } from '@hyperswarm/secret-stream'
import { connectionsFromNowhere, connectionsFromOneAddress, type Limits } from '../../limits'
import type { PeerLink } from '../link'
import { addressGroup } from './addressGroup'

const MINUTE = 60_000
/** Connections one key may make in a minute. Honest peers whose network fails try every few seconds. */
const MAX_PER_MINUTE = 40
/** A new connection needs a moment (milliseconds) to say what it is for. */
const SETTLED_AFTER = 10_000

export class ConnectionGate {
  private readonly recent = new Map<string, { since: number; count: number }>()

  /** @param closed is told why a link was closed to make room */
  constructor(
    private readonly links: ReadonlyMap<string, PeerLink>,
    private readonly isUseful: (link: PeerLink) => boolean,
    private readonly limits: () => Limits,
    private readonly closed: (link: PeerLink, why: string) => void,
  ) {}

  /** Why this connection is not taken; undefined: it is. */
  refusal(stream: NoiseStream): string | undefined {
    const key = stream.remotePublicKey.toString('hex')
    if (this.comesTooOften(key)) return 'this peer connects again and again'
    if (this.links.has(key)) return undefined // it takes the place of this peer's former connection
    const limits = this.limits()
    const fromNowhere = [...this.links.values()].filter(({ address }) => address === undefined)
    if (fromNowhere.length >= connectionsFromNowhere(limits)) this.closeOldest(fromNowhere)
    else if (this.links.size >= limits.connections && !this.makeRoom([...this.links.values()]))
      return 'all places are taken'
    return undefined
  }

  /** The address of a link was proven. Closes a link of that address when there are too many. */
  located(link: PeerLink): void {
    const { address } = link
    if (address === undefined || !this.links.has(link.key)) return
    const group = addressGroup(address)
    const fromThere = [...this.links.values()].filter(
      other => other.address !== undefined && addressGroup(other.address) === group,
    )
    if (fromThere.length <= connectionsFromOneAddress(this.limits())) return
    if (!this.makeRoom(fromThere)) this.closed(link, 'too many come from its address')
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

  /** Closes one that shares nothing first: the others get longer to prove where they are. */
  private closeOldest(links: readonly PeerLink[]): void {
    const oldest = links.find(link => !this.isUseful(link)) ?? links[0]
    if (oldest !== undefined) this.closed(oldest, 'too many have not shown where they are')
  }

  /** Closes the oldest link that shares nothing. */
  private makeRoom(links: readonly PeerLink[]): boolean {
    const settled = performance.now() - SETTLED_AFTER
    const useless = links.find(link => link.since <= settled && !this.isUseful(link))
    if (useless === undefined) return false
    this.closed(useless, 'it makes room for others')
    return true
  }
}
