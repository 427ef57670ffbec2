/**
 * A block that was found on this machine becomes a part of its log, as if a peer had sent it: Hypercore itself compares
 * it with the tree, keeps it, and tells whoever is connected. Its hash must be here (`leafOf`).
 *
 * Read in hypercore 11.39.5: `verify` of lib/core.js, which throws before it changes anything, and `_ondata` of
 * lib/replicator.js for those who wait for the block.
 */
import type Hypercore from 'hypercore'
import { type Leaf, MAX_FORKS, paddingOf } from './leaf'

/** Room for a block as it is stored: its bytes go behind the padding. Undefined where its length is another one. */
export function roomFor(
  log: Hypercore,
  index: number,
  { size }: Leaf,
  length: number,
): FoundBlock | undefined {
  const padding = paddingOf(log, index)
  if (padding + length !== size) return undefined
  const stored = Buffer.allocUnsafeSlow(size)
  return { index, stored, bytes: stored.subarray(padding) }
}

export interface FoundBlock {
  readonly index: number
  readonly stored: Buffer
  /** The part of `stored` to be filled. */
  readonly bytes: Buffer
}

/**
 * Adds the block if it is the one: it is encrypted where it lies, since that is what has the hash.
 *
 * @returns whether it is here now. Throws what the store says.
 */
export async function addFoundBlock(log: Hypercore, { index, stored, bytes }: FoundBlock): Promise<boolean> {
  const { core, encryption, fork } = log
  const { replicator } = core
  const clear = fork > 0 ? Buffer.from(bytes) : undefined
  const oldest = encryption === null ? fork : Math.max(0, fork - MAX_FORKS)
  for (let tried = fork; tried >= oldest; tried--) {
    if (clear !== undefined) bytes.set(clear)
    await encryption?.encrypt(index, stored, tried, core)
    if (!(await verified(log, index, stored))) continue
    replicator._resolveBlockRequest(replicator._blocks, index, stored, null)
    replicator._updateNonPrimary(false)
    return true
  }
  return false
}

async function verified({ core, fork }: Hypercore, index: number, stored: Buffer): Promise<boolean> {
  const block = { index, value: stored, nodes: [] }
  try {
    return await core.verify({ fork, block, hash: null, seek: null, upgrade: null, manifest: null })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'INVALID_CHECKSUM') return false
    throw error
  }
}
