/**
 * The hash of one block in the tree that the log's writer signed, and checks of bytes against it. Encrypting the
 * same bytes at the same place gives the same block again.
 */
import type Hypercore from 'hypercore'
import { data as hashOfBlock } from 'hypercore-crypto'

/**
 * How many earlier forks are tried. A block may have been encrypted before its log was truncated, under an earlier
 * fork number.
 */
export const MAX_FORKS = 4

export interface Leaf {
  /** Bytes of the block as it is stored, padding included. */
  readonly size: number
  readonly hash: Buffer
}

/** Null when this part of the tree is not here. */
export async function leafOf({ core }: Hypercore, index: number): Promise<Leaf | null> {
  const reading = core.state.storage.read()
  const leaf = reading.getTreeNode(2 * index)
  reading.tryFlush()
  return leaf
}

/** Bytes in front of a block's content in its stored form. */
export function paddingOf({ encryption, core }: Hypercore, index: number): number {
  return encryption?.padding(core, index) ?? 0
}

/** Whether this is the block in its stored form. */
export function isBlock(stored: Uint8Array, { size, hash }: Leaf): boolean {
  return stored.length === size && hashOfBlock(stored).equals(hash)
}

/** The stored form of the block with this content; undefined when its hash is not that of `leaf`. */
export async function storedBlock(
  log: Hypercore,
  index: number,
  bytes: Uint8Array,
  leaf: Leaf,
): Promise<Uint8Array | undefined> {
  const { encryption, fork } = log
  const padding = paddingOf(log, index)
  if (padding + bytes.length !== leaf.size) return undefined
  if (encryption === null) return hashOfBlock(bytes).equals(leaf.hash) ? bytes : undefined
  const stored = Buffer.allocUnsafeSlow(leaf.size)
  for (let tried = fork; tried >= Math.max(0, fork - MAX_FORKS); tried--) {
    stored.set(bytes, padding)
    await encryption.encrypt(index, stored, tried, log.core)
    if (hashOfBlock(stored).equals(leaf.hash)) return stored
  }
  return undefined
}
