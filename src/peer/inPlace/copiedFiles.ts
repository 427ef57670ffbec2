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
import { isLarge, pieceAt } from '../drive/format/largeFile'
import type { ShareDrive } from '../drive/shareDrive'
import { type BlockRun, type BlockRuns, missingRuns } from '../hypercore/blockRuns'
import { clearBlocks, restoreBlocks } from '../hypercore/clearBlocks'
import { leafOf, paddingOf, storedBlock } from '../hypercore/leaf'
import { type Outside, piecesIn } from '../hypercore/pieces'
import { unstoreBlocks } from '../hypercore/storeBlocks'
import { bootId } from '../store/boot'
import type { Catalog, HeldFile, Write } from '../store/catalog'
import { throwIfAborted } from '../time'
import { FilesOnDisk } from './filesOnDisk'
import { type Held, HeldFiles } from './heldFiles'
import { IncomingBlocks } from './incomingBlocks'
import { IncomingFile } from './incomingFile'

/** What is lost is looked for again after so long (milliseconds). */
const LOOK_AGAIN = 60_000
/** By then (milliseconds) the system has brought most of a file to the disk by itself. */
const SYNC_AFTER = 60_000

export interface CopiedFilesOptions {
  readonly drive: ShareDrive
  readonly catalog: Catalog
  /** So many bytes of the share came into the store, or left it (negative). */
  readonly onStored: (bytes: number) => void
  /** Blocks are here that were not, or the other way round. */
  readonly onChanged: () => void
  readonly onError: (error: unknown) => void
  readonly signal: AbortSignal
}

export class CopiedFiles implements Outside {
  readonly incoming = new IncomingBlocks()
  private readonly held = new HeldFiles()
  private readonly disk = new FilesOnDisk()
  private readonly writing = new Set<IncomingFile>()
  /** Files that did not hold what they should, as they looked then. */
  private readonly looked = new WeakMap<Held, string>()
  private readonly losing = new Map<number, Promise<void>>()
  private readonly boot = bootId()
  private readonly loading: Promise<void>
  private turn: Promise<void> = Promise.resolve()
  private log: Hypercore | undefined
  private lookTimer: NodeJS.Timeout | undefined
  private syncTimer: NodeJS.Timeout | undefined

  constructor(
    private readonly options: CopiedFilesOptions,
    private readonly lookAgain = LOOK_AGAIN,
  ) {
    this.loading = this.load()
    this.loading.catch(options.onError)
    options.drive.lookIn(this)
  }

  /** From now on what the store does not have of the log of bytes is looked for in copies. */
  serve(log: Hypercore): void {
    const pieces = piecesIn(log)
    if (pieces === undefined) return
    pieces.outside = this
    this.log = log
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
    { blob, size }: DriveEntry,
    folder: string,
    path: string,
    temporary?: string,
  ): Promise<IncomingFile | undefined> {
    const { drive, signal } = this.options
    if (blob === undefined || !isLarge(blob, size)) return undefined
    const log = await drive.bytesReady(signal)
    await this.loading
    if (log !== this.log || !drive.ownsBytes || signal.aborted) return undefined
    const file = { folder, path, size, blocks: blob.blockLength, unsynced: this.boot }
    const held = { first: blob.blockOffset, file: temporary === undefined ? file : { ...file, temporary } }
    await this.put(held)
    const incoming = new IncomingFile(held, log, this)
    this.writing.add(incoming)
    return incoming
  }

  /**
   * A file of a copy that was there before: the store gives back what the file holds. Cheap for one that is known.
   *
   * @param isShown it was just compared with what the share has
   */
  async adopt({ blob, size }: DriveEntry, folder: string, path: string, isShown = false): Promise<void> {
    const { drive, signal } = this.options
    if (blob === undefined || !isLarge(blob, size)) return
    const log = await drive.bytesReady(signal)
    await this.loading
    const file = { folder, path, size, blocks: blob.blockLength, unsynced: this.boot }
    const held = { first: blob.blockOffset, file }
    if (log !== this.log || !drive.ownsBytes || this.held.has(held)) return
    if (!isShown && !(await this.hasAll(held, log, [runOf(held)]))) return
    await this.placed(held, log, false)
  }

