/**
 * Bounds on what a peer says and asks. Hypercore believes any range of blocks that a peer claims to have, and keeps
 * memory for each of them: one message of fifteen bytes would fill all memory there is, or count to 2^53. What lies far
 * beyond the log as it is known here cannot be asked for anyway, so it is cut off. And it reads every block that was
 * asked for before it sees that nobody takes them: so only some are read at a time, and the other requests wait.
 *
 * Read in hypercore 11.39.5: the `on…` methods of a peer in lib/replicator.js, which Protomux calls with its messages.
 */
import type Hypercore from 'hypercore'
import type { BlockRange, BlockRequest, ReplicatorPeer } from 'hypercore'

/** Blocks beyond the verified end of a log that a peer may speak of. */
const BEYOND = 2 ** 24

/** Requests of one peer for one log that are worked on at the same time. */
const READING = 32

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

function boundClaims(peer: ReplicatorPeer, core: Hypercore): void {
  const { onrange, onbitfield, onwant, onunwant } = peer
  const end = () => core.length + BEYOND
  const cut = <R extends BlockRange>(range: R): R | undefined => {
    if (range.start >= end()) return undefined
    return { ...range, length: Math.min(range.length, end() - range.start) }
  }
  peer.onrange = async range => {
    const within = cut(range)
    if (within !== undefined) await onrange.call(peer, within)
  }
  peer.onbitfield = part => {
    if (part.start + part.bitfield.byteLength * 8 < end()) onbitfield.call(peer, part)
  }
  peer.onwant = range => {
    const within = cut(range)
    if (within !== undefined) onwant.call(peer, within)
  }
  peer.onunwant = range => {
    const within = cut(range)
    if (within !== undefined) onunwant.call(peer, within)
  }
}
