/**
 * Appends blocks to the log of bytes in large batches across files: some batches are written while the next is read,
 * so memory stays bounded however large the folder is. Where each block will lie is known as soon as it is added.
 *
 * So a batch can be encrypted while the one before it is being written. Hypercore would encrypt it only in its turn,
 * while the database has nothing to do: a private share would take an eighth longer than a public one.
 */
import b4a from 'b4a'
import type Hypercore from 'hypercore'
import type { BlobRef } from '../../drive/format/entry'
import { type Kept, type Piece, piecesIn } from '../../hypercore/pieces'

/** More brings no speed, and every batch is in memory up to three times: as read, encrypted, and in the database. */
const BATCH_BYTES = 2 * 1024 * 1024
const BATCH_BLOCKS = 2_048
/** This many batches may wait for the disk before reading does. */
const BATCHES_BEHIND = 2

/** Bytes in front of a block with which it can be encrypted in place. */
export const PREFIX_BYTES = 8

interface Block {
  readonly bytes: Uint8Array
  readonly prefix: number
}

export class BlockAppender {
  private batch: Block[] = []
  private batchBytes = 0
  /** How blocks are kept once the batch is written, by their index. */
  private pieces = new Map<number, Piece | 'outside'>()
  /** Batches on their way into the log, the oldest first. */
  private readonly writing: Promise<void>[] = []
  private nextBlock: number
  private nextByte: number
  /** Length of the log once everything that is being written is in it. */
  private end: number
  private readonly encryption: Hypercore.Encryption | null
  /** A session of the same log that takes blocks as they are, encrypted already. */
  private readonly encrypted: Hypercore
  private readonly ready: Promise<void>

  /** The log must be opened, and nobody else may append to it until this is closed. */
  constructor(core: Hypercore) {
    this.nextBlock = core.length
    this.nextByte = core.byteLength
    this.end = core.length
    this.encryption = core.encryption
    this.encrypted = core.session()
    this.ready = this.encrypted.setEncryption(null)
    this.ready.catch(() => {}) // rejects again when something is written
  }

  /** Where the next block will lie. */
  get position(): Pick<BlobRef, 'blockOffset' | 'byteOffset'> {
    return { blockOffset: this.nextBlock, byteOffset: this.nextByte }
  }

  /**
   * Adds one block (at most 15 MiB) and answers its index. The bytes must not be changed afterwards.
   *
   * @param prefix bytes of memory in front of them that are free to use. With enough of them, the block is encrypted in
   *   place and may not be read afterwards either.
   */
  add(bytes: Uint8Array, prefix = 0): number {
    this.batch.push({ bytes, prefix })
    this.batchBytes += bytes.byteLength
    this.nextByte += bytes.byteLength
    return this.nextBlock++
  }

  /**
   * From the next batch on, this block is kept as a piece of another one. Both were added here or are in the log. A log
   * that keeps no pieces is not changed.
   */
  keepAsPiece(index: number, piece: Piece): void {
    this.pieces.set(index, piece)
  }

  /** Keeps this block, which was just added, out of the database: it can be had where it was read. */
  leaveOutside(index: number): void {
    this.pieces.set(index, 'outside')
  }

  get full(): boolean {
    return this.batchBytes >= BATCH_BYTES || this.batch.length >= BATCH_BLOCKS
  }

  /** Starts writing what was added, once there is room for another batch on its way. */
  async write(): Promise<void> {
    if (this.batch.length === 0) return
    const { batch, pieces } = this
    this.batch = []
    this.batchBytes = 0
    this.pieces = new Map()
    await this.ready
    const blocks = await this.encrypt(batch, this.end)
    while (this.writing.length >= BATCHES_BEHIND) await this.oldest()
    this.end += blocks.length
    const writing = this.append(blocks, this.end, pieces)
    writing.catch(() => {}) // rejects again at a later write or flush
    this.writing.push(writing)
  }

  /** Resolves when no append is under way any more, however it ended. To be awaited after a failure. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.writing) // whoever wrote was told
  }

  /** Settles; nothing can be added any more. */
  async close(): Promise<void> {
    await this.settle()
    await this.encrypted.close().catch(() => {}) // the log was closed before
  }

  /** Resolves when everything added is in the log. */
  async flush(): Promise<void> {
    await this.write()
    while (this.writing.length > 0) await this.oldest()
  }

  /** Waits for the oldest batch. One that failed stays the oldest, so the next write or flush throws as well. */
  private async oldest(): Promise<void> {
    await this.writing[0]
    void this.writing.shift()
  }

  /** Encrypts blocks as Hypercore would. @param first index of the first block */
  private async encrypt(batch: readonly Block[], first: number): Promise<readonly Uint8Array[]> {
    const { encryption, encrypted } = this
    if (encryption === null) return batch.map(({ bytes }) => bytes)
    const padding = encryption.padding(encrypted.core, first)
    const blocks: Uint8Array[] = []
    for (const { bytes, prefix } of batch) {
      const block = prefix < padding ? copyBehind(padding, bytes) : withPrefix(padding, bytes)
      await encryption.encrypt(first + blocks.length, block, encrypted.fork, encrypted.core)
      blocks.push(block)
    }
    return blocks
  }

  /**
   * Throws when anybody else appended: the places of the blocks were told before, and would be those of other blocks.
   */
  private async append(blocks: readonly Uint8Array[], end: number, pieces: Kept): Promise<void> {
    const append = () => this.encrypted.append(blocks)
    const kept = piecesIn(this.encrypted)
    const appended = kept?.appending(end - blocks.length, end, pieces, append) ?? append()
    const { length } = await appended
    if (length !== end)
      throw new Error(`the log has ${length} blocks instead of ${end}: somebody else appended`)
  }
}

function copyBehind(padding: number, bytes: Uint8Array): Uint8Array {
  const block = b4a.allocUnsafe(padding + bytes.byteLength)
  block.set(bytes, padding)
  return block
}

function withPrefix(padding: number, { buffer, byteOffset, byteLength }: Uint8Array): Uint8Array {
  return Buffer.from(buffer, byteOffset - padding, padding + byteLength)
}
