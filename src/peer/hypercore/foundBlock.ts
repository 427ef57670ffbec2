/**
 * A block that was found on this machine becomes a part of its log, as if a peer had sent it: Hypercore itself compares
 * it with the tree, keeps it, and tells whoever is connected. Its hash must be here (`leafOf`).
 *
 * Read in hypercore 11.39.5: `verify` of lib/core.js, and `_ondata` of lib/replicator.js for those who wait for it.
 */
import type Hypercore from 'hypercore'

/**
 * @param stored the block as it is stored, see `storedBlock`
 * @returns whether it is here now. Throws what the store says, and when it is not the block.
 */
export async function addFoundBlock(log: Hypercore, index: number, stored: Uint8Array): Promise<boolean> {
  const { core, fork } = log
  const block = { index, value: stored, nodes: [] }
  const isTaken = await core.verify({ fork, block, hash: null, seek: null, upgrade: null, manifest: null })
  if (!isTaken) return false
  const { replicator } = core
  replicator._resolveBlockRequest(replicator._blocks, index, stored, null)
  replicator._updateNonPrimary(false)
  return true
}
