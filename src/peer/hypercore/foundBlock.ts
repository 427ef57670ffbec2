/**
 * Adds a block that was found on this machine to its log, as if a peer had sent it: Hypercore compares it with the
 * tree, stores it, and tells connected peers. Its hash must be here (`leafOf`).
 *
 * Read in hypercore 11.39.5: `verify` of lib/core.js, which throws before it changes anything, and `_ondata` of
 * lib/replicator.js for those who wait for the block.
 */
import type Hypercore from 'hypercore'
import { systemCode } from '../../common/fileErrors'
import { type Leaf, MAX_FORKS, paddingOf } from './leaf'

/**
 * Memory for a block in its stored form. Its content goes behind the padding. Undefined where the length does not
 * fit.
 */
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
 * Adds the block if its hash is right. It is encrypted in place, because the hash is that of the encrypted block.
 *
 * @returns whether it is here now. Throws errors of the store.
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
    if (systemCode(error) === 'INVALID_CHECKSUM') return false
    throw error
  }
}
