/**
 * One entry of a share as Peerfold sees it, and the one door through which entries come in: whatever a drive holds
 * under a path, the result is either a well-formed `DriveEntry` or nothing. Whether the path may become a file is
 * decided later, by receive/paths.ts.
 */
import type { DrivePath } from '../../common/brand'

/** Where a file's bytes are in the log of bytes. Same meaning as a Hyperblobs id. */
export interface BlobRef {
  readonly blockOffset: number
  readonly blockLength: number
  readonly byteOffset: number
  readonly byteLength: number
  /** The blocks hold a map of blocks (written by deduplicating clients), not the bytes. */
  readonly blockMap?: true
}

/** A second place of a small file's bytes: inside a block shared with its neighbours. See drive/listing.ts. */
export interface PackRef {
  readonly block: number
  readonly offset: number
}

export interface DriveEntry {
  readonly path: DrivePath
  readonly kind: 'file' | 'link'
  readonly size: number
  /** Milliseconds since 1970; 0 when the drive does not say. */
  readonly mtime: number
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

/** The entry a drive holds under `key`, or undefined when key or value is not what a drive should hold. */
export function parseEntry(key: unknown, value: unknown): DriveEntry | undefined {
  if (!isPath(key) || !isRecord(value)) return undefined
  const executable = value.executable === true
  const metadata = isRecord(value.metadata) ? value.metadata : undefined
  const mtime = isCount(metadata?.mtime) ? metadata.mtime : 0

  if (value.linkname !== null && value.linkname !== undefined) {
    const target = value.linkname
    if (typeof target !== 'string' || target === '' || target.length > MAX_LINK_TARGET) return undefined
    return { path: key, kind: 'link', size: 0, mtime, executable: false, linkTarget: target }
  }
  if (value.blob === null || value.blob === undefined) {
    return { path: key, kind: 'file', size: 0, mtime, executable }
  }
  const blob = parseBlob(value.blob)
  if (blob === undefined) return undefined
  return {
    path: key,
    kind: 'file',
    size: blob.byteLength,
    mtime,
    executable,
    ...(blob.byteLength > 0 ? { blob } : {}),
  }
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
    metadata: { mtime: entry.mtime, mode: entry.executable ? 0o755 : 0o644 },
  }
}

/** Text that differs when the content differs: within one log, bytes are named by where they are. */
export function contentId(entry: DriveEntry): string {
  if (entry.kind === 'link') return `link:${entry.linkTarget}`
  const { blob } = entry
  if (blob === undefined) return 'empty'
  return `${blob.blockMap ? 'map' : 'blob'}:${blob.byteOffset}+${blob.byteLength}`
}

export function parseBlob(value: unknown): BlobRef | undefined {
  if (!isRecord(value)) return undefined
  const { blockOffset, blockLength, byteOffset, byteLength, blockMap } = value
  if (!isCount(blockOffset) || !isCount(blockLength) || !isCount(byteOffset) || !isCount(byteLength))
    return undefined
  if (!Number.isSafeInteger(blockOffset + blockLength) || !Number.isSafeInteger(byteOffset + byteLength))
    return undefined
  if (blockMap !== undefined && typeof blockMap !== 'boolean') return undefined
  if (blockMap === true) return { blockOffset, blockLength, byteOffset, byteLength, blockMap }
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
