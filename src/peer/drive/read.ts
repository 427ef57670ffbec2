/**
 * Reads the bytes of one file, from the store or from peers.
 *
 * A small file has two places: its own blocks and its place in a pack. A place that is here is read first.
 * Otherwise ownOrPack.ts decides which is asked for. Every wait ends: `offline` means unknown, never absent.
 */
import type Hypercore from 'hypercore'
import { PeerfoldError } from '../../common/errors'
import type { Decrypter } from '../hypercore/decrypter'
import { expectBlocks, isSharedByMany } from '../hypercore/scheduling'
import { throwIfAborted, unlessAborted } from '../time'
import { withTrueSize } from './blockMap'
import { Blocks, inOurWords, type ReadOptions } from './blocks'
import type { BlobRef, DriveEntry } from './format/entry'
import { PACK_BYTES } from './format/listing'
import { ownOrPack } from './ownOrPack'
import type { ShareDrive } from './shareDrive'
import { isBeyond, isWhole } from './whoHas'

/** Blocks asked for ahead of the one being delivered, and the bytes they may hold. */
const BLOCKS_AHEAD = 32
const BYTES_AHEAD = 8 * 1024 * 1024
/**
 * Bytes ahead for a patient reader with many peers: each peer has some blocks on their way, and early ones wait for
 * the rest.
 */
const BYTES_AHEAD_OF_MANY = 32 * 1024 * 1024

/** All bytes of a small file. Throws `bad-entry` when their length is not the one that the entry says. */
export async function readWhole(share: ShareDrive, entry: DriveEntry, options: ReadOptions): Promise<Buffer> {
  if (entry.blob === undefined) return Buffer.alloc(0)
  if (entry.blob.blockMap) {
    const sized = await withTrueSize(share, entry, options)
    return collect(readMapped(share, sized, 0, sized.size, options), sized)
  }
  const core = await share.bytesReady(options.signal)
  const { bitfield } = core.core
  const { pack, blob } = entry
  const ownBlocks = (how: ReadOptions) => collect(readBlocks(core, entry, 0, how), entry)
  if (pack === undefined || bitfield.get(blob.blockOffset)) return ownBlocks(options)
  const fromPack = async (how: ReadOptions) =>
    sliceOfPack(await readPack(core, pack.block, entry.path, how), entry)
  const isDeferred = share.version?.isListingFirst === true && isBeyond(core, blob.blockOffset)
  if (isDeferred || bitfield.get(pack.block)) return fromPack(options)
  return ownOrPack(core, blob.blockOffset, ownBlocks, fromPack, options)
}

/** The bytes of a file from `start`, at most `length`, piece by piece. */
export async function* readRange(
  share: ShareDrive,
  entry: DriveEntry,
  start: number,
  length: number,
  options: ReadOptions,
): AsyncGenerator<Buffer> {
  const { size } = await withTrueSize(share, entry, options)
  const wanted = Math.min(length, size - start)
  if (entry.blob === undefined || wanted <= 0) return
  if (entry.pack !== undefined) yield (await readWhole(share, entry, options)).subarray(start, start + wanted)
  else if (start > 0 || entry.blob.blockMap) yield* readMapped(share, entry, start, wanted, options)
  else yield* firstBytes(readBlocks(await share.bytesReady(options.signal), entry, 0, options), wanted, entry)
}

/**
 * A file's own blocks, in order from its `first`. Asks for blocks ahead, and delivers each as it arrives.
 *
 * @param decrypter decrypts the blocks; each one's memory is valid until the next is asked for
 * @param isLeftOut by the number of a block in the file: it is neither asked for nor delivered
 */
