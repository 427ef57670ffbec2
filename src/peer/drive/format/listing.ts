/**
 * The listing: a compact copy of a share's path log, written by the publisher beside it.
 *
 * A path log has one block for every path, so a share of 100,000 files would cost 100,000 small blocks before the
 * first folder could be shown, and as many again for the files. So the publisher appends to the log of bytes
 * - packs: blocks of about 256 KiB that hold small files one after another, in path order, and
 * - the listing: a few blocks with all entries, and for each small file its pack and its place there,
 * and names the listing in the last block of every version (about.ts), which other Hyperdrive clients do not list.
 * They lose nothing: every path has its ordinary entry and every file its ordinary blocks. A reader takes the
 * listing, then the entries of the path log that are newer than it.
 *
 * A large first version writes packs and listing first, so that the link can be given out as soon as Peerfold can
 * read everything. The small files' own blocks come after the listing, and then their paths. The listing already
 * names the future places of those blocks, counted from its own end. While these are missing, the header says
 * `ahead`.
 *
 * A chunk of the listing is one block: raw-deflated JSON `[[shared, suffix, size, mtime, flags, blockOffset,
 * blockLength, byteOffset, packBlock, packOffset, linkTarget], …]`. `shared` counts the UTF-16 units that a path
 * has in common with the one before it. An unknown `mtime` is null. Missing values at the end are left out.
 */

import { promisify } from 'node:util'
import { deflateRaw, inflateRaw } from 'node:zlib'
import {
  type BlobRef,
  blobOf,
  type DriveEntry,
  emptyFile,
  fileWith,
  isCount,
  isRecord,
  linkEntry,
  type PackRef,
  parseBlob,
} from './entry'

/** Files up to this size are packed. */
export const PACKED_FILE_BYTES = 64 * 1024
/** A pack is closed when it has reached this size. */
export const PACK_BYTES = 256 * 1024

const CHUNK_ENTRIES = 4_000
/** An honest chunk is far smaller. A larger one is an attack on memory. */
const MAX_CHUNK_BYTES = 32 * 1024 * 1024
const MAX_CHUNK_ROWS = 32_000
/** Bytes of all chunks of a listing together, inflated. */
export const MAX_CHUNKS_BYTES = 512 * 1024 * 1024
const MAX_PATH_UNITS = 16 * 1024
const FLAG_EXECUTABLE = 1
const FLAG_BLOCK_MAP = 2
/** `blockOffset` and `byteOffset` count from the end of the listing's last chunk. */
const FLAG_AFTER_LISTING = 4

/** A place in the log of bytes. */
export type LogPosition = Pick<BlobRef, 'blockOffset' | 'byteOffset'>

const FORMATS = [1, 2] as const

/** The description of the newest listing in the path log. */
export interface ListingHeader {
  /** 2: some places count from the end of the listing. Readers of the first format do not know such places. */
  readonly format: (typeof FORMATS)[number]
  /** Length of the path log that the listing describes. */
  readonly version: number
  readonly files: number
  readonly bytes: number
  /** Its chunks, one block each. */
  readonly chunks: BlobRef
  /** The path log does not have these entries yet, and the log of bytes lacks the small files' own blocks. */
  readonly ahead?: true
}

export function parseListingHeader(value: unknown): ListingHeader | undefined {
  if (!isRecord(value)) return undefined
  const { version, files, bytes } = value
  const format = FORMATS.find(known => known === value.format)
  const chunks = parseBlob(value.chunks)
  if (!isCount(version) || !isCount(files) || !isCount(bytes)) return undefined
  if (format === undefined || chunks === undefined) return undefined
  const header = { format, version, files, bytes, chunks }
  return value.ahead === true ? { ...header, ahead: true } : header
}

/** Where the log of bytes continues after these blocks. */
export function endOf({ blockOffset, blockLength, byteOffset, byteLength }: BlobRef): LogPosition {
  return { blockOffset: blockOffset + blockLength, byteOffset: byteOffset + byteLength }
}

/**
 * The chunks of a listing, each to be appended as one block. Entries come in path order.
 * @param isAfter whether the place of a blob counts from the end of the listing
 */
