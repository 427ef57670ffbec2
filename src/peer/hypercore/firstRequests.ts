/**
 * Makes the first requests to a peer in as few round trips as possible. Before a block of a log can be had, the
 * peer must prove how long the log is. Hypercore asks for the proof as soon as a peer tells a length, and for
 * blocks only when the proof is here. When it waits with the proof until the first block is wanted, it asks for
 * both at once.
 *
 * Read in hypercore 11.39.5: `eagerUpgrade`, `onsync`, `_requestBlock` and `_shouldUpgrade` of lib/replicator.js.
 */
import type Hypercore from 'hypercore'

/**
 * Milliseconds after the first peer. If no block is wanted by then, or no peer has it, the proof is asked for
 * alone.
 */
const PATIENCE = 1_000

/** Asks for a proof of the length together with the first block that is wanted, if nothing of the log is here. */
export function proveWithFirstBlock(log: Hypercore): void {
  if (log.length > 0) return
  log.core.replicator.eagerUpgrade = false
  const waited = () => {
    setTimeout(() => proveAtOnce(log), PATIENCE).unref()
  }
  if (log.peers.length > 0) waited()
  else log.once('peer-add', waited)
  log.once('append', () => proveAtOnce(log))
}

/** As `proveWithFirstBlock`, and asks for this block. */
export function beginWithBlock(log: Hypercore, block: number): void {
  proveWithFirstBlock(log)
  if (log.length === 0) log.get(block).catch(ignoreClosed)
}

function proveAtOnce(log: Hypercore): void {
  const { replicator } = log.core
  if (replicator.eagerUpgrade) return
  replicator.eagerUpgrade = true
  // Lengths that peers told meanwhile are asked for now.
  if (log.closing === null && log.length === 0) log.update({ wait: true }).catch(ignoreClosed)
}

/** The log was closed before the block came. Whoever needs the block asks for it too. */
function ignoreClosed(): void {}
