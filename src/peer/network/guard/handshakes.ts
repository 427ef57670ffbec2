/**
 * TCP connections that have not proven a key yet. Nobody is refused: when there are too many, of one address or in all,
 * the oldest makes room, and one that has sent nothing goes before one that has. A handshake takes one round trip, so
 * an honest peer is through before its turn comes, however many silent connections others open.
 */
import { addressGroup } from './addressGroup'

/** At most, in all and of one address. */
export const MAX_HANDSHAKES = 32
export const MAX_OF_ONE_ADDRESS = 8

export interface Handshake {
  /** Undefined: the connection is gone already. */
  readonly address: string | undefined
  /** Bytes that came. */
  readonly received: () => number
  readonly close: () => void
}

export class Handshakes {
  /** The oldest first, with what its address counts as. */
  private readonly waiting = new Map<Handshake, string>()

  get size(): number {
    return this.waiting.size
  }

  add(handshake: Handshake): void {
    const group = addressGroup(handshake.address ?? '')
    if (this.of(group).length >= MAX_OF_ONE_ADDRESS) this.makeRoom(this.of(group))
    else if (this.waiting.size >= MAX_HANDSHAKES) this.makeRoom(this.mostCrowded())
    this.waiting.set(handshake, group)
  }

  /** It has proven its key, or is gone. */
  delete(handshake: Handshake): void {
    this.waiting.delete(handshake)
  }

  private of(group: string): Handshake[] {
    return [...this.waiting].filter(([, other]) => other === group).map(([handshake]) => handshake)
  }

  /** The handshakes of the address that has most; of several such, of the one whose first is the oldest. */
  private mostCrowded(): Handshake[] {
    const groups = [...new Set(this.waiting.values())].map(group => this.of(group))
    return groups.reduce((most, group) => (group.length > most.length ? group : most), [])
  }

  private makeRoom(among: readonly Handshake[]): void {
    const oldest = among.find(({ received }) => received() === 0) ?? among[0]
    if (oldest === undefined) return
    this.waiting.delete(oldest)
    oldest.close()
  }
}
