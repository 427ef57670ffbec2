/**
 * Compares bytes with what was published: with what the log holds, or with the hashes of its blocks where these are
 * pieces of the file.
 */
import { hash } from 'node:crypto'
import type Hypercore from 'hypercore'
import type { BlobRef } from '../../drive/format/entry'
import { BLOCK_BYTES, isLarge } from '../../drive/format/largeFile'
import { missingRuns } from '../../hypercore/blockRuns'
import { restoreBlocks } from '../../hypercore/clearBlocks'
import { leafOf, storedBlock } from '../../hypercore/leaf'
import type { PublishedFile } from '../../store/catalog'
import type { SharedFiles } from './inPlace/sharedFiles'

/** Text that names a file's first block; a file of one block has the same content as any other with this text. */
export function headOf(bytes: Uint8Array): string {
  return hash('sha256', bytes.subarray(0, BLOCK_BYTES), 'base64')
}

/** Whether a published file of this size may have the content whose first block has this head. Cheap. */
export function mayBeSame(file: PublishedFile, size: number, head: string): boolean {
  if (file.size !== size || file.blob === undefined) return false
  const hasOurBlocks = file.blob.blockLength === Math.ceil(size / BLOCK_BYTES)
  return file.head === head || file.head === undefined || !hasOurBlocks
}

export class PublishedContent {
  /** The pack that was read last: files come in path order, and so they lie in packs. */
  private pack: { readonly block: number; readonly bytes: Buffer } | undefined

  /** @param shared serves large files, where these are not kept in the log */
  constructor(
    private readonly log: Hypercore,
    private readonly shared?: SharedFiles,
  ) {}

  /**
   * Whether these bytes, the content of a file of the folder, are all of a published file's. False when the log neither
   * has it all nor is served out of the folder.
   */
  async isSame(
    file: PublishedFile,
    pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<boolean> {
    if (this.shared !== undefined && file.blob !== undefined && isLarge(file.blob, file.size))
      return this.hasHashesOf(file.blob, pieces, this.shared)
    const blocks = this.blocks(file)
    let block: Uint8Array = NOTHING
    for await (const piece of pieces) {
      for (let rest = piece; rest.length > 0; ) {
        while (block.length === 0) {
          const next = await blocks.next()
          if (next.done || next.value === null) return false
          block = next.value
        }
        const length = Math.min(rest.length, block.length)
        if (Buffer.compare(rest.subarray(0, length), block.subarray(0, length)) !== 0) return false
        rest = rest.subarray(length)
        block = block.subarray(length)
      }
    }
    return block.length === 0 && (await blocks.next()).done === true
  }

  /** Compares by the hashes of blocks. If they match, the file has the blocks, and missing ones count as here again. */
  private async hasHashesOf(
    { blockOffset, blockLength }: BlobRef,
    pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    shared: SharedFiles,
  ): Promise<boolean> {
    const { log } = this
    const end = blockOffset + blockLength
    let index = blockOffset
    for await (const piece of pieces) {
      for (let at = 0; at < piece.length; at += BLOCK_BYTES) {
        const leaf = index < end ? await leafOf(log, index) : null
        const bytes = piece.subarray(at, at + BLOCK_BYTES)
        if (leaf === null || (await storedBlock(log, index, bytes, leaf)) === undefined) return false
        index++
      }
    }
    if (index !== end) return false
    await restoreBlocks(log, missingRuns(log.core.bitfield, [{ start: blockOffset, end }]))
    shared.found(blockOffset)
    return true
  }

  /** Null stands for a block that is not here. */
  private async *blocks({ blob, pack, size }: PublishedFile): AsyncGenerator<Uint8Array | null> {
    if (blob === undefined) return
    const isLater = blob.blockOffset >= this.log.length
    if (isLater) {
      const bytes = pack === undefined ? null : await this.readPack(pack.block)
      yield pack === undefined || bytes === null ? null : bytes.subarray(pack.offset, pack.offset + size)
      return
    }
    for (let n = 0; n < blob.blockLength; n++) yield this.log.get(blob.blockOffset + n, { wait: false })
  }

  private async readPack(block: number): Promise<Buffer | null> {
    if (this.pack?.block === block) return this.pack.bytes
    const bytes = await this.log.get(block, { wait: false })
    if (bytes !== null) this.pack = { block, bytes }
    return bytes
  }
}

const NOTHING = new Uint8Array(0)
