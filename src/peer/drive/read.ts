/**
 * Bytes of one file, from here or from whoever has them.
 *
 * A small file has two places: its own blocks and its place in a pack. What is here is used first; then its own
 * blocks are asked for; when they do not come soon, the pack is asked for as well, since a peer that saved a copy
 * may have only that. Every wait ends: `offline` means unknown, never absent.
 */
import type Hypercore from 'hypercore'
import { PeerfoldError } from '../../common/errors'
import { throwIfAborted, unlessAborted } from '../time'
import type { BlobRef, DriveEntry } from './entry'
import type { ShareDrive } from './shareDrive'

/** After this long without its own blocks a packed file's pack is asked for too. */
const PACK_AFTER = 400
/** Blocks asked for ahead of the one being delivered, and the bytes they may hold. */
const BLOCKS_AHEAD = 32
const BYTES_AHEAD = 16 * 1024 * 1024

export interface ReadOptions {
  /** Milliseconds a single block is waited for. */
  readonly timeout: number
  readonly signal?: AbortSignal | undefined
}

/** All bytes of a small file. Its length is what the entry says, or the entry lies (`bad-entry`). */
export async function readWhole(share: ShareDrive, entry: DriveEntry, options: ReadOptions): Promise<Buffer> {
  if (entry.blob === undefined) return Buffer.alloc(0)
  const core = await share.bytesReady(options.signal)
  const packed = packedBytes(core, entry)
  if (packed !== undefined && !core.core.bitfield.get(entry.blob.blockOffset)) {
    return firstOf(own(core, entry, options), () => packed(options.timeout), options)
  }
  return own(core, entry, options)
}

/** The bytes of a file from `start`, at most `length`, block by block. */
export async function* readRange(
  share: ShareDrive,
  entry: DriveEntry,
  start: number,
  length: number,
  options: ReadOptions,
): AsyncGenerator<Buffer> {
  const { blob } = entry
  const wanted = Math.min(length, entry.size - start)
  if (blob === undefined || wanted <= 0) return
  if (entry.pack !== undefined) {
    yield (await readWhole(share, entry, options)).subarray(start, start + wanted)
    return
  }
  const core = await share.bytesReady(options.signal)
  if (start > 0 || blob.blockMap) {
    yield* readBySeek(share, blob, start, wanted, entry, options)
    return
  }
  let left = wanted
  for await (const block of readBlocks(core, blob, entry, options)) {
    const part = block.subarray(0, left)
    left -= part.length
    yield part
    if (left === 0) return
  }
  throw new PeerfoldError('bad-entry', entry.path)
}

/** The blocks of a file in order, asked for ahead, straight as they arrive from the network. */
export async function* readBlocks(
  core: Hypercore,
  blob: BlobRef,
  entry: DriveEntry,
  options: ReadOptions,
): AsyncGenerator<Buffer> {
  if (blob.blockOffset + blob.blockLength > core.length && core.peers.length === 0) {
    throw new PeerfoldError('offline', entry.path)
  }
  const ahead: Promise<Buffer | null>[] = []
  const depth = Math.max(
    2,
    Math.min(BLOCKS_AHEAD, Math.floor(BYTES_AHEAD / (blob.byteLength / blob.blockLength))),
  )
  const end = blob.blockOffset + blob.blockLength
  let next = blob.blockOffset
  for (let at = blob.blockOffset; at < end; at++) {
    throwIfAborted(options.signal)
    while (next < end && ahead.length < depth) {
      const block = core.get(next++, { timeout: options.timeout })
      block.catch(() => {}) // rejects again where it is awaited, below
      ahead.push(block)
    }
    yield await blockOf(ahead.shift() ?? core.get(at, { timeout: options.timeout }), entry, options)
  }
}

/** How to get a packed file's bytes out of its pack; undefined for files that are in none. */
export function packedBytes(
  core: Hypercore,
  entry: DriveEntry,
): ((timeout: number) => Promise<Buffer>) | undefined {
  const { pack, size } = entry
  if (pack === undefined) return undefined
  return async timeout =>
    sliceOfPack(await blockOf(core.get(pack.block, { timeout }), entry, { timeout }), entry, size)
}

/** A file's bytes inside a pack. Throws `bad-entry` when the pack is shorter than the entry says. */
export function sliceOfPack(pack: Buffer, entry: DriveEntry, size = entry.size): Buffer {
  const offset = entry.pack?.offset ?? 0
  if (offset + size > pack.length) throw new PeerfoldError('bad-entry', entry.path)
  return pack.subarray(offset, offset + size)
}

async function own(core: Hypercore, entry: DriveEntry, options: ReadOptions): Promise<Buffer> {
  const { blob } = entry
  if (blob === undefined) return Buffer.alloc(0)
  const parts: Buffer[] = []
  let length = 0
  for await (const block of readBlocks(core, blob, entry, options)) {
    length += block.length
    if (length > entry.size) throw new PeerfoldError('bad-entry', entry.path)
    parts.push(block)
  }
  if (length !== entry.size) throw new PeerfoldError('bad-entry', entry.path)
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
}

async function* readBySeek(
  share: ShareDrive,
  blob: BlobRef,
  start: number,
  length: number,
  entry: DriveEntry,
  options: ReadOptions,
): AsyncGenerator<Buffer> {
  const blobs = await unlessAborted(share.drive.getBlobs(), options.signal)
  const stream = blobs.createReadStream({ ...blob }, { start, length, timeout: options.timeout })
  let left = length
  try {
    for await (const block of stream) {
      throwIfAborted(options.signal)
      left -= block.length
      if (left < 0) throw new PeerfoldError('bad-entry', entry.path)
      yield block
    }
  } catch (error) {
    throw asReadError(error, entry)
  } finally {
    stream.destroy()
  }
  if (left !== 0) throw new PeerfoldError('bad-entry', entry.path)
}

async function firstOf(
  primary: Promise<Buffer>,
  secondary: () => Promise<Buffer>,
  options: ReadOptions,
): Promise<Buffer> {
  let timer: NodeJS.Timeout | undefined
  const later = new Promise<Buffer>((resolve, reject) => {
    timer = setTimeout(() => secondary().then(resolve, reject), PACK_AFTER)
  })
  try {
    return await unlessAborted(Promise.any([primary, later]), options.signal)
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error
  } finally {
    clearTimeout(timer)
    later.catch(() => {}) // the other place delivered, or its error was thrown above
  }
}

async function blockOf(
  block: Promise<Buffer | null>,
  entry: DriveEntry,
  options: ReadOptions,
): Promise<Buffer> {
  try {
    const bytes = await unlessAborted(block, options.signal)
    if (bytes === null) throw new PeerfoldError('offline', entry.path)
    return bytes
  } catch (error) {
    throw asReadError(error, entry)
  }
}

/** Names Hypercore's errors in the words of the catalogue. */
function asReadError(error: unknown, entry: DriveEntry): unknown {
  if (error instanceof PeerfoldError) return error
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'REQUEST_TIMEOUT' || code === 'BLOCK_NOT_AVAILABLE' || code === 'REQUEST_CANCELLED') {
    return new PeerfoldError('offline', entry.path)
  }
  if (code === 'DECODING_ERROR') return new PeerfoldError('bad-entry', entry.path)
  return error
}
