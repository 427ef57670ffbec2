/**
 * One entry of a share as Peerfold sees it, and the only place where entries are let in: whatever a drive holds
 * under a path, the result is either a well-formed `DriveEntry` or nothing. Whether the path may become a file is
 * decided later, by names/paths.ts.
 */
import type { DrivePath } from '../../../common/brand'

/** Where a file's bytes are in the log of bytes. Same meaning as a Hyperblobs id. */
export interface BlobRef {
  readonly blockOffset: number
  readonly blockLength: number
  readonly byteOffset: number
  readonly byteLength: number
  /** The blocks hold a map of blocks (written by deduplicating clients), not the bytes. */
  readonly blockMap?: true
}

/** A second place of a small file's bytes: inside a block shared with its neighbours. See listing.ts. */
export interface PackRef {
  readonly block: number
  readonly offset: number
}

export interface DriveEntry {
  readonly path: DrivePath
  readonly kind: 'file' | 'link'
  readonly size: number
  /** Whole milliseconds since 1970, negative before it; undefined when the drive does not say. */
  readonly mtime: number | undefined
  readonly executable: boolean
  readonly linkTarget?: string
  /** Absent for links and empty files. */
  readonly blob?: BlobRef
  readonly pack?: PackRef
}

/** Hypercore refuses larger blocks, so a map that claims more lies. */
const MAX_BLOCK_BYTES = 16 * 1024 * 1024
const MAX_PATH_BYTES = 16 * 1024
const MAX_LINK_TARGET = 4_096
/** Milliseconds on either side of 1970 that a `Date` can tell. */
const MAX_TIME = 8.64e15

/** The entry that a drive holds under `key`, or undefined when key or value is malformed. */
export function parseEntry(key: unknown, value: unknown): DriveEntry | undefined {
  if (!isRecord(value)) return undefined
  const { executable, linkname, blob, metadata } = value
  const mtime = isRecord(metadata) ? metadata.mtime : undefined
  if (linkname !== null && linkname !== undefined) return linkEntry(key, linkname, mtime)
  if (blob === null || blob === undefined) return emptyFile(key, executable === true, mtime)
  const parsed = parseBlob(blob)
  return parsed === undefined ? undefined : fileWith(key, executable === true, mtime, parsed)
}

/** The checks of `parseEntry`, for a link. */
export function linkEntry(path: unknown, target: unknown, mtime: unknown): DriveEntry | undefined {
  if (!isPath(path)) return undefined
  if (typeof target !== 'string' || target === '' || target.length > MAX_LINK_TARGET) return undefined
  return { path, kind: 'link', size: 0, mtime: timeOf(mtime), executable: false, linkTarget: target }
}

/** The checks of `parseEntry`, for a file without content. */
export function emptyFile(path: unknown, executable: boolean, mtime: unknown): DriveEntry | undefined {
  return isPath(path) ? { path, kind: 'file', size: 0, mtime: timeOf(mtime), executable } : undefined
}

/** The checks of `parseEntry`, for a file. @param pack only for content that lies unchanged in its blocks */
export function fileWith(
  path: unknown,
  executable: boolean,
  mtime: unknown,
  blob: BlobRef,
  pack?: PackRef,
): DriveEntry | undefined {
  if (!isPath(path)) return undefined
  const size = blob.byteLength
  if (size === 0) return emptyFile(path, executable, mtime)
  const time = timeOf(mtime)
  return pack === undefined
    ? { path, kind: 'file', size, mtime: time, executable, blob }
    : { path, kind: 'file', size, mtime: time, executable, blob, pack }
}

/** Accepts any time that `Date` can hold, 1970 and before included. Some clients write fractions. */
function timeOf(mtime: unknown): number | undefined {
  if (typeof mtime !== 'number' || !(Math.abs(mtime) <= MAX_TIME)) return undefined
  return Math.floor(mtime) + 0 // never -0
}

/** The value to store for an entry, readable by every Hyperdrive client. */
export function entryValue(entry: DriveEntry): Record<string, unknown> {
  return {
    executable: entry.executable,
    linkname: entry.linkTarget ?? null,
    blob:
      entry.kind === 'link'
        ? null
        : (entry.blob ?? { blockOffset: 0, blockLength: 0, byteOffset: 0, byteLength: 0 }),
    metadata: {
      ...(entry.mtime === undefined ? {} : { mtime: entry.mtime }),
      mode: entry.executable ? 0o755 : 0o644,
    },
  }
}

/** A text that is different for different content. Within one log, content is named by its place. */
export function contentId(entry: DriveEntry): string {
  if (entry.kind === 'link') return `link:${entry.linkTarget}`
  const { blob } = entry
  if (blob === undefined) return 'empty'
  return `${blob.blockMap ? 'map' : 'blob'}:${blob.byteOffset}+${blob.byteLength}`
}

export function parseBlob(value: unknown): BlobRef | undefined {
  if (!isRecord(value)) return undefined
  const { blockOffset, blockLength, byteOffset, byteLength, blockMap } = value
  if (blockMap !== undefined && typeof blockMap !== 'boolean') return undefined
  return blobOf(blockOffset, blockLength, byteOffset, byteLength, blockMap === true)
}

/** The checks of `parseBlob`. */
export function blobOf(
  blockOffset: unknown,
  blockLength: unknown,
  byteOffset: unknown,
  byteLength: unknown,
  blockMap: boolean,
): BlobRef | undefined {
  if (!isCount(blockOffset) || !isCount(blockLength) || !isCount(byteOffset) || !isCount(byteLength))
    return undefined
  if (!Number.isSafeInteger(blockOffset + blockLength) || !Number.isSafeInteger(byteOffset + byteLength))
    return undefined
  if (blockMap) return { blockOffset, blockLength, byteOffset, byteLength, blockMap }
  if (blockLength === 0 ? byteLength !== 0 : byteLength > blockLength * MAX_BLOCK_BYTES) return undefined
  return { blockOffset, blockLength, byteOffset, byteLength }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A whole number from 0 to 2^53 - 1. */
export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isPath(key: unknown): key is DrivePath {
  return typeof key === 'string' && key.length > 1 && key.startsWith('/') && key.length <= MAX_PATH_BYTES
}