  /** A file of a copy has another name now. */
  async moved(folder: string, from: string, to: string): Promise<void> {
    await this.loading
    for (const held of this.held.at(folder, from)) {
      const there = { ...held, file: { ...held.file, path: to } }
      await this.put(there)
      await this.forgetFile(held)
      await this.restoreFrom(there) // somebody may have asked for it in between
    }
  }

  /** A file of a copy was taken away. */
  async removed(folder: string, path: string): Promise<void> {
    await this.loading
    for (const held of this.held.at(folder, path)) await this.drop(held)
  }

  onItsWay(index: number): Uint8Array | undefined {
    return this.incoming.get(index)
  }

  takes(index: number, block: Uint8Array): boolean {
    return this.incoming.take(index, block)
  }

  async *candidates(index: number): AsyncGenerator<Uint8Array> {
    await this.loading
    for (const { first, file } of this.held.having(index)) {
      const bytes = await this.disk.read(file, index - first)
      if (bytes !== null) yield bytes
    }
  }

  async lost(index: number): Promise<void> {
    const { log, options } = this
    if (log === undefined || options.signal.aborted) return
    const files = this.held.having(index)
    for (const { file } of files) this.disk.reopen(file)
    const first = files[0]?.first ?? index
    const losing =
      this.losing.get(first) ??
      this.clearUncovered(first, log)
        .catch(options.onError)
        .finally(() => this.losing.delete(first))
    this.losing.set(first, losing)
    await losing
    if (log.core.bitfield.get(index))
      await clearBlocks(log, [{ start: index, end: index + 1 }], options.signal, () => true)
    options.onChanged()
    this.lookLater()
  }

  /**
   * A file has its name: from now on its blocks lie there alone.
   *
   * @param isNew none of them was ever stored
   */
  async placed(held: Held, log: Hypercore, isNew: boolean): Promise<void> {
    await this.put(held)
    this.disk.reopen(held.file)
    for (const other of this.held.at(held.file.folder, held.file.path))
      if (other.first !== held.first) await this.drop(other)
    if (!isNew) await this.giveBack(held, log)
    await this.restoreFrom(held)
    this.syncLater()
  }

  /** Nothing is said of a file any more. What only it held is not here any more. */
  async drop(held: Held): Promise<void> {
    const { log, options } = this
    if (log !== undefined) await this.clearUncovered(held.first, log, { without: held })
    if (options.signal.aborted) return // what is left of it is cleared at the next start
    await this.forgetFile(held)
    options.onChanged()
  }

  /** A file is not written any more. */
  ended(file: IncomingFile): void {
    this.writing.delete(file)
  }

  /** So many bytes were put into the store after all. */
  stored(bytes: number): void {
    this.options.onStored(bytes)
  }

  /** Forgets what was superseded and cleared. @returns bytes of it, which the store did not have */
  async cleared(isUsed: (first: number, blocks: number) => boolean): Promise<number> {
    const { log } = this
    let bytes = 0
    for (const first of log === undefined ? [] : [...this.held.firsts]) {
      const [held] = this.held.of(first)
      if (held === undefined || isUsed(first, held.file.blocks)) continue
      if (log?.core.bitfield.count(first, held.file.blocks, true) !== 0) continue // its time is not over
      bytes += held.file.size
      for (const each of [...this.held.of(first)]) await this.forgetFile(each)
    }
    return bytes
  }

  /** Resolves when nothing is under way. What came for a file and is not in it yet goes to the store. */
  async settle(): Promise<void> {
    clearTimeout(this.lookTimer)
    clearTimeout(this.syncTimer)
    await this.loading.catch(() => {}) // that was told
    await Promise.all([...this.writing].map(file => file.end('goes-on')))
    await this.turn
    await Promise.all(this.losing.values())
    const pieces = this.log === undefined ? undefined : piecesIn(this.log)
    if (pieces?.outside === this) pieces.outside = undefined
    this.disk.close()
  }

