/**
 * Who has what, told truly. Hypercore tells a peer that lacks something of a log what it has of it only when asked
 * (`want`), and asks by itself only with the first block it requests. Nobody has all of a log whose former versions are
 * cleared, so whoever looks first and requests then would find nothing anywhere. So every peer is asked at once, and
 * what it says is kept up from then on.
 *
 * Read in hypercore 11.39.5: `_maybeWant`, `_requestBlock`, `_onnodata` and `_onwant` of lib/replicator.js.
 */
import type Hypercore from 'hypercore'
import type { ReplicatorPeer } from 'hypercore'

/** Blocks of one question. */
const BATCH = 2_097_152
const MAX_QUESTIONS = 64
/** Of Hypercore: after this many blocks that a peer has not it is asked for nothing more. */
const MAX_NOT_AVAILABLE = 32

/** Nothing is done with the answer but to remember it. */
const handle = { addWant: () => {}, removeWant: () => {} }

/** Asks a peer what it has of a log, now and from now on. */
export function askWhatIsThere(log: Hypercore, peer: ReplicatorPeer): void {
  const questions = Math.min(MAX_QUESTIONS, 1 + Math.floor(log.length / BATCH))
  for (let at = 0; at < questions; at++) peer._maybeWant(at * BATCH, handle)
}

/**
 * Asks again, when what was asked for does not come. Hypercore lets some requests lie when what peers have changes, and
 * once a peer has not had 32 blocks that it was asked for, it asks nothing of it any more, for good: but whoever clears a
 * version while it is fetched is no liar.
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
 * Tells peers what is left after something was cleared. For readers on hypercore 11.37.1 and older: of a peer that had
 * all, they forget everything behind what it cleared. Hypercore mends this in the reader, so it stays until nobody runs
 * those (Peerfold 0.3.0, other Hyperdrive clients).
 */
export function tellWhatIsThere({ core, length }: Hypercore): void {
  for (const peer of core.replicator.peers) {
    for (let start = 0; start < length; start += BATCH) core.replicator._onwant(peer, start, BATCH, false)
  }
}
