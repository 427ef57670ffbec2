/**
 * Blocks of an opened share's large files that copies hold: they lie in the file alone, and are served from there. Which
 * files, the catalog says, before the first block of one comes. Whoever reads compares with the hash in the tree
 * (hypercore/pieces.ts), so whatever becomes of a file, nothing else than what the share has ever leaves.
 *
 * What nothing holds any more is not here: its bits are cleared, peers are told, and whoever needs it here fetches it
 * again. A file that is there again, shown by its hashes, gives its blocks back. What came for a file that was being
 * written when the process was killed may be nowhere: the length of its temporary tells how far that is, when the log is
 * opened again.
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

/** What is lost is looked for again after this long (milliseconds). */
const LOOK_AGAIN = 60_000

export interface CopiedFilesOptions {
  readonly drive: ShareDrive
  readonly catalog: Catalog
  /** This many bytes of the share came into the store, or left it (negative). */
  readonly onStored: (bytes: number) => void
  /** Blocks are here that were not, or the other way round. */
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

  /** From now on what the store does not have of the log of bytes is looked for in copies. */
  serve(log: Hypercore): void {
    const pieces = piecesIn(log)
    if (pieces === undefined) return
    pieces.outside = this
    this.blocks = new BlocksInFiles(log, this.disk, this.incoming, this.options.signal)
    this.inTurn(() => this.takeUp())
  }

  /**
   * A file of a copy is about to be written: its blocks go there, and not to the store. Undefined where its blocks are no
   * pieces of it.
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
   * A file of a copy that was there before: the store gives back what the file holds. Cheap for one that is known.
   *
   * @param isShown it was just compared with what the share has
   */
  async adopt(entry: DriveEntry, folder: string, path: string, isShown = false): Promise<void> {
    const holder = await this.holderOf(entry, folder, path)
    if (holder === undefined || this.records.files.has(holder)) return
    if (isShown || (await this.blocks?.areAllIn(holder))) await this.placed(holder, false)
  }

  /** A file of a copy has another name now. */
  async moved(folder: string, from: string, to: string): Promise<void> {
    await this.loading
    for (const holder of this.records.files.at(folder, from)) {
      const there = { ...holder, file: { ...holder.file, path: to } }
      await this.records.put(there)
      await this.records.forget(holder)
      await this.search.restoreFrom(there) // somebody may have asked for it in between
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
      await losing // once for all that are asked for together
    }
    await blocks.clear(index)
    options.onChanged()
    this.search.later()
  }

  /**
   * A file has its name: from now on its blocks lie there alone.
   *
   * @param isNew none of them was ever stored
   */
  async placed(holder: BlockHolder, isNew: boolean): Promise<void> {
    const { onError, onStored } = this.options
    await this.records.put(holder)
    this.disk.reopen(holder.file)
    for (const other of this.records.files.at(holder.file.folder, holder.file.path))
      if (other.first !== holder.first) await this.drop(other)
    if (!isNew) {
      const freed = this.blocks?.giveBack(holder) ?? Promise.resolve(0)
      await freed.then(bytes => bytes > 0 && onStored(-bytes), onError) // after an error the store has it as well
    }
    await this.search.restoreFrom(holder)
    this.synced.later()
  }

  async noted(holder: BlockHolder): Promise<void> {
    await this.records.put(holder)
  }

  /** Nothing is said of a file any more. What only it held is not here any more. */
  async drop(holder: BlockHolder): Promise<void> {
    const { signal, onChanged } = this.options
    const others = this.records.files.of(holder.first).filter(other => other !== holder)
    await this.blocks?.clearUncovered(holder, others)
    if (signal.aborted) return // what is left of it is cleared at the next start
    await this.records.forget(holder)
    onChanged()
  }

  /** A file is not written any more. */
  ended(file: IncomingFile): void {
    this.writing.delete(file)
  }

  /** This many bytes were put into the store after all. */
  stored(bytes: number): void {
    this.options.onStored(bytes)
  }

  /** Forgets what was superseded and cleared. @returns bytes of it, which the store did not have */
  async cleared(isUsed: (first: number, blocks: number) => boolean): Promise<number> {
    const { blocks } = this
    let bytes = 0
    let last = -1
    for (const holder of blocks === undefined ? [] : this.records.all()) {
      const { first, file } = holder
      if (isUsed(first, file.blocks) || blocks?.count(holder) !== 0) continue // or its time is not over
      if (first !== last) bytes += file.size
      last = first
      await this.records.forget(holder)
    }
    return bytes
  }

  /** Resolves when nothing is under way. What came for a file and is not in it yet goes to the store. */
  async settle(): Promise<void> {
    this.search.stop()
    this.synced.stop()
    await this.loading.catch(() => {}) // that was told
    await Promise.all([...this.writing].map(file => file.end('goes-on')))
    await this.idle()
    await Promise.all(this.losing.values())
    const pieces = this.blocks === undefined ? undefined : piecesIn(this.blocks.log)
    if (pieces?.outside === this) pieces.outside = undefined
    this.disk.close()
  }

  /** Resolves when everything that is to be looked at by now is looked at. */
  async idle(): Promise<void> {
    await this.turn
  }

  /** The share is gone. */
  async forget(): Promise<void> {
    await this.records.forgetAll()
  }

  /** Undefined where a file's blocks are no pieces of it, or are those of another share as well. */
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

  /** What files had when the process ended, as far as their lengths tell. Only what may not be on the disk is read. */
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

  /** One after the other. */
  private inTurn(work: () => Promise<void>): void {
    this.turn = this.turn.then(work).catch(error => {
      if (!this.options.signal.aborted) this.options.onError(error)
    })
  }
}
