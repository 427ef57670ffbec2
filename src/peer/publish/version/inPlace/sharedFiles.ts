/**
 * Blocks of an own share's large files, which are not in the store: they stay in the shared folder.
 *
 * The newest version tells which file a block is a piece of; the import tells it for files that it imports. Several
 * files can have the same content; each is tried. Every block that is read is compared with its hash in the tree
 * (hypercore/pieces.ts), so nothing but what was published ever leaves, whatever became of a file.
 *
 * A block that no file has any more is not here: its bit is cleared, peers are told, and the folder is looked at again.
 * Blocks that a newer version supersedes are not here either, unless there is a clone of them.
 */
import type Hypercore from 'hypercore'
import type { DrivePath } from '../../../../common/brand'
import { blocksOf, pieceAt } from '../../../drive/format/largeFile'
import type { ShareDrive } from '../../../drive/shareDrive'
import type { Version } from '../../../drive/version'
import type { BlockRun } from '../../../hypercore/blockRuns'
import { clearBlocks } from '../../../hypercore/clearBlocks'
import { leafOf, storedBlock } from '../../../hypercore/leaf'
import { type Outside, type Pieces, piecesIn } from '../../../hypercore/pieces'
import { storeBlocks, unstoreBlocks } from '../../../hypercore/storeBlocks'
import { OpenFiles } from '../../../inPlace/openFiles'
import { throwIfAborted, within } from '../../../time'
import type { Clones } from './clones'
import { LargeFiles, type SharedLargeFile } from './largeFiles'
import { Restless } from './restless'

/** After a start, whoever asks for a block waits this long (milliseconds) for the newest version to be read. */
const LISTED_WITHIN = 10_000

export interface SharedFilesOptions {
  readonly share: ShareDrive
  readonly root: () => string
  /** Files that do not hold any more what was published of them. */
  readonly onLost: (paths: readonly DrivePath[]) => void
  /** Keeps former versions of large files, on disks that make clones. */
  readonly clones?: Clones
  readonly signal: AbortSignal
}

export class SharedFiles implements Outside {
  private readonly files: OpenFiles
  private readonly large = new LargeFiles()
  private readonly importing = new Map<number, SharedLargeFile>()
  private readonly restless = new Restless()
  /** Files of which not all blocks are here. */
  private readonly lostPaths = new Set<DrivePath>()
  /** Files that newer versions do not name, and whose blocks were not cleared yet. */
  private superseded: SharedLargeFile[] = []
  /** Files that came since clones were made last. */
  private uncloned: SharedLargeFile[] = []
  private cloning = Promise.resolve()
  private log: Hypercore | undefined

  constructor(private readonly options: SharedFilesOptions) {
    this.files = new OpenFiles(options.root)
    const { bytes } = options.share
    if (bytes !== undefined) this.serve(bytes)
  }

  /** From now on what the log of bytes does not hold is looked for in the shared folder. */
  serve(log: Hypercore): void {
    const pieces = piecesIn(log)
    if (pieces !== undefined) pieces.outside = this
    if (this.log === log) return
    this.log = log
    log.on('upload', (index: number) => {
      for (const { path } of this.having(index)) this.restless.noteFetched(path)
    })
  }

  /** A file that is being imported, until the version that names it is the newest. */
  add(path: DrivePath, size: number, first: number): void {
    this.importing.set(first, { path, size, first, blocks: blocksOf(size) })
    this.files.reopen(path)
  }

  /** It was not imported after all. */
  remove(first: number): void {
    this.importing.delete(first)
  }

  /** A file whose blocks were published has changed. */
  noteChanged(path: DrivePath): void {
    this.restless.noteChanged(path)
  }

  /** Whether a file changes again and again while others fetch it: only the store can keep a version of it whole. */
  isRestless(path: DrivePath): boolean {
    return this.restless.has(path)
  }

  /** To be called before `isLost`. */
  look(): void {
    const { version } = this.options.share
    if (version !== undefined) this.take(version)
  }

  /** Whether blocks of a file are not here, though it is published. */
  isLost(path: DrivePath): boolean {
    return this.lostPaths.has(path)
  }

  get hasLost(): boolean {
    return this.lostPaths.size > 0
  }

  /** To be called after an import, with the newest version. Clears what that superseded. */
  async published(version: Version): Promise<void> {
    this.importing.clear()
    this.take(version)
    const { log, superseded } = this
    const pieces = log === undefined ? undefined : piecesIn(log)
    if (log === undefined || pieces === undefined) return
    this.superseded = []
    for (const file of superseded) {
      this.files.reopen(file.path)
      const { first } = file
      if (!this.large.hasFirst(first) && !this.options.clones?.has(first))
        await this.clearUnlessStored(log, pieces, file)
    }
    this.cloneSoon()
  }

  /** To be called after blocks were cleared. Removes clones that nobody needs any more. */
  async cleared(): Promise<void> {
    const { log } = this
    if (log === undefined) return
    await this.options.clones?.keepOnly(
      ({ first, blocks }) => this.large.hasFirst(first) || log.core.bitfield.count(first, blocks, true) > 0,
    )
  }

  /** Resolves when no clone is being made; soon, once the share is closing. */
  async settle(): Promise<void> {
    await this.cloning
  }