export async function* encodeListing(
  entries: Iterable<DriveEntry>,
  isAfter: (blob: BlobRef) => boolean = () => false,
): AsyncGenerator<Buffer> {
  let rows: unknown[] = []
  let previous = ''
  for (const entry of entries) {
    rows.push(encodeRow(entry, previous, isAfter))
    previous = entry.path
    if (rows.length === CHUNK_ENTRIES) {
      yield await pack(rows)
      rows = []
      previous = ''
    }
  }
  if (rows.length > 0) yield await pack(rows)
}

/**
 * The entries of one chunk of a listing that ends at `end`, and how many bytes it inflated to. Malformed rows are
 * left out. Throws when the chunk is not a listing at all.
 */
export async function decodeChunk(
  block: Uint8Array,
  end: LogPosition,
): Promise<{ entries: DriveEntry[]; bytes: number }> {
  const text = await promisify(inflateRaw)(block, { maxOutputLength: MAX_CHUNK_BYTES })
  const rows: unknown = JSON.parse(text.toString('utf8'))
  if (!Array.isArray(rows)) throw new Error('a chunk of the listing is not a list')
  if (rows.length > MAX_CHUNK_ROWS) throw new Error('a chunk of the listing has too many rows')
  const entries: DriveEntry[] = []
  let previous = ''
  for (const row of rows) {
    if (!Array.isArray(row)) continue
    const [shared, suffix] = row
    if (!isCount(shared) || typeof suffix !== 'string') continue
    previous = previous.slice(0, shared) + suffix
    if (previous.length > MAX_PATH_UNITS) throw new Error('a path of the listing is too long')
    const entry = decodeRow(previous, row, end)
    if (entry !== undefined) entries.push(entry)
  }
  return { entries, bytes: text.length }
}

async function pack(rows: unknown[]): Promise<Buffer> {
  return promisify(deflateRaw)(Buffer.from(JSON.stringify(rows)), { level: 3 })
}

function encodeRow(entry: DriveEntry, previous: string, isAfter: (blob: BlobRef) => boolean): unknown[] {
  let shared = 0
  const limit = Math.min(previous.length, entry.path.length)
  while (shared < limit && previous.charCodeAt(shared) === entry.path.charCodeAt(shared)) shared++
  const { blob, pack: packed } = entry
  const flags =
    (entry.executable ? FLAG_EXECUTABLE : 0) |
    (blob?.blockMap ? FLAG_BLOCK_MAP : 0) |
    (blob !== undefined && isAfter(blob) ? FLAG_AFTER_LISTING : 0)
  const row: unknown[] = [shared, entry.path.slice(shared), entry.size, entry.mtime ?? null, flags]
  if (entry.linkTarget !== undefined) row.push(0, 0, 0, -1, 0, entry.linkTarget)
  else if (blob !== undefined) {
    row.push(blob.blockOffset, blob.blockLength, blob.byteOffset)
    if (packed !== undefined) row.push(packed.block, packed.offset)
  }
  return row
}

function decodeRow(path: string, row: readonly unknown[], end: LogPosition): DriveEntry | undefined {
  const [, , size, mtime, flags, blockOffset, blockLength, byteOffset, packBlock, packOffset, linkTarget] =
    row
  if (!isCount(flags)) return undefined
  const executable = (flags & FLAG_EXECUTABLE) !== 0
  if (linkTarget !== undefined) return linkEntry(path, linkTarget, mtime)
  if (blockLength === undefined) return emptyFile(path, executable, mtime)
  const isAfter = (flags & FLAG_AFTER_LISTING) !== 0
  const blob = blobOf(
    isAfter ? from(end.blockOffset, blockOffset) : blockOffset,
    blockLength,
    isAfter ? from(end.byteOffset, byteOffset) : byteOffset,
    size,
    (flags & FLAG_BLOCK_MAP) !== 0,
  )
  if (blob === undefined) return undefined
  const isPacked = packBlock !== undefined && blob.byteLength <= PACKED_FILE_BYTES
  return fileWith(path, executable, mtime, blob, isPacked ? parsePack(packBlock, packOffset) : undefined)
}

function from(start: number, offset: unknown): number | undefined {
  return isCount(offset) ? start + offset : undefined
}

function parsePack(block: unknown, offset: unknown): PackRef | undefined {
  return isCount(block) && isCount(offset) && offset <= MAX_CHUNK_BYTES ? { block, offset } : undefined
}
