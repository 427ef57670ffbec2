/**
 * Blocks of an opened share's large files that copies hold. They lie in the file alone, and are served from there.
 * The catalog notes which file will hold which blocks before the first of them comes. Every read compares the block
 * with its hash in the tree (hypercore/pieces.ts), so a changed file never sends out anything but the share's
 * content.
 *
 * A block that nothing holds any more is cleared: its bit goes, peers are told, and whoever needs it here fetches
 * it again. When the file comes back, its hashes prove it, and the bits are set again. A kill while a file is being
 * written may lose blocks that had come. When the log is opened again, the length of the temporary tells how many
 * are there.
 */
import type Hypercore from 'hypercore'
import type { DriveEntry } from '../drive/format/entry'
import { isLarge } from '../drive/format/largeFile'
import type { ShareDrive } from '../drive/shareDrive'
import { type Outside, piecesIn } from '../hypercore/pieces'
import { bootId } from '../store/boot'
import type { Catalog } from '../store/catalog'
import type { BlockHolder } from './blockHolders'
import { BlocksInFiles } from './blocksInFiles'
import { FilesOnDisk } from './filesOnDisk'
import { HolderRecords } from './holderRecords'
import { IncomingBlocks } from './incomingBlocks'
import { IncomingFile } from './incomingFile'
import { LostBlocks } from './lostBlocks'
import { SyncedFiles } from './syncedFiles'

/** Lost blocks are looked for again after this time (milliseconds). */
const LOOK_AGAIN = 60_000

export interface CopiedFilesOptions {
  readonly drive: ShareDrive
  readonly catalog: Catalog
  /** Bytes of the share that came into the store, or left it (negative). */
  readonly onStored: (bytes: number) => void
  /** The set of blocks that are here changed. */
  readonly onChanged: () => void
  readonly onError: (error: unknown) => void
  readonly signal: AbortSignal
}

export class CopiedFiles implements Outside {
  readonly incoming = new IncomingBlocks()
  private readonly records: HolderRecords
  private readonly disk = new FilesOnDisk()
  private readonly writing = new Set<IncomingFile>()
  private readonly losing = new Map<number, Promise<void>>()
  private readonly boot = bootId()
  private readonly search: LostBlocks
  private readonly synced: SyncedFiles
  private readonly loading: Promise<void>
  private turn: Promise<void> = Promise.resolve()
  private blocks: BlocksInFiles | undefined

  constructor(
    private readonly options: CopiedFilesOptions,
    lookAgain = LOOK_AGAIN,
  ) {
    const { catalog, drive, onError, onChanged, signal } = options
    this.records = new HolderRecords(catalog, drive.id)
    const { records, disk, boot } = this
    const inTurn = (work: () => Promise<void>) => this.inTurn(work)
    this.synced = new SyncedFiles({ records, disk, boot, inTurn, signal })
    const parts = { records, disk, boot, inTurn, signal, blocks: () => this.blocks }
    const isBeingWritten = (holder: BlockHolder) => this.isBeingWritten(holder)
    const onLooked = () => this.synced.later()
    this.search = new LostBlocks({ ...parts, isBeingWritten, onFound: onChanged, onLooked }, lookAgain)
    this.loading = this.records.load()
    this.loading.catch(onError)
    drive.lookIn(this)
  }

  /** Serves blocks that the store of this log does not have out of copies. */
  serve(log: Hypercore): void {
    const pieces = piecesIn(log)
    if (pieces === undefined) return
    pieces.outside = this
    this.blocks = new BlocksInFiles(log, this.disk, this.incoming, this.options.signal)
    this.inTurn(() => this.takeUp())
  }

  /**
   * Begins a file of a copy: its blocks go there, and not to the store. Undefined where its blocks are not pieces
   * of it.
   *
   * @param folder of the copy; absolute
   * @param path where the file will lie, inside the folder, beginning with '/'
   * @param temporary where it is written until then; undefined: all of it is written at once
   */
  async begin(
    entry: DriveEntry,
    folder: string,
    path: string,
    temporary?: string,
  ): Promise<IncomingFile | undefined> {
    const known = await this.holderOf(entry, folder, path)
    if (known === undefined) return undefined
    const begun = temporary === undefined ? {} : { temporary }
    const holder = { first: known.first, file: { ...known.file, ...begun, begun: true } as const }
    await this.records.put(holder)
    const incoming = new IncomingFile(holder, known.log, this)
    this.writing.add(incoming)
    return incoming
  }

  /**
   * Notes a file of a copy that was there before, and frees its blocks in the store. Cheap for a file that is noted
   * already.
   *
   * @param isShown it was just compared with the share's content
   */
  async adopt(entry: DriveEntry, folder: string, path: string, isShown = false): Promise<void> {
    const holder = await this.holderOf(entry, folder, path)
    if (holder === undefined || this.records.files.has(holder)) return
    if (isShown || (await this.blocks?.areAllIn(holder))) await this.placed(holder, false)
  }

  /** A file of a copy was renamed. */
  async moved(folder: string, from: string, to: string): Promise<void> {
    await this.loading
    for (const holder of this.records.files.at(folder, from)) {
      const there = { ...holder, file: { ...holder.file, path: to } }
      await this.records.put(there)
      await this.records.forget(holder)
      await this.search.restoreFrom(there) // a read in between may have cleared its blocks
    }
  }

  /** A file of a copy was taken away. */
  async removed(folder: string, path: string): Promise<void> {
    await this.loading
    for (const holder of this.records.files.at(folder, path)) await this.drop(holder)
  }

