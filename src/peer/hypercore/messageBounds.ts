/**
 * Bounds on what a peer says (claimBounds.ts) and asks. Hypercore reads every block that was asked for before it sees that
 * nobody takes them: so only some are read at a time, and the other requests wait.
 *
 * Read in hypercore 11.39.5: `onrequest` and `oncancel` of a peer in lib/replicator.js, which Protomux calls with its
 * messages.
 */
import type Hypercore from 'hypercore'
import type { BlockRequest, ReplicatorPeer } from 'hypercore'
import { boundClaims } from './claimBounds'

/** Requests of one peer for one log that are worked on at the same time. */
const READING = 32

/** Requests that Hypercore has not seen the end of, or not seen at all. */
const answering = new WeakMap<ReplicatorPeer, () => number>()

/** Blocks that a peer asked for and has not been given. */
export function openRequests(peer: ReplicatorPeer): number {
  return Math.max(peer.remoteRequests.size, answering.get(peer)?.() ?? 0)
}

/**
 * Must be called as soon as the peer is there, before any message of its.
 * @param mayWait how many of its requests may wait
 * @param flooded it asks for more
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