export async function* readBlocks(
  core: Hypercore,
  entry: DriveEntry,
  first: number,
  options: ReadOptions,
  decrypter?: Decrypter,
  isLeftOut: (block: number) => boolean = () => false,
): AsyncGenerator<Buffer> {
  const { blob } = entry
  if (blob === undefined) return
  const end = blob.blockOffset + blob.blockLength
  expectBlocks(core, blob.byteLength / blob.blockLength)
  const blocks = new Blocks(core, entry.path, options)
  const ahead: { readonly index: number; readonly block: Promise<Buffer> }[] = []
  let next = blob.blockOffset + first
  try {
    while (next < end || ahead.length > 0) {
      throwIfAborted(options.signal)
      const depth = depthFor(blob, options.isPatient === true && isSharedByMany(core))
      while (next < end && ahead.length < depth) {
        const index = next++
        if (isLeftOut(index - blob.blockOffset)) continue
        const block = decrypter === undefined ? blocks.get(index) : blocks.getStored(index)
        block.catch(() => {}) // rejects again where it is awaited, below
        ahead.push({ index, block })
      }
      const first = ahead.shift()
      if (first === undefined) continue
      const block = await first.block
      yield decrypter === undefined ? block : await decrypter.decrypt(first.index, block)
    }
  } finally {
    blocks.close()
  }
}

/** The bytes of one pack. @param block the pack @param path of a file in it, named in errors */
export async function readPack(
  core: Hypercore,
  block: number,
  path: string,
  options: ReadOptions,
): Promise<Buffer> {
  expectBlocks(core, PACK_BYTES)
  const blocks = new Blocks(core, path, options)
  try {
    return await blocks.get(block)
  } finally {
    blocks.close()
  }
}

/** A file's bytes inside a pack. Throws `bad-entry` when the pack is shorter than the entry says. */
export function sliceOfPack(pack: Buffer, entry: DriveEntry): Buffer {
  const offset = entry.pack?.offset ?? 0
  if (offset + entry.size > pack.length) throw new PeerfoldError('bad-entry', entry.path)
  return pack.subarray(offset, offset + entry.size)
}

/** Reads bytes whose blocks are found by seeking, or through a block map of a deduplicating client. */
export async function* readMapped(
  share: ShareDrive,
  entry: DriveEntry,
  start: number,
  length: number,
  options: ReadOptions,
): AsyncGenerator<Buffer> {
  const { blob } = entry
  if (blob === undefined) return
  const blobs = await unlessAborted(share.drive.getBlobs(), options.signal)
  const assertRoom = () => {
    if (!isWhole(blobs.core)) options.assertRoom?.()
  }
  assertRoom()
  const stream = blobs.createReadStream({ ...blob }, { start, length, timeout: options.timeout })
  const cancel = () => stream.destroy(new PeerfoldError('cancelled'))
  options.signal?.addEventListener('abort', cancel, { once: true })
  let left = length
  try {
    for await (const block of stream) {
      throwIfAborted(options.signal)
      assertRoom()
      left -= block.length
      if (left < 0) throw new PeerfoldError('bad-entry', entry.path)
      yield block
    }
  } catch (error) {
    const known = inOurWords(error, entry.path)
    // Any other error means that the block map is malformed.
    throw known instanceof PeerfoldError ? known : new PeerfoldError('bad-entry', entry.path)
  } finally {
    options.signal?.removeEventListener('abort', cancel)
    stream.destroy()
  }
  if (left !== 0) throw new PeerfoldError('bad-entry', entry.path)
}

async function* firstBytes(
  blocks: AsyncIterable<Buffer>,
  length: number,
  entry: DriveEntry,
): AsyncGenerator<Buffer> {
  let left = length
  for await (const block of blocks) {
    const part = block.subarray(0, left)
    left -= part.length
    yield part
    if (left === 0) return
  }
  throw new PeerfoldError('bad-entry', entry.path)
}

async function collect(blocks: AsyncIterable<Buffer>, entry: DriveEntry): Promise<Buffer> {
  const parts: Buffer[] = []
  let length = 0
  for await (const block of blocks) {
    length += block.length
    if (length > entry.size) throw new PeerfoldError('bad-entry', entry.path)
    parts.push(block)
  }
  if (length !== entry.size) throw new PeerfoldError('bad-entry', entry.path)
  const [only] = parts
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts)
}

function depthFor({ byteLength, blockLength }: BlobRef, isOfMany: boolean): number {
  const bytes = isOfMany ? BYTES_AHEAD_OF_MANY : BYTES_AHEAD
  return Math.max(2, Math.min(BLOCKS_AHEAD, Math.floor(bytes / Math.max(1, byteLength / blockLength))))
}
