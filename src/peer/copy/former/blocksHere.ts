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
import { leafOf, paddingOf, storedBlock } from '../../hypercore/leaf'
import { within } from '../../time'
import type { Proof } from '../contentProof'
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

type Reading = ReadOptions & { readonly signal: AbortSignal }

/** What becomes of blocks that are found. Each is named by its number in the log. */
export interface Taking {
  /** A piece is about to become a block, if it is one. */
  readonly onComing?: (index: number) => void
  /** It is here, and what it says, which begins at `position` in the file. */
  readonly onHere?: (index: number, position: number, bytes: Buffer) => Promise<void>
}

/** Whether it is worth to look for pieces of a file. */
export function isWorthLooking({ blob, pack }: DriveEntry): boolean {
  if (blob === undefined || pack !== undefined || blob.blockMap) return false
  return blob.byteLength >= LEAST && blob.blockLength > 1
}

/**
 * Looks for blocks of a file in a local one. Throws as `readBlocks`, what the store says, and what `onHere` throws.
 *
 * @param entry for which `isWorthLooking`
 * @param taking.onFound told of the bytes of each block that is here now, as it is stored
 * @returns whether any was found
 */
export async function findInFormer(
  log: Hypercore,
  entry: DriveEntry,
  former: FormerFile,
  options: Reading,
  taking: Taking & { readonly onFound: (bytes: number) => void },
): Promise<boolean> {
  const blocks = await evenBlocks(log, entry, options)
  if (blocks === undefined || former.size === 0) return false
  if (log.core.bitfield.count(blocks.blob.blockOffset, blocks.blob.blockLength, false) === 0) return false
  return findBlocks(new BlocksInFile(log, entry, blocks, former, options, taking))
}

/** Whether a local file holds all of an entry's content. Asks for the hashes that are not here, and for no block. */
export async function proveByHashes(
  log: Hypercore,
  entry: DriveEntry,
  former: FormerFile,
  options: Reading,
): Promise<Proof> {
  const blocks = await evenBlocks(log, entry, options)
  if (blocks === undefined) return 'unknown'
  const { blob, blockBytes } = blocks
  if (former.size !== blob.byteLength) return 'other'
  const indexes = Array.from({ length: blob.blockLength }, (_, block) => blob.blockOffset + block)
  if (!(await askForHashes(log, indexes, options.signal))) return 'unknown'
  for (const [block, index] of indexes.entries()) {
    const leaf = await leafOf(log, index)
    if (leaf === null) return 'unknown'
    const bytes = Buffer.allocUnsafe(Math.min(blockBytes, blob.byteLength - block * blockBytes))
    if (!(await former.read(block * blockBytes, bytes))) return 'other'
    if ((await storedBlock(log, index, bytes, leaf)) === undefined) return 'other'
  }
  return 'same'
}

/** The blocks of a file that are all of one length, but for the last. */
interface EvenBlocks {
  readonly blob: BlobRef
  readonly blockBytes: number
}

/** Undefined for blocks of any length, as other clients may cut a file into: where one lies is not known then. */
async function evenBlocks(
  log: Hypercore,
  { blob }: DriveEntry,
  { signal }: Reading,
): Promise<EvenBlocks | undefined> {
  if (blob === undefined) return undefined
  const { blockOffset, blockLength, byteLength } = blob
  const end = blockOffset + blockLength
  if (isBeyond(log, end - 1)) return undefined
  if (log.length < end) await within(log.update({ wait: true }), KNOWN_WITHIN)
  if (log.length < end || !(await askForHashes(log, [blockOffset], signal))) return undefined
  const first = await leafOf(log, blockOffset)
  const blockBytes = first === null ? 0 : first.size - paddingOf(log, blockOffset)
  if (blockBytes < LEAST_BLOCK) return undefined
  const isEven = blockBytes * (blockLength - 1) < byteLength && byteLength <= blockBytes * blockLength
  return isEven ? { blob, blockBytes } : undefined
}

class BlocksInFile implements Comparing {
  readonly blocks: number
  readonly drift: number
  private readonly blob: BlobRef
  /** Somebody did not answer. What is known of the tree by then is enough to go on with. */
  private isSilent = false

  constructor(
    private readonly log: Hypercore,
    private readonly entry: DriveEntry,
    private readonly even: EvenBlocks,
    private readonly former: FormerFile,
    private readonly options: Reading,
    private readonly taking: Taking & { readonly onFound: (bytes: number) => void },
  ) {
    this.blob = even.blob
    this.blocks = this.blob.blockLength
    this.drift = former.size - this.blob.byteLength
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
    const { log, blob, former, taking } = this
    const index = blob.blockOffset + block
    const position = this.positionOf(block)
    const length = this.lengthOf(block)
    if (!former.has(position + shift, length)) return false
    const leaf = await leafOf(log, index)
    const found = leaf === null ? undefined : roomFor(log, index, leaf, length)
    if (found === undefined || !(await former.read(position + shift, found.bytes))) return false
    this.options.assertRoom?.()
    if (this.isHere(block)) return false
    const isNeeded = taking.onHere !== undefined && log.encryption !== null
    const bytes = isNeeded ? Buffer.from(found.bytes) : found.bytes // which are encrypted where they are
    taking.onComing?.(index)
    if (!(await addFoundBlock(log, found))) return false
    taking.onFound(found.stored.length)
    await taking.onHere?.(index, position, bytes)
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
    return block * this.even.blockBytes
  }

  private lengthOf(block: number): number {
    return Math.min(this.even.blockBytes, this.blob.byteLength - this.positionOf(block))
  }
}
