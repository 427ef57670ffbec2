/**
 * What is asked of a peer first, in as few round trips as it takes. Before a block of a log can be had, the peer must
 * prove how long the log is. Hypercore asks for that as soon as a peer tells a length, and for blocks only when the proof
 * is here. Where it waits with that for the first block that is wanted, it asks for both at once.
 *
 * Read in hypercore 11.39.5: `eagerUpgrade`, `onsync`, `_requestBlock` and `_shouldUpgrade` of lib/replicator.js.
 */
import type Hypercore from 'hypercore'

/** Who has something of a log, but not the block that is wanted first, is asked for a proof after so many milliseconds. */
const PATIENCE = 1_000

/** Of a log of which nothing is here, this block is asked for first, as soon as somebody has it. */
export function beginsWith(log: Hypercore, block: number): void {
  if (log.length > 0) return
  provenWithFirstBlock(log)
  const proven = () => provenAtOnce(log)
  log.once('peer-add', () => setTimeout(proven, PATIENCE).unref())
  log.get(block).then(proven, ignoreClosed)
}

/** Asks for a proof of the length together with the first block that is wanted, until `provenAtOnce`. */
export function provenWithFirstBlock(log: Hypercore): void {
  if (log.length === 0) log.core.replicator.eagerUpgrade = false
}

/** Asks for a proof of the length as soon as a peer tells one. */
export function provenAtOnce(log: Hypercore): void {
  const { replicator } = log.core
  if (replicator.eagerUpgrade) return
  replicator.eagerUpgrade = true
  // What peers told meanwhile is asked for.
  if (log.closing === null) log.update({ wait: true }).catch(ignoreClosed)
}

/** The log was closed before anybody had it; whoever needs the block asks for it too. */
function ignoreClosed(): void {}
