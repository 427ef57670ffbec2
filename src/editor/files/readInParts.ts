/**
 * Reads a whole file part by part. So a file of any size comes in messages of a fixed size, and a cancellation is heard
 * between them.
 */
import type { DrivePath, ShareId } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import type { FileEntry } from '../../common/model'

/** Bytes asked for at a time. */
export const PART = 4 * 1024 * 1024
/** How often a file is read that changes while it is read. */
const ATTEMPTS = 3

export interface PartSource {
  stat(id: ShareId, path: DrivePath): Promise<FileEntry>
  /** Shorter than `length` at the end of the file. */
  range(start: number, length: number): Promise<Uint8Array>
}

/**
 * The bytes of one version of the file, never of two mixed.
 *
 * @throws PeerfoldError `io-failed` when the file changes faster than it can be read; whatever the source throws
 */
export async function readInParts(
  source: PartSource,
  { id, path }: { readonly id: ShareId; readonly path: DrivePath },
): Promise<Uint8Array> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = await source.stat(id, path)
    const parts: Uint8Array[] = []
    for (let start = 0; ; ) {
      const bytes = await source.range(start, PART)
      parts.push(bytes)
      start += bytes.length
      if (bytes.length < PART) break
    }
    const after = await source.stat(id, path)
    if (after.mtime === before.mtime && after.size === before.size) return Buffer.concat(parts)
  }
  throw new PeerfoldError('io-failed', `“${path}” was changed while it was read`)
}
