/**
 * Finds the parts of a file's new content that are on this machine already, in an earlier state of the file. The
 * publisher appends a changed file as new blocks. Most of them hold the same bytes as blocks of the earlier state,
 * and their hashes tell which. These are taken from the local file, and are then part of the log as if a peer had
 * sent them. Only the others are fetched.
 *
 * Nothing is believed. A piece is read once, encrypted as its block would be, and accepted only when it has the
 * hash that the log's writer signed. Later changes of the local file do not matter.
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

/** Shorter content (bytes) is fetched sooner than the hashes could be asked for. */
const LEAST = 2 * 1024 * 1024
/** For shorter blocks (bytes), asking for hashes would cost as much as the blocks. */
const LEAST_BLOCK = 16 * 1024
/** How long to wait (milliseconds) until the log is known as far as the content reaches. */
const KNOWN_WITHIN = 3_000
/**
 * How many bytes of a block are searched for, and how many different values they must have: runs of zeros are
 * everywhere.
 */
const SEARCHED_BY = 48
const LEAST_DIFFERENT = 12

type Reading = ReadOptions & { readonly signal: AbortSignal }

/** Callbacks for found blocks. Each block is named by its number in the log. */
export interface Taking {
  /** A piece of the local file is about to be added as this block, if its hash is right. */
  readonly onComing?: (index: number) => void
  /** The block is here. `bytes` is its content, which begins at `position` in the file. */
  readonly onHere?: (index: number, position: number, bytes: Buffer) => Promise<void>
}

/** Whether looking for pieces of a file is worth the effort. */
export function isWorthLooking({ blob, pack }: DriveEntry): boolean {
  if (blob === undefined || pack !== undefined || blob.blockMap) return false
  return blob.byteLength >= LEAST && blob.blockLength > 1
}

/**
 * Looks for blocks of a file in a local one. Throws as `readBlocks`, errors of the store, and what `onHere` throws.
 *
 * @param entry for which `isWorthLooking`
 * @param taking.onFound told the stored length (bytes) of each block that is here now
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

/** Whether a local file holds all of an entry's content. Asks for missing hashes, and for no block. */
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

/** A file whose blocks all have one length, except the last. */
interface EvenBlocks {
  readonly blob: BlobRef
  readonly blockBytes: number
}

/** Undefined where blocks have different lengths, as other clients may cut them: positions are unknown then. */
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
  /** A peer did not answer. The hashes that are known by then are used. */
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
    const bytes = isNeeded ? Buffer.from(found.bytes) : found.bytes // `addFoundBlock` encrypts them in place
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
