/**
 * Fetches and decodes a listing (see format/listing.ts) within limits, because its claims about itself are
 * untrusted.
 */
import type Hypercore from 'hypercore'
import { breathe, slicer } from '../time'
import { Blocks, type ReadOptions } from './blocks'
import { decodeChunk, endOf, type ListingHeader, MAX_CHUNKS_BYTES } from './format/listing'
import type { PartialIndex } from './partialIndex'
import type { PathIndex } from './pathIndex'

const CHUNKS_AHEAD = 8
/**
 * How long to wait (milliseconds) for a block beyond the log's end, as every connected peer knows it. The log may
 * be about to grow.
 */
const BEYOND_TIMEOUT = 3_000
/** An honest chunk lists thousands of entries. */
const MIN_CHUNK_ENTRIES = 500

/**
 * Fills an index, and calls `onPart` whenever more of it is here. Rejects when a block cannot be had (see `Blocks`)
 * or is no chunk. Throws `limit-passed`.
 */
export async function readListing(
  header: ListingHeader,
  core: Hypercore,
  coming: PartialIndex,
  onPart: () => void,
  options: ReadOptions,
): Promise<PathIndex> {
  const { blockOffset, blockLength } = header.chunks
  if (blockLength > Math.ceil(header.files / MIN_CHUNK_ENTRIES) + 1)
    throw new Error('the listing has too many chunks')
  const blocks = new Blocks(core, '/', { timeoutBeyond: BEYOND_TIMEOUT, ...options })
  const get = (at: number) => blocks.get(blockOffset + at)
  const ahead: Promise<Buffer>[] = []
  // While nothing of the log is here, one block is asked for, together with the proof of the log's length. That
  // must be the first chunk.
  const most = () => (core.length === 0 ? 1 : CHUNKS_AHEAD)
  const due = slicer()
  let bytes = 0
  try {
    for (let at = 0; at < blockLength; at++) {
      while (ahead.length < most() && at + ahead.length < blockLength) {
        const block = get(at + ahead.length)
        block.catch(() => {}) // rejects again where it is awaited, below
        ahead.push(block)
      }
      const chunk = await decodeChunk(await (ahead.shift() ?? get(at)), endOf(header.chunks))
      bytes += chunk.bytes
      if (bytes > MAX_CHUNKS_BYTES) throw new Error('the listing is too long')
      for (const entry of chunk.entries) {
        coming.put(entry)
        if (due()) await breathe()
      }
      onPart()
    }
  } finally {
    blocks.close()
  }
  return coming.done()
}