  /** The import failed: nothing names what it imported. */
  notPublished(): void {
    this.importing.clear()
  }

  /** A file holds all of these blocks, from this one on: they are here again. */
  found(first: number): void {
    for (const { path } of this.having(first)) this.lostPaths.delete(path)
  }

  async *candidates(index: number): AsyncGenerator<Uint8Array> {
    await this.listed()
    for (const { path, size, first } of [...this.having(index)]) {
      const bytes = await this.files.read(path, size, pieceAt(index - first, size))
      if (bytes !== null) yield bytes
    }
    const cloned = await this.options.clones?.read(index)
    if (cloned) yield cloned
  }

  async lost(index: number): Promise<void> {
    const { log, options } = this
    // Before the newest version is known, nothing is known to be lost.
    if (log === undefined || options.share.version === undefined || options.signal.aborted) return
    const files = [...this.having(index)]
    let run: BlockRun = { start: index, end: index + 1 }
    for (const file of files) {
      this.files.reopen(file.path)
      this.lostPaths.add(file.path)
      run = runOf(file, log)
    }
    const clone = options.clones?.having(index)
    if (clone !== undefined) {
      await options.clones?.remove(clone)
      run = runOf(clone, log)
    }
    await clearBlocks(log, [run], options.signal, () => true)
    const importing = new Set([...this.importing.values()].map(({ path }) => path))
    const paths = files.map(({ path }) => path).filter(path => !importing.has(path)) // those are looked at now
    if (paths.length > 0) options.onLost(paths)
  }

  /** Puts all large files of the newest version into the store. Throws as `storeBlocks`. */
  async storeAll(assertRoom: () => void): Promise<void> {
    await this.listed()
    for (const [file, log] of this.each())
      await storeBlocks(log, runOf(file, log), assertRoom, this.options.signal)
  }

  /**
   * Takes bytes out of the store that files hold themselves, as is proven block by block. An earlier program version
   * put them there. Throws PeerfoldError `cancelled`; it can be done again then.
   *
   * @param onFreed told of the bytes of each file
   */
  async giveBack(onFreed: (bytes: number) => void): Promise<void> {
    await this.listed()
    for (const [file, log] of this.each()) {
      throwIfAborted(this.options.signal)
      if ((await piecesIn(log)?.isStored(file.first)) !== true || !(await this.isHeldByFile(file, log)))
        continue
      await unstoreBlocks(log, runOf(file, log))
      onFreed(file.size)
    }
  }

  close(): void {
    this.files.close()
  }

  /** One file of each content. */
  private *each(): Generator<[file: SharedLargeFile, log: Hypercore]> {
    const { log } = this
    if (log === undefined) return
    for (const first of [...this.large.firsts]) {
      const [file] = this.large.having(first)
      if (file !== undefined) yield [file, log]
    }
  }

  private async isHeldByFile({ first, blocks }: SharedLargeFile, log: Hypercore): Promise<boolean> {
    for (let index = first; index < first + blocks; index++) {
      throwIfAborted(this.options.signal)
      const leaf = await leafOf(log, index)
      let isHeld = false
      for await (const bytes of this.candidates(index))
        isHeld ||= leaf !== null && (await storedBlock(log, index, bytes, leaf)) !== undefined
      if (!isHeld) return false
    }
    return true
  }

  private *having(index: number): Generator<SharedLargeFile> {
    for (const file of this.importing.values())
      if (file.first <= index && index < file.first + file.blocks) yield file
    yield* this.large.having(index)
  }

  /** Reads the newest version: after a start it is not known yet what the blocks are pieces of. */
  private async listed(): Promise<void> {
    const { share, signal } = this.options
    if (share.version === undefined) await within(share.refresh(signal), LISTED_WITHIN).catch(() => {})
    this.look()
  }

  private take({ index }: Version): void {
    const { gone, come } = this.large.update(index)
    this.superseded.push(...gone)
    this.uncloned.push(...come)
    for (const { path } of gone) this.lostPaths.delete(path)
    for (const file of come) {
      if (this.isWhole(file)) this.lostPaths.delete(file.path)
      else this.lostPaths.add(file.path)
    }
  }

  private isWhole({ first, blocks }: SharedLargeFile): boolean {
    return this.log?.core.bitfield.count(first, blocks, true) === blocks
  }

  /** Makes clones of the files that came. Nobody waits for it. */
  private cloneSoon(): void {
    const { clones, signal } = this.options
    const files = this.uncloned.filter(({ path }) => !this.restless.has(path))
    this.uncloned = []
    if (clones !== undefined && files.length > 0)
      this.cloning = this.cloning.then(() => clones.make(files, signal))
  }

  /** Bytes of a superseded file that are in the store stay for a while, for those who are fetching them. */
  private async clearUnlessStored(log: Hypercore, pieces: Pieces, file: SharedLargeFile): Promise<void> {
    if (await pieces.isStored(file.first)) return
    await clearBlocks(log, [runOf(file, log)], this.options.signal, () => true)
  }
}

function runOf(
  { first, blocks }: Pick<SharedLargeFile, 'first' | 'blocks'>,
  { length }: Hypercore,
): BlockRun {
  return { start: first, end: Math.min(first + blocks, length) }
}
