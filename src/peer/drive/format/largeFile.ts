/** How large files are cut into blocks. The position of a block in its file follows from its number alone. */
import type { BlobRef } from './entry'

/**
 * Length of a block (bytes). The fixed cost of a block (requests, hashes of the tree read and written, hops between
 * threads) dominates transfers of large files. With 512 KiB a fetch took a quarter more processor time, with 2 MiB
 * hardly less.
 */
export const BLOCK_BYTES = 1024 * 1024

/** Whether a file's blocks are pieces of the file, of the size in which this version cuts them. */
export function isLarge(blob: BlobRef, size: number): boolean {
  if (blob.blockMap === true || size <= BLOCK_BYTES) return false
  return blob.byteLength === size && blob.blockLength === blocksOf(size)
}

/** Number of blocks of a large file of `size` bytes. */
export function blocksOf(size: number): number {
  return Math.ceil(size / BLOCK_BYTES)
}

/** Where a block lies in a large file of `size` bytes. @param block its number in the file */
export function pieceAt(block: number, size: number): { readonly position: number; readonly length: number } {
  const position = block * BLOCK_BYTES
  return { position, length: Math.min(BLOCK_BYTES, size - position) }
}