  /** Resolves when everything that is to be looked at by now is looked at. */
  async idle(): Promise<void> {
    await this.turn
  }

  /** The share is gone. */
  async forget(): Promise<void> {
    await this.options.catalog.deleteAll('held', this.keys)
  }

  private get keys(): string {
    return `${this.options.drive.id}/`
  }

  private load(): Promise<void> {
    return this.options.catalog.each('held', this.keys, (key, file) => {
      this.held.put({ first: parseInt(key, 10), file })
    })
  }

  /** What files had when the process ended, as far as their lengths tell. Nothing is read but what may not be on the disk. */
  private async takeUp(): Promise<void> {
    const { log } = this
    await this.loading
    if (log === undefined) return
    for (const first of [...this.held.firsts]) {
      const all = this.held.of(first)
      const isInDoubt = all.every(
        ({ file: { unsynced } }) => unsynced !== undefined && unsynced !== this.boot,
      )
      await this.clearUncovered(first, log, { isInDoubt })
    }
    this.syncLater()
    await this.look()
  }

  /** Clears blocks of a file that are neither in the store nor, as far as lengths tell, in any file. */
  private async clearUncovered(
    first: number,
    log: Hypercore,
    { without, isInDoubt = false }: { without?: Held; isInDoubt?: boolean } = {},
  ): Promise<void> {
    const files = this.held.of(first)
    const blocks = Math.max(0, ...files.map(({ file }) => file.blocks))
    const others = isInDoubt ? [] : files.filter(held => held !== without)
    const extents = await Promise.all(others.map(({ file }) => this.disk.extentOf(file)))
    const runs: BlockRun[] = []
    for (let index = first + Math.max(0, ...extents); index < first + blocks; index++) {
      if (!log.core.bitfield.get(index) || this.incoming.get(index) !== undefined) continue
      if ((await piecesIn(log)?.isStored(index)) === false) addTo(runs, index)
    }
    if (runs.length > 0) await clearBlocks(log, runs, this.options.signal, () => true)
  }

  private lookLater(): void {
    if (this.options.signal.aborted) return
    this.lookTimer ??= setTimeout(() => {
      this.lookTimer = undefined
      this.inTurn(() => this.look())
    }, this.lookAgain).unref()
  }

  /** Looks for what is lost, in files that look other than when they did not have it. */
  private async look(): Promise<void> {
    const { log, options } = this
    let isLeft = false
    for (const first of log === undefined ? [] : [...this.held.firsts]) {
      for (const held of this.held.of(first)) {
        const missing = log === undefined ? [] : missingRuns(log.core.bitfield, [runOf(held)])
        if (log === undefined || missing.length === 0) break
        throwIfAborted(options.signal)
        isLeft = true
        const stamp = await this.disk.stampOf(held.file)
        if (stamp === undefined || stamp === this.looked.get(held)) continue
        this.looked.set(held, stamp)
        this.disk.reopen(held.file)
        await this.restore(await this.foundIn(held, log, missing), log)
        if (held.file.unsynced !== undefined && missingRuns(log.core.bitfield, [runOf(held)]).length === 0)
          await this.put({ first, file: { ...held.file, unsynced: this.boot } })
      }
    }
    if (isLeft) this.lookLater()
    this.syncLater()
  }

  /** What a file holds and is not known to be here is here again. */
  private async restoreFrom(held: Held): Promise<void> {
    const { log } = this
    if (log === undefined) return
    const missing = missingRuns(log.core.bitfield, [runOf(held)])
    if (missing.length > 0) await this.restore(await this.foundIn(held, log, missing), log)
  }

  private async restore(runs: BlockRuns, log: Hypercore): Promise<void> {
    if (runs.length === 0) return
    await restoreBlocks(log, runs)
    this.options.onChanged()
  }

