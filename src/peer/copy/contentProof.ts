/**
 * Shows whether a local file holds what a version of the share held, also when that version's bytes are not here any
 * more. Small files have a hash in their record, taken while they were written. Larger ones cost nothing then: the log
 * keeps the hash of every block that was fetched, also after the block was cleared, and encryption gives the same block
 * again for the same bytes at the same place.
 */
import { read, readSync } from 'node:fs'
import { promisify } from 'node:util'
import type Hypercore from 'hypercore'
import { hash, data as hashOfBlock } from 'hypercore-crypto'
import type { ShareDrive } from '../drive/shareDrive'
import type { CopiedFile } from '../store/catalog'

const readAsync = promisify(read)

/** Files up to this size (bytes) have their hash in their record: they come in packs, whose hashes cover many files. */
export const HASHED_BYTES = 64 * 1024
/** A block can have been encrypted before its log was cut off, under each of its numbers so far. */
const MAX_FORKS = 4

/** `unknown`: nothing that is here tells. */
export type Proof = 'same' | 'other' | 'unknown'

/** What a file held, as a record says. */
export type Content = Pick<CopiedFile, 'content' | 'hash'>

/** The hash to keep of a file that is written, undefined for one that has none. */
export function hashToKeep(bytes: Uint8Array): Uint8Array | undefined {
  return bytes.length > 0 && bytes.length <= HASHED_BYTES ? hash(bytes) : undefined
}

/** Whether an open file of `size` bytes holds this content. Asks nobody else. */
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

/** All of an open file of that size, from its start wherever it was read before. */
export function readAll(fd: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size)
  let done = 0
  for (let got = -1; done < size && got !== 0; done += got) got = readSync(fd, bytes, done, size - done, done)
  return bytes.subarray(0, done)
}

async function proveBlocks(core: Hypercore, fd: number, size: number, byteOffset: number): Promise<Proof> {
  const found = await core.seek(byteOffset, { wait: false }).catch(() => null) // the tree is not here so far down
  if (found === null || found[1] !== 0) return 'unknown'
  let [block] = found
  for (let position = 0; position < size; block++) {
    const leaf = await leafOf(core, block)
    if (leaf === null) return 'unknown'
    const padding = core.encryption?.padding(core.core, block) ?? 0
    const length = leaf.size - padding
    if (length <= 0 || position + length > size) return 'unknown'
    const bytes = Buffer.allocUnsafe(length)
    const { bytesRead } = await readAsync(fd, bytes, 0, length, position)
    if (bytesRead !== length || !(await isBlock(core, block, bytes, padding, leaf.hash))) return 'other'
    position += length
  }
  return 'same'
}

async function leafOf({ core }: Hypercore, block: number): Promise<{ size: number; hash: Buffer } | null> {
  const reading = core.state.storage.read()
  const leaf = reading.getTreeNode(2 * block)
  reading.tryFlush()
  return leaf
}

async function isBlock(
  core: Hypercore,
  index: number,
  bytes: Buffer,
  padding: number,
  leaf: Buffer,
): Promise<boolean> {
  const { encryption, fork } = core
  if (encryption === null) return hashOfBlock(bytes).equals(leaf)
  const stored = Buffer.allocUnsafe(padding + bytes.length)
  for (let tried = fork; tried >= Math.max(0, fork - MAX_FORKS); tried--) {
    stored.set(bytes, padding)
    await encryption.encrypt(index, stored, tried, core.core)
    if (hashOfBlock(stored).equals(leaf)) return true
  }
  return false
}
