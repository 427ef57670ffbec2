/**
 * Shows whether a local file holds what a version of the share held, even when that version's bytes are not here
 * any more. Small files have a hash in their record, taken while they were written. Larger files need none: the log
 * keeps the hash of every fetched block, even of a cleared one, and encrypting the same bytes at the same place
 * gives the same block again.
 */
import { read, readSync } from 'node:fs'
import { promisify } from 'node:util'
import type Hypercore from 'hypercore'
import { hash } from 'hypercore-crypto'
import type { ShareDrive } from '../drive/shareDrive'
import { leafOf, paddingOf, storedBlock } from '../hypercore/leaf'
import type { CopiedFile } from '../store/catalog'

const readAsync = promisify(read)

/** Files up to this size (bytes) have a hash in their record. They come in packs, whose hashes cover many files. */
export const HASHED_BYTES = 64 * 1024
/** `unknown`: nothing that is stored here tells. */
export type Proof = 'same' | 'other' | 'unknown'

/** The content of a file by its record. */
export type Content = Pick<CopiedFile, 'content' | 'hash'>

/** The hash to keep of a written file; undefined for an empty one and for one over `HASHED_BYTES`. */
export function hashToKeep(bytes: Uint8Array): Uint8Array | undefined {
  return bytes.length > 0 && bytes.length <= HASHED_BYTES ? hash(bytes) : undefined
}

/** Whether an open file of `size` bytes holds this content. Asks no peer. */
export async function proveContent(
  share: ShareDrive,
  fd: number,
  size: number,
  { content, hash: known }: Content,
): Promise<Proof> {
  if (content === 'empty') return size === 0 ? 'same' : 'other'
  const place = /^(blob|map):(\d+)\+(\d+)$/.exec(content)
  if (place === null) return 'other' // a link or a folder
  const [, kind, byteOffset, byteLength] = place
  if (kind === 'blob' && size !== Number(byteLength)) return 'other'
  if (known !== undefined)
    return size <= HASHED_BYTES && hash(readAll(fd, size)).equals(known) ? 'same' : 'other'
  if (kind !== 'blob' || share.bytes === undefined) return 'unknown'
  return proveBlocks(share.bytes, fd, size, Number(byteOffset))
}

/** All of an open file of that size. Reads from its start, wherever it was read before. */
export function readAll(fd: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size)
  let done = 0
  for (let got = -1; done < size && got !== 0; done += got) got = readSync(fd, bytes, done, size - done, done)
  return bytes.subarray(0, done)
}

async function proveBlocks(core: Hypercore, fd: number, size: number, byteOffset: number): Promise<Proof> {
  // the tree is not here down to that offset
  const found = await core.seek(byteOffset, { wait: false }).catch(() => null)
  if (found === null || found[1] !== 0) return 'unknown'
  let [block] = found
  for (let position = 0; position < size; block++) {
    const leaf = await leafOf(core, block)
    if (leaf === null) return 'unknown'
    const length = leaf.size - paddingOf(core, block)
    if (length <= 0 || position + length > size) return 'unknown'
    const bytes = Buffer.allocUnsafe(length)
    const { bytesRead } = await readAsync(fd, bytes, 0, length, position)
    if (bytesRead !== length || (await storedBlock(core, block, bytes, leaf)) === undefined) return 'other'
    position += length
  }
  return 'same'
}
