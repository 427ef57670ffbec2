/**
 * What of a file's new content is on this machine already, in a former state of the file. The publisher appends a changed
 * file as new blocks; most of these say what blocks of the former state said, and their hashes tell which. They are taken
 * from the local file, and are a part of the log from then on as if a peer had sent them: only the others are fetched.
 *
 * Nothing is believed. A piece is read once, encrypted as its block would be, and becomes that block when it has the
 * hash that the log's writer signed; what the local file holds by then does not matter any more.
 */
import type Hypercore from 'hypercore'
import type { ReadOptions } from '../../drive/blocks'
import type { BlobRef, DriveEntry } from '../../drive/format/entry'
import { readBlocks } from '../../drive/read'
import { isBeyond } from '../../drive/whoHas'
import { askForHashes } from '../../hypercore/askHashes'
import { addFoundBlock, roomFor } from '../../hypercore/foundBlock'
import { leafOf, paddingOf } from '../../hypercore/leaf'
import { within } from '../../time'
import { type Comparing, findBlocks } from './findBlocks'
import type { FormerFile } from './formerFile'

/** Shorter content (bytes) is fetched before the questions were answered. */
const LEAST = 2 * 1024 * 1024
/** Of shorter blocks (bytes) the questions would cost as much as the blocks. */
const LEAST_BLOCK = 16 * 1024
/** Milliseconds that are waited for the log to be known as far as the content goes. */
const KNOWN_WITHIN = 3_000
/** Bytes that a block is searched by, and how many different ones they must have: zeros are everywhere. */
const SEARCHED_BY = 48
const LEAST_DIFFERENT = 12

/** Whether it is worth to look for pieces of a file. */
export function isWorthLooking({ blob, pack }: DriveEntry): boolean {
  if (blob === undefined || pack !== undefined || blob.blockMap) return false
  return blob.byteLength >= LEAST && blob.blockLength > 1
}

/**
 * Looks for blocks of a file in a local one. Throws as `readBlocks`, and what the store says.
 *
 * @param entry for which `isWorthLooking`
 * @param onFound told of the bytes of each block that is here now
 * @returns whether any was found
 */
export async function findInFormer(
  log: Hypercore,
  entry: DriveEntry,
  former: FormerFile,
  options: ReadOptions & { readonly signal: AbortSignal },
  onFound: (bytes: number) => void,
): Promise<boolean> {
  const { blob } = entry
  if (blob === undefined || former.size === 0) return false
  const end = blob.blockOffset + blob.blockLength
  if (isBeyond(log, end - 1)) return false
  if (log.length < end) await within(log.update({ wait: true }), KNOWN_WITHIN)
  if (log.length < end || log.core.bitfield.count(blob.blockOffset, blob.blockLength, false) === 0)
    return false
  if (!(await askForHashes(log, [blob.blockOffset], options.signal))) return false
  const first = await leafOf(log, blob.blockOffset)
  const blockBytes = first === null ? 0 : first.size - paddingOf(log, blob.blockOffset)
  if (blockBytes < LEAST_BLOCK) return false
  // Other clients may cut a file into blocks of any length: where one lies is not known then.
  if (
    blockBytes * (blob.blockLength - 1) >= blob.byteLength ||
    blockBytes * blob.blockLength < blob.byteLength
  )
    return false
  return findBlocks(new BlocksInFile(log, entry, blob, blockBytes, former, options, onFound))
}

class BlocksInFile implements Comparing {
  readonly blocks: number
  readonly drift: number
  /** Somebody did not answer. What is known of the tree by then is enough to go on with. */
  private isSilent = false

  constructor(
    private readonly log: Hypercore,
    private readonly entry: DriveEntry,
    private readonly blob: BlobRef,
    private readonly blockBytes: number,
    private readonly former: FormerFile,
    private readonly options: ReadOptions & { readonly signal: AbortSignal },
    private readonly onFound: (bytes: number) => void,
  ) {
    this.blocks = blob.blockLength
    this.drift = former.size - blob.byteLength
  }

  isHere(block: number): boolean {
    return this.log.core.bitfield.get(this.blob.blockOffset + block)
  }

  async prepare(blocks: readonly number[]): Promise<void> {
    const { log, blob, options } = this
    if (this.isSilent) return
    const indexes = blocks.map(block => blob.blockOffset + block)
    this.isSilent = !(await askForHashes(log, indexes, options.signal))
  }

  async isPiece(block: number, shift: number): Promise<boolean> {
    const { log, blob, former } = this
    const index = blob.blockOffset + block
    const position = this.positionOf(block) + shift
    const length = this.lengthOf(block)
    if (!former.has(position, length)) return false
    const leaf = await leafOf(log, index)
    const found = leaf === null ? undefined : roomFor(log, index, leaf, length)
    if (found === undefined || !(await former.read(position, found.bytes))) return false
    this.options.assertRoom?.()
    if (this.isHere(block) || !(await addFoundBlock(log, found))) return false
    this.onFound(length)
    return true
  }

  async locate(block: number, shift: number): Promise<number | undefined> {
    const bytes = await this.fetch(block)
    const position = this.positionOf(block)
    for (const start of [bytes.length - SEARCHED_BY, 0]) {
      const part = bytes.subarray(Math.max(0, start), start + SEARCHED_BY)
      if (new Set(part).size < LEAST_DIFFERENT) continue
      const at = await this.former.find(part, position + start + shift)
      if (at !== undefined) return at - position - start
    }
    return undefined
  }

  private async fetch(block: number): Promise<Buffer> {
    const blockOffset = this.blob.blockOffset + block
    const one = { ...this.blob, blockOffset, blockLength: 1, byteLength: this.lengthOf(block) }
    const urgent = { ...this.options, isPatient: false }
    for await (const bytes of readBlocks(this.log, { ...this.entry, blob: one }, 0, urgent)) return bytes
    throw new Error('unreachable: one block is asked for')
  }

  private positionOf(block: number): number {
    return block * this.blockBytes
  }

  private lengthOf(block: number): number {
    return Math.min(this.blockBytes, this.blob.byteLength - this.positionOf(block))
  }
}
