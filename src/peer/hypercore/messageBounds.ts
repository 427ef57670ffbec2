/**
 * Bounds what a peer may claim (claimBounds.ts) and ask. Hypercore reads every requested block before it notices
 * that the peer takes none of them. So only some are read at a time, and the other requests wait.
 *
 * Read in hypercore 11.39.5: `onrequest` and `oncancel` of a peer in lib/replicator.js, which Protomux calls with
 * its messages.
 */
import type Hypercore from 'hypercore'
import type { BlockRequest, ReplicatorPeer } from 'hypercore'
import { boundClaims } from './claimBounds'

/** Requests of one peer for one log that are worked on at the same time. */
const READING = 32

/** By peer: how many requests are being answered or wait here. */
const answering = new WeakMap<ReplicatorPeer, () => number>()

/** How many blocks a peer asked for and was not given yet. */
export function openRequests(peer: ReplicatorPeer): number {
  return Math.max(peer.remoteRequests.size, answering.get(peer)?.() ?? 0)
}

/**
 * Must be called as soon as the peer is added, before any of its messages.
 * @param mayWait how many of its requests may wait
 * @param flooded called when it asks for more
 */
export function boundPeer(peer: ReplicatorPeer, core: Hypercore, mayWait: number, flooded: () => void): void {
  boundClaims(peer, core)
  boundRequests(peer, mayWait, flooded)
}

function boundRequests(peer: ReplicatorPeer, mayWait: number, flooded: () => void): void {
  const { onrequest, oncancel } = peer
  const waiting = new Map<number, BlockRequest>()
  let running = 0
  answering.set(peer, () => running + waiting.size)
  const run = async (request: BlockRequest) => {
    running++
    try {
      await onrequest.call(peer, request)
    } finally {
      running--
      const [next] = waiting.values()
      if (next !== undefined) {
        waiting.delete(next.id)
        run(next).catch(error => peer.stream.destroy(error))
      }
    }
  }
  peer.onrequest = async request => {
    if (waiting.size >= mayWait) flooded()
    else if (running >= READING) waiting.set(request.id, request)
    else await run(request)
  }
  peer.oncancel = cancel => {
    waiting.delete(cancel.request)
    oncancel.call(peer, cancel)
  }
}
