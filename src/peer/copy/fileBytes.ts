/**
 * The bytes of a copy's files: from a peer, from the store, or from a local file that holds some of them. The
 * blocks of a large file are then kept in the copy alone (inPlace/copiedFiles.ts).
 */

import { isOther } from '../drive/absentBytes'
import { withTrueSize } from '../drive/blockMap'
import type { ReadOptions } from '../drive/blocks'
import type { DriveEntry } from '../drive/format/entry'
import { readBlocks, readMapped, readWhole } from '../drive/read'
import type { ShareDrive } from '../drive/shareDrive'
import { Decrypter } from '../hypercore/decrypter'
import type { CopiedFiles } from '../inPlace/copiedFiles'
import type { IncomingFile } from '../inPlace/incomingFile'
import type { Taking } from './former/blocksHere'
import type { FormerSearch } from './former/formerSearch'
import { type PlannedFile, pathOf } from './planned'

export interface FileBytesOptions {
  readonly share: ShareDrive
  /** Absolute. */
  readonly folder: string
  readonly copied: CopiedFiles | undefined
  /** Files up to this size (bytes) stay in the store even when the copy holds them. */
  readonly storedUpTo: number
  readonly read: ReadOptions & { readonly signal: AbortSignal }
  readonly former: FormerSearch
}

export class FileBytes {
  constructor(private readonly options: FileBytesOptions) {}

  async withTrueSize(file: PlannedFile): Promise<PlannedFile> {
    const { share } = this.options
    const entry = await withTrueSize(share, file.entry, this.readOf(file.entry))
    if (entry === file.entry) return file
    const sameSize = file.precondition !== 'absent' && file.precondition.size === entry.size
    return { ...file, entry, compare: file.conflict && sameSize }
  }

  /**
   * For a file that is about to be written. Undefined where its blocks stay in the store.
   * @param temporary its name, in the folder of the file
   */
  async begin(
    { entry }: PlannedFile,
    segments: readonly string[],
    temporary?: string,
  ): Promise<IncomingFile | undefined> {
    const { copied, folder, storedUpTo } = this.options
    if (entry.size <= storedUpTo) return undefined
    const beside = temporary === undefined ? undefined : pathOf([...segments.slice(0, -1), temporary])
    return copied?.begin(entry, folder, pathOf(segments), beside)
  }

  /** Finds which parts of the content are on this machine already. */
  find(file: PlannedFile, incoming?: IncomingFile, onHere?: Taking['onHere']): Promise<void> {
    return this.options.former.find(file, this.readOf(file.entry, incoming), {
      ...(incoming === undefined ? {} : { onComing: (index: number) => incoming.expects(index) }),
      ...(onHere === undefined ? {} : { onHere }),
    })
  }

  /** All of a small file. */
  async whole(file: PlannedFile, incoming?: IncomingFile): Promise<Buffer> {
    await this.find(file, incoming)
    return readWhole(this.options.share, file.entry, this.readOf(file.entry, incoming))
  }

  /**
   * The blocks of a file. Each one's memory is valid until the next is asked for.
   * @param block the first, counted from the file's own first block
   * @param position where that block begins in the file
   */
  async *blocks(
    { entry }: PlannedFile,
    block = 0,
    position = 0,
    incoming?: IncomingFile,
    isLeftOut?: (block: number) => boolean,
  ): AsyncGenerator<Buffer> {
    const { share } = this.options
    const read = this.readOf(entry, incoming)
    if (entry.blob?.blockMap) return yield* readMapped(share, entry, position, entry.size - position, read)
    const core = await share.bytesReady(read.signal)
    yield* readBlocks(core, entry, block, read, Decrypter.of(core), isLeftOut)
  }

  /** Superseded content that is gone is not waited for. Blocks that go into a file need no room in the store. */
  readOf(entry: DriveEntry, incoming?: IncomingFile): ReadOptions & { readonly signal: AbortSignal } {
    const { assertRoom = () => {}, ...read } = this.options.read
    const isSuperseded = () => isOther(this.options.share, entry)
    if (incoming === undefined) return { ...read, assertRoom, isSuperseded }
    return { ...read, isSuperseded, onAsk: index => incoming.expects(index) }
  }
}
