/**
 * Moves a log from one stream to another one of the same peer. The blocks that were asked for over the old stream
 * are on their way already, a few megabytes on a long line. They are waited for, and nothing more is asked for
 * there. Asked for again over the new stream, they would come twice and slow it down.
 *
 * Read in hypercore 11.39.5: `_updatePeer`, `_updateHotswap` and `onsync` of lib/replicator.js.
 */
import type { NoiseStream } from '@hyperswarm/secret-stream'
import type Hypercore from 'hypercore'
import type { ReplicatorPeer } from 'hypercore'
import { openRequests } from './messageBounds'

/** Milliseconds between two looks. Requests of the other side may be on their way for a round trip. */
const LOOK_EVERY = 500
/** After this time (milliseconds) missing blocks are asked for again. */
const LONGEST = 30_000

export class Handover {
  private readonly leaving = new WeakMap<ReplicatorPeer, () => void>()

  /**
   * @param left called when nothing is awaited over the stream any more; at once where the log is not on that
   * stream
   */
  leave(core: Hypercore, stream: NoiseStream, left: () => void): void {
    const peer = core.peers.find(each => each.stream === stream)
    if (peer === undefined) {
      left()
      return
    }
    if (this.leaving.has(peer)) return
    const askAgain = askNothing(peer)
    const began = performance.now()
    const end = () => {
      clearInterval(timer)
      this.leaving.delete(peer)
      askAgain()
    }
    const timer = setInterval(() => {
      const isIdle = peer.inflight === 0 && openRequests(peer) === 0
      if (!isIdle && !peer.stream.destroyed && performance.now() - began < LONGEST) return
      end()
      left()
    }, LOOK_EVERY).unref()
    this.leaving.set(peer, end)
  }

  /** Keeps the log on a stream that it was leaving. */
  takeBack(core: Hypercore, stream: NoiseStream): void {
    for (const peer of core.peers) if (peer.stream === stream) this.leaving.get(peer)?.()
  }
}

/** Makes Hypercore ask the peer for nothing, as if it had said that it gives nothing. @returns undoes it */
function askNothing(peer: ReplicatorPeer): () => void {
  const { remoteUploading, getMaxHotswapInflight } = peer
  let said = remoteUploading
  Object.defineProperty(peer, 'remoteUploading', {
    configurable: true,
    get: () => false,
    set: (value: boolean) => {
      said = value
    },
  })
  peer.getMaxHotswapInflight = () => 0
  return () => {
    Object.defineProperty(peer, 'remoteUploading', { configurable: true, writable: true, value: said })
    peer.getMaxHotswapInflight = getMaxHotswapInflight
  }
}
