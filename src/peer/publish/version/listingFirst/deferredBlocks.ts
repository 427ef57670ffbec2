/**
 * The small files' own blocks of a large first version, which come after its link was given out. Peerfold reads such
 * files from their packs; other Hyperdrive clients need these blocks, one for each file.
 *
 * Where they will lie is known before they are there: one after another, behind the listing. Their content is in the
 * packs, so they can be appended from there at any time, after a kill as well, and are the same each time.
 */
import type Hypercore from 'hypercore'
import type { BlobRef } from '../../../drive/format/entry'
import type { LogPosition } from '../../../drive/format/listing'
import type { PublishedFile } from '../../../store/catalog'
import { breathe, slicer, throwIfAborted } from '../../../time'
import { BlockAppender } from '../appender'

/** Hands out places one after another. They count from 0 until `place` tells where the first block lies. */
export class DeferredBlocks {
  private readonly blobs = new Set<{ -readonly [K in keyof BlobRef]: BlobRef[K] }>()
  private bytes = 0

  /** The place of the next block, which changes once more: see `place`. */
  add(byteLength: number): BlobRef {
    const blob = { blockOffset: this.blobs.size, blockLength: 1, byteOffset: this.bytes, byteLength }
    this.blobs.add(blob)
    this.bytes += byteLength
    return blob
  }

  get isEmpty(): boolean {
    return this.blobs.size === 0
  }

  has(blob: BlobRef): boolean {
    return this.blobs.has(blob)
  }

  /** From now on all places are those in a log in which the first block lies at `start`. */
  place(start: LogPosition): void {
    for (const blob of this.blobs) {
      blob.blockOffset += start.blockOffset
      blob.byteOffset += start.byteOffset
    }
  }
}

/**
 * Appends the blocks that these files name beyond the end of the log, out of their packs, all of which must be here.
 * Throws PeerfoldError `cancelled`; it can be done again then.
 */
export async function appendDeferredBlocks(
  log: Hypercore,
  files: Iterable<PublishedFile>,
  signal: AbortSignal,
): Promise<void> {
  const appender = new BlockAppender(log)
  const due = slicer()
  let open: { readonly block: number; readonly bytes: Buffer } | undefined
  try {
    for (const { blob, pack } of missing(files, log.length)) {
      throwIfAborted(signal)
      const { blockOffset, byteOffset } = appender.position
      if (blob.blockOffset !== blockOffset || blob.byteOffset !== byteOffset)
        throw new Error(`block ${blob.blockOffset} of the log of bytes cannot lie at ${blockOffset}`)
      if (open?.block !== pack.block) open = { block: pack.block, bytes: await readHere(log, pack.block) }
      const piece = { block: pack.block, offset: pack.offset, length: blob.byteLength }
      const bytes = open.bytes.subarray(piece.offset, piece.offset + piece.length)
      appender.keepAsPiece(appender.add(bytes), piece)
      if (appender.full) await appender.write()
      if (due()) await breathe()
    }
    await appender.flush()
  } finally {
    await appender.close()
  }
}

type Packed = Required<Pick<PublishedFile, 'blob' | 'pack'>>

/** One file for each block beyond the end, in their order: these blocks lie side by side. */
function missing(files: Iterable<PublishedFile>, length: number): Packed[] {
  const byBlock: Packed[] = []
  for (const { blob, pack } of files) {
    if (blob !== undefined && pack !== undefined && blob.blockOffset >= length)
      byBlock[blob.blockOffset - length] = { blob, pack }
  }
  return byBlock
}

async function readHere(log: Hypercore, index: number): Promise<Buffer> {
  const block = await log.get(index, { wait: false })
  if (block === null) throw new Error(`pack ${index} is not here`)
  return block
}
