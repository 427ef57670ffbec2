/**
 * Bounds on what a peer says of the blocks it has. Hypercore believes any range, and keeps memory for each block of it:
 * one message of fifteen bytes would fill all memory there is, or count to 2^53. What lies far beyond the log as it is
 * known here cannot be asked for anyway, so it is cut off.
 */
import type Hypercore from 'hypercore'
import type { BlockRange, ReplicatorPeer } from 'hypercore'

/** Blocks beyond the verified end of a log that a peer may speak of. */
const BEYOND = 2 ** 24

/** Must be called as soon as the peer is there, before any message of its. */
export function boundPeer(peer: ReplicatorPeer, core: Hypercore): void {
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
