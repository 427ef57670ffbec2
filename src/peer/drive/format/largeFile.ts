/** How large files are cut into blocks, so that a block of one is a piece of the file that is found by its number alone. */
import type { BlobRef } from './entry'

/**
 * What a block costs beside its bytes (requests, hashes of the tree read and written, hops between threads) is what a
 * transfer of large files takes longest for: with 512 KiB a fetch took a quarter more processor time, with 2 MiB hardly less.
 */
export const BLOCK_BYTES = 1024 * 1024

/** Whether a file's blocks are pieces of the file, in the size in which this version cuts them. */
export function isLarge(blob: BlobRef, size: number): boolean {
  if (blob.blockMap === true || size <= BLOCK_BYTES) return false
  return blob.byteLength === size && blob.blockLength === blocksOf(size)
}

/** Of a large file of `size` bytes. */
export function blocksOf(size: number): number {
  return Math.ceil(size / BLOCK_BYTES)
}

/** Where a block of a large file of `size` bytes lies in it, by its number in the file. */
export function pieceAt(block: number, size: number): { readonly position: number; readonly length: number } {
  const position = block * BLOCK_BYTES
  return { position, length: Math.min(BLOCK_BYTES, size - position) }
}
