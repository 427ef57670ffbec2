/**
 * Files that a deduplicating client wrote. Their blob holds no bytes but a map of the blocks that do, and the
 * length in the path log is that of the map. Only the map tells how long such a file is.
 *
 * A map is a few blocks. Each has an unsigned version (0), a count, and for each block of the file its index and
 * its length, all in compact-encoding's variable-length integers.
 */
import c from 'compact-encoding'
import { PeerfoldError } from '../../common/errors'
import { Blocks, type ReadOptions } from './blocks'
import { type DriveEntry, isCount } from './format/entry'
import type { ShareDrive } from './shareDrive'

/** Hyperblobs refuses longer maps; one block describes 8,192 blocks of a file. */
const MAX_MAP_BLOCKS = 64

/** The entry with the real length of the file. Throws `bad-entry` for a malformed map. */
export async function withTrueSize(
  share: ShareDrive,
  entry: DriveEntry,
  options: ReadOptions,
): Promise<DriveEntry> {
  const { blob, path } = entry
  if (blob?.blockMap !== true) return entry
  if (blob.blockLength > MAX_MAP_BLOCKS) throw new PeerfoldError('bad-entry', path)
  const blocks = new Blocks(await share.bytesReady(options.signal), path, options)
  try {
    let size = 0
    for (let at = 0; at < blob.blockLength; at++) {
      size += mappedBytes(await blocks.get(blob.blockOffset + at), path)
    }
    if (!isCount(size)) throw new PeerfoldError('bad-entry', path)
    return { ...entry, size }
  } finally {
    blocks.close()
  }
}

/** The length (bytes) of the part of a file that one block of its map describes. */
function mappedBytes(buffer: Buffer, path: string): number {
  const state = { start: 0, end: buffer.length, buffer }
  try {
    const version = c.uint.decode(state)
    if (version !== 0) throw new PeerfoldError('bad-entry', path)
    let bytes = 0
    for (let left = c.uint.decode(state); left > 0; left--) {
      c.uint.decode(state)
      bytes += c.uint.decode(state)
    }
    return bytes
  } catch {
    throw new PeerfoldError('bad-entry', path) // the map ends too early
  }
}
