/** Compares bytes with what was published, which is read from the log: the whole of it, whatever its blocks are. */
import { hash } from 'node:crypto'
import type Hypercore from 'hypercore'
import type { PublishedFile } from '../../store/catalog'
import { BLOCK_BYTES } from './blockSize'

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

  constructor(private readonly log: Hypercore) {}

  /** Whether these bytes are all of a published file's. False when the log does not have it all. */
  async isSame(
    file: PublishedFile,
    pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<boolean> {
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