  private async hasAll(held: Held, log: Hypercore, runs: BlockRuns): Promise<boolean> {
    for (const { start, end } of runs)
      for (let index = start; index < end; index++) if (!(await this.isIn(held, log, index))) return false
    return true
  }

  /** Which of the blocks a file holds. */
  private async foundIn(held: Held, log: Hypercore, runs: BlockRuns): Promise<BlockRun[]> {
    const found: BlockRun[] = []
    for (const { start, end } of runs)
      for (let index = start; index < end; index++) if (await this.isIn(held, log, index)) addTo(found, index)
    return found
  }

  private async isIn({ first, file }: Held, log: Hypercore, index: number): Promise<boolean> {
    throwIfAborted(this.options.signal)
    const leaf = await leafOf(log, index)
    if (leaf === null) return false
    const bytes = await this.disk.read(file, index - first)
    return bytes !== null && (await storedBlock(log, index, bytes, leaf)) !== undefined
  }

  /** Takes out of the store what a file holds, once the file is on the disk. */
  private async giveBack(held: Held, log: Hypercore): Promise<void> {
    let bytes = 0
    const { start, end } = runOf(held)
    for (let index = start; index < end; index++) {
      throwIfAborted(this.options.signal)
      if ((await piecesIn(log)?.isStored(index)) !== true) continue
      bytes += paddingOf(log, index) + pieceAt(index - start, held.file.size).length
    }
    if (bytes === 0) return
    await this.disk.sync(held.file)
    await unstoreBlocks(log, { start, end })
    this.options.onStored(-bytes)
  }

  private syncLater(): void {
    if (!this.hasUnsynced) return
    this.syncTimer ??= setTimeout(() => {
      this.syncTimer = undefined
      this.inTurn(() => this.sync())
    }, SYNC_AFTER).unref()
  }

  private get hasUnsynced(): boolean {
    return this.held.firsts.some(first => this.held.of(first).some(held => this.isUnsynced(held)))
  }

  private isUnsynced({ file }: Held): boolean {
    return file.unsynced === this.boot && file.temporary === undefined
  }

  /** Notes which files are on the disk: after a loss of power only others have to be read. */
  private async sync(): Promise<void> {
    for (const first of [...this.held.firsts]) {
      for (const held of this.held.of(first)) {
        if (!this.isUnsynced(held)) continue
        throwIfAborted(this.options.signal)
        const { unsynced: _, ...file } = held.file
        const isOnDisk = await this.disk.sync(file).then(
          () => true,
          () => false, // it is gone, or may not be opened
        )
        if (isOnDisk && this.held.has(held)) await this.put({ first, file })
      }
    }
  }

  private async put(held: Held): Promise<void> {
    const forgotten = this.held.put(held)
    await this.options.catalog.write([
      { table: 'held', key: this.keyOf(held), value: held.file },
      ...forgotten.map((other): Write => ({ table: 'held', key: this.keyOf(other), value: undefined })),
    ])
  }

  private async forgetFile(held: Held): Promise<void> {
    if (this.held.remove(held)) await this.options.catalog.delete('held', this.keyOf(held))
  }

  private keyOf({ first, file: { folder, path } }: Held): string {
    return `${this.keys}${first}:${folder}${path}`
  }

  /** One after the other. */
  private inTurn(work: () => Promise<void>): void {
    this.turn = this.turn.then(work).catch(error => {
      if (!this.options.signal.aborted) this.options.onError(error)
    })
  }
}

/** Adds a block behind all of the runs. */
function addTo(runs: BlockRun[], index: number): void {
  const last = runs.at(-1)
  if (last?.end === index) runs[runs.length - 1] = { start: last.start, end: index + 1 }
  else runs.push({ start: index, end: index + 1 })
}

function runOf({ first, file: { blocks } }: { first: number; file: HeldFile }): BlockRun {
  return { start: first, end: first + blocks }
}
