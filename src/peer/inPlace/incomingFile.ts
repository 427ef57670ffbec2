/** One large file of a copy while it is written: which of its blocks are asked for, have come, and are in it. */
import type Hypercore from 'hypercore'
import { pieceAt } from '../drive/format/largeFile'
import { paddingOf } from '../hypercore/leaf'
import { storeBlock } from '../hypercore/storeBlocks'
import type { BlockHolder } from './blockHolders'
import type { IncomingBlocks } from './incomingBlocks'

/** The part of `CopiedFiles` that a file needs. */
interface Files {
  readonly incoming: IncomingBlocks
  placed(holder: BlockHolder, isNew: boolean): Promise<void>
  /** The record of a file that is being written changed. */
  noted(holder: BlockHolder): Promise<void>
  drop(holder: BlockHolder): Promise<void>
  ended(file: IncomingFile): void
  stored(bytes: number): void
}

export class IncomingFile {
  /** Blocks that were asked for and are not in the file. */
  private readonly expected = new Set<number>()
  /** How many blocks went into the file without being stored. */
  private taken = 0
  private isPlaced = false
  private hasEnded = false

  constructor(
    public holder: BlockHolder,
    private readonly log: Hypercore,
    private readonly files: Files,
  ) {}

  /** A block is about to be asked of peers. */
  expects(index: number): void {
    const { first, file } = this.holder
    if (this.hasEnded || this.expected.has(index) || index < first || index >= first + file.blocks) return
    this.expected.add(index)
    const { length } = pieceAt(index - first, file.size)
    this.files.incoming.expect(index, paddingOf(this.log, index) + length)
  }

  /** From now on blocks are written in any order, so the length of the temporary tells nothing. */
  async scatter(): Promise<void> {
    if (this.holder.file.scattered || this.hasEnded) return
    this.holder = { ...this.holder, file: { ...this.holder.file, scattered: true } }
    await this.files.noted(this.holder)
  }

  /**
   * The bytes of a block are in the temporary. A block at a position where reads do not look for it goes to the
   * store.
   */
  async written(index: number, position: number): Promise<void> {
    const isInPlace = position === pieceAt(index - this.holder.first, this.holder.file.size).position
    await this.letGo(index, isInPlace)
  }

  /** The file has its name, with all of its bytes. @param path inside the folder, beginning with '/' */
  async placed(path: string): Promise<void> {
    if (this.hasEnded) return
    const {
      first,
      file: { temporary: _temporary, begun: _begun, scattered: _scattered, ...file },
    } = this.holder
    this.isPlaced = true
    for (const index of [...this.expected]) await this.letGo(index, true)
    await this.files.placed({ first, file: { ...file, path } }, this.taken === file.blocks)
    if (path !== this.holder.file.path) await this.files.drop(this.holder)
  }

  /**
   * Ends the writing. Blocks that have come and are not in the file go to the store.
   *
   * @param how `goes-on`: the temporary stays, and a later run continues it
   */
  async end(how: 'goes-on' | 'over' = 'over'): Promise<void> {
    if (this.hasEnded) return
    this.hasEnded = true
    this.files.ended(this)
    for (const index of [...this.expected]) await this.letGo(index, false)
    if (!this.isPlaced && how === 'over') await this.files.drop(this.holder)
  }

  private async letGo(index: number, isInFile: boolean): Promise<void> {
    if (!this.expected.delete(index)) return
    const { incoming } = this.files
    const isWanted = incoming.forget(index)
    const block = incoming.get(index)
    if (block === undefined) return
    if (isInFile) this.taken++
    else if (isWanted) return
    else {
      await storeBlock(this.log, index, block)
      this.files.stored(block.length)
    }
    incoming.release(index)
  }
}
