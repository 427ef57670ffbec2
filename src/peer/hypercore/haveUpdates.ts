/**
 * Keeps knowledge of which peer has which blocks up to date. Hypercore tells a peer that lacks part of a log what
 * it has itself only when asked (`want`), and asks only with the first block that it requests. No peer has all of a
 * log whose former versions are cleared. A reader that looks before it requests would therefore find nothing
 * anywhere. So every peer is asked at once, and keeps us informed from then on.
 *
 * Read in hypercore 11.39.5: `_maybeWant`, `_requestBlock`, `_onnodata` and `_onwant` of lib/replicator.js.
 */
import type Hypercore from 'hypercore'
import type { ReplicatorPeer } from 'hypercore'

/** Blocks of one question. */
const BATCH = 2_097_152
const MAX_QUESTIONS = 64
/** Hypercore's limit: after this many blocks that a peer did not have, it asks that peer for nothing more. */
const MAX_NOT_AVAILABLE = 32

/** The answer is only remembered. */
const handle = { addWant: () => {}, removeWant: () => {} }

/** Asks a peer what it has of a log, now and from now on. */
export function askWhatIsThere(log: Hypercore, peer: ReplicatorPeer): void {
  const questions = Math.min(MAX_QUESTIONS, 1 + Math.floor(log.length / BATCH))
  for (let at = 0; at < questions; at++) peer._maybeWant(at * BATCH, handle)
}

/**
 * Asks again when blocks do not come. Hypercore leaves some requests unsent when peers' blocks change. It also
 * gives up a peer for good once that peer lacked 32 blocks that it was asked for. But a peer may clear a version
 * while it is fetched, and is no liar.
 */
export function askAgain({ core: { replicator } }: Hypercore): void {
  for (const peer of replicator.peers) {
    const isGivenUp = peer.paused && peer.stats.notAvailableBackoffs >= MAX_NOT_AVAILABLE
    if (!isGivenUp || peer.stats.backoffs > 0) continue
    peer.stats.notAvailableBackoffs = 0
    peer.paused = false
  }
  replicator.queueUpdateAll()
}

/**
 * Tells peers which blocks are left after some were cleared. Needed by readers on hypercore 11.37.1 and older: of a
 * peer that had all blocks, they forget everything behind the cleared ones. Newer readers do not need it. It stays
 * until nobody runs those versions (Peerfold 0.3.0, other Hyperdrive clients).
 */
export function tellWhatIsThere({ core, length }: Hypercore): void {
  for (const peer of core.replicator.peers) {
    for (let start = 0; start < length; start += BATCH) core.replicator._onwant(peer, start, BATCH, false)
  }
}
