/**
 * Appends blocks to the log of bytes in large batches across files: some batches are written while the next is read,
 * so memory stays bounded however large the folder is. Where each block will lie is known as soon as it is added.
 */
import type Hypercore from 'hypercore'
import type { BlobRef } from '../drive/entry'

/** More brings no speed, and every batch is in memory three times: as read, encrypted, and in the database. */
const BATCH_BYTES = 2 * 1024 * 1024
const BATCH_BLOCKS = 2_048
/** So many batches may wait for the disk before reading does. */
const BATCHES_BEHIND = 2

export class BlockAppender {
  private batch: Uint8Array[] = []
  private batchBytes = 0
  /** Batches on their way into the log, the oldest first. */
  private readonly writing: Promise<void>[] = []
  private nextBlock: number
  private nextByte: number
  /** Length of the log once everything that is being written is in it. */
  private end: number

  /** The log must be opened, and nobody else may append to it until `flush()` has resolved. */
  constructor(private readonly core: Hypercore) {
    this.nextBlock = core.length
    this.nextByte = core.byteLength
    this.end = core.length
  }

  /** Where the next block will lie. */
  get position(): Pick<BlobRef, 'blockOffset' | 'byteOffset'> {
    return { blockOffset: this.nextBlock, byteOffset: this.nextByte }
  }

  /** Adds one block (at most 15 MiB) and answers its index. The bytes must not be changed afterwards. */
  add(block: Uint8Array): number {
    this.batch.push(block)
    this.batchBytes += block.byteLength
    this.nextByte += block.byteLength
    return this.nextBlock++
  }

  get full(): boolean {
    return this.batchBytes >= BATCH_BYTES || this.batch.length >= BATCH_BLOCKS
  }

  /** Starts writing what was added, once there is room for another batch on its way. */
  async write(): Promise<void> {
    if (this.batch.length === 0) return
    const batch = this.batch
    this.batch = []
    this.batchBytes = 0
    while (this.writing.length >= BATCHES_BEHIND) await this.oldest()
    this.end += batch.length
    const writing = this.append(batch, this.end)
    writing.catch(() => {}) // rejects again at a later write or flush
    this.writing.push(writing)
  }

  /** Resolves when no append is under way any more, however it ended. After a failure, before the log is let go. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.writing) // whoever wrote was told
  }

  /** Resolves when everything added is in the log. */
  async flush(): Promise<void> {
    await this.write()
    while (this.writing.length > 0) await this.oldest()
  }

  /** Stays the oldest when it fails, so that whoever writes or flushes next is told as well. */
  private async oldest(): Promise<void> {
    await this.writing[0]
    this.writing.shift()
  }

  /** Where blocks lie was told before they were written: had anybody else appended, every file would be another's. */
  private async append(batch: readonly Uint8Array[], end: number): Promise<void> {
    const { length } = await this.core.append(batch)
    if (length !== end)
      throw new Error(`the log has ${length} blocks instead of ${end}: somebody else appended`)
  }
}
