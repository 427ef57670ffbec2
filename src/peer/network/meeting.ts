/**
 * Who had a share when this machine was last connected is connected to at once, through the nodes it could be reached by
 * then, while the network is asked who has it now. That is sooner by all the round trips of a search. Who has moved is
 * found by the search as ever.
 */
import type Hyperswarm from 'hyperswarm'
import { connectAgain, type MetPeer } from '../hypercore/connecting'

/** Peers that are tried at a time, of all shares: the others are found by the search. */
export const MET_AT_ONCE = 2
/** Milliseconds in which one is to answer. */
const ANSWERS_WITHIN = 3_000

export class Meeting {
  private readonly tried = new Map<string, NodeJS.Timeout>()

  meet(swarm: Hyperswarm, peers: readonly MetPeer[]): void {
    for (const peer of peers) {
      if (this.tried.size >= MET_AT_ONCE) return
      if (this.tried.has(peer.key)) continue
      const giveUp = connectAgain(swarm, peer)
      if (giveUp === undefined) continue
      const timer = setTimeout(() => {
        this.tried.delete(peer.key)
        giveUp()
      }, ANSWERS_WITHIN)
      this.tried.set(peer.key, timer.unref())
    }
  }

  /** A peer is connected. */
  came(key: string): void {
    clearTimeout(this.tried.get(key))
    this.tried.delete(key)
  }

  close(): void {
    for (const timer of this.tried.values()) clearTimeout(timer)
    this.tried.clear()
  }
}