  onItsWay(index: number): Uint8Array | undefined {
    return this.incoming.get(index)
  }

  takes(index: number, block: Uint8Array): boolean {
    return this.incoming.take(index, block)
  }

  async *candidates(index: number): AsyncGenerator<Uint8Array> {
    await this.loading
    for (const { first, file } of this.records.files.having(index)) {
      const bytes = await this.disk.read(file, index - first)
      if (bytes !== null) yield bytes
    }
  }

  async lost(index: number): Promise<void> {
    const { blocks, options } = this
    if (blocks === undefined || options.signal.aborted) return
    const files = this.records.files.having(index)
    for (const { file } of files) this.disk.reopen(file)
    const [holder] = files
    if (holder !== undefined) {
      const losing =
        this.losing.get(holder.first) ??
        blocks
          .clearUncovered(holder, files)
          .catch(options.onError)
          .finally(() => this.losing.delete(holder.first))
      this.losing.set(holder.first, losing)
      await losing // one clearing for all blocks that are asked for together
    }
    await blocks.clear(index)
    options.onChanged()
    this.search.later()
  }

  /**
   * A file has its name. From now on its blocks lie there alone.
   *
   * @param isNew none of its blocks was ever stored
   */
  async placed(holder: BlockHolder, isNew: boolean): Promise<void> {
    const { onError, onStored } = this.options
    await this.records.put(holder)
    this.disk.reopen(holder.file)
    for (const other of this.records.files.at(holder.file.folder, holder.file.path))
      if (other.first !== holder.first) await this.drop(other)
    if (!isNew) {
      const freed = this.blocks?.giveBack(holder) ?? Promise.resolve(0)
      // after an error the store keeps them as well
      await freed.then(bytes => bytes > 0 && onStored(-bytes), onError)
    }
    await this.search.restoreFrom(holder)
    this.synced.later()
  }

  async noted(holder: BlockHolder): Promise<void> {
    await this.records.put(holder)
  }

  /** Forgets a file. Blocks that only it held are cleared. */
  async drop(holder: BlockHolder): Promise<void> {
    const { signal, onChanged } = this.options
    const others = this.records.files.of(holder.first).filter(other => other !== holder)
    await this.blocks?.clearUncovered(holder, others)
    if (signal.aborted) return // the next start clears the rest
    await this.records.forget(holder)
    onChanged()
  }

  /** The writing of a file ended. */
  ended(file: IncomingFile): void {
    this.writing.delete(file)
  }

  /** Bytes that were put into the store after all. */
  stored(bytes: number): void {
    this.options.onStored(bytes)
  }

  /** Forgets files whose blocks were superseded and cleared. @returns their bytes, which the store did not have */
  async cleared(isUsed: (first: number, blocks: number) => boolean): Promise<number> {
    const { blocks } = this
    let bytes = 0
    let last = -1
    for (const holder of blocks === undefined ? [] : this.records.all()) {
      const { first, file } = holder
      if (isUsed(first, file.blocks) || blocks?.count(holder) !== 0) continue // still used, or not cleared yet
      if (first !== last) bytes += file.size
      last = first
      await this.records.forget(holder)
    }
    return bytes
  }

  /** Ends all work. Blocks that came for a file and are not in it yet go to the store. */
  async settle(): Promise<void> {
    this.search.stop()
    this.synced.stop()
    await this.loading.catch(() => {}) // `onError` was told
    await Promise.all([...this.writing].map(file => file.end('goes-on')))
    await this.idle()
    await Promise.all(this.losing.values())
    const pieces = this.blocks === undefined ? undefined : piecesIn(this.blocks.log)
    if (pieces?.outside === this) pieces.outside = undefined
    this.disk.close()
  }

  /** Resolves when all work that was begun is done. */
  async idle(): Promise<void> {
    await this.turn
  }

  /** Forgets all files: the share was removed. */
  async forget(): Promise<void> {
    await this.records.forgetAll()
  }

  /** Undefined where a file's blocks are not pieces of it, or belong to another share as well. */
  private async holderOf(
    { blob, size }: DriveEntry,
    folder: string,
    path: string,
  ): Promise<(BlockHolder & { readonly log: Hypercore }) | undefined> {
    const { drive, signal } = this.options
    if (blob === undefined || !isLarge(blob, size)) return undefined
    const log = await drive.bytesReady(signal)
    await this.loading
    if (log !== this.blocks?.log || !drive.ownsBytes || signal.aborted) return undefined
    const file = { folder, path, size, blocks: blob.blockLength, unsynced: this.boot }
    return { first: blob.blockOffset, file, log }
  }

  /**
   * Clears blocks that files lost when the last process ended, judged by lengths, then looks for others. Reads only
   * files that may not have reached the disk.
   */
  private async takeUp(): Promise<void> {
    await this.loading
    for (const first of [...this.records.files.firsts]) {
      const files = this.records.files.of(first)
      const [holder] = files
      const certain = files.filter(
        ({ file: { unsynced } }) => unsynced === undefined || unsynced === this.boot,
      )
      if (holder !== undefined) await this.blocks?.clearUncovered(holder, certain)
    }
    await this.search.look()
  }

  private isBeingWritten(holder: BlockHolder): boolean {
    return [...this.writing].some(file => file.holder === holder)
  }

  /** Runs pieces of work one after the other. */
  private inTurn(work: () => Promise<void>): void {
    this.turn = this.turn.then(work).catch(error => {
      if (!this.options.signal.aborted) this.options.onError(error)
    })
  }
}
