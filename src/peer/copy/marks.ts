/**
 * The record of what a copy has written, kept in marks of many files each. After a kill, files written since the
 * last mark are compared by content. All others are known to be whole.
 *
 * Before the first file is written, the catalog is told what will be. A file of ours without a mark is recognised
 * by its length and its time, to the millisecond, so that it is not taken for one of the user's when the share has
 * a newer version of it.
 *
 * No mark says that a file's bytes are on the disk. After a loss of power all files of an unfinished copy are
 * compared.
 */

import type { FileMark } from '../disk/writer'
import { contentId, type DriveEntry } from '../drive/format/entry'
import { placeOf } from '../store/bases'
import { type Catalog, type CopiedFile, FOLDER, type Write } from '../store/catalog'
import { showsLaterChanges } from './ownership'
import type { CopyPlan, PlannedFile } from './planned'

const FILES_PER_MARK = 500
const FILES_PER_INTENTION = 4_000

/** An entry of the share and its path inside the target. */
export interface Placed {
  readonly entry: DriveEntry
  readonly path: string
}

/** A mark that no file has: nothing at that place is recognised by its stat. */
export const NO_MARK = { size: -1, mtimeMs: 0, ino: 0 }

export class CopyMarks {
  private pending: Write[] = []
  /** Keys of intentions, to be deleted one by one when `isWhole` is false. */
  private readonly intended: string[] = []
  private writing: Promise<void> = Promise.resolve()

  constructor(
    private readonly catalog: Catalog,
    /** See `targetKey`. */
    readonly target: string,
    /**
     * Path inside the target of what is copied, '' for everything. Other copies may be writing other parts of the
     * target.
     */
    private readonly part: string,
    /** Paths of folders that were made since the last mark. Emptied by each mark. */
    private readonly madeFolders: string[] = [],
    /**
     * Nothing else is about to be written there, so all intentions of earlier runs are forgotten when this one is
     * done.
     */
    private readonly isWhole = true,
  ) {}

  /** Marks files that an earlier run wrote and did not get to mark. */
  async recover(files: CopyPlan['recovered']): Promise<void> {
    for (const { path, record } of files) this.add(path, record)
    await this.flush()
  }

  /**
   * Notes what is about to be written. A file without a time in the share is left out, since nothing could
   * recognise it.
   */
  async intend(files: readonly PlannedFile[]): Promise<void> {
    let batch: Write[] = []
    for (const { entry, path, conflict, fresh } of files) {
      const { mtime } = entry
      if (conflict || mtime === undefined) continue
      const value = { content: contentId(entry), size: entry.size, mtime, fresh }
      batch.push({ table: 'intended', key: this.target + path, value })
      if (!this.isWhole) this.intended.push(this.target + path)
      if (batch.length < FILES_PER_INTENTION) continue
      await this.catalog.write(batch)
      batch = []
    }
    if (batch.length > 0) await this.catalog.write(batch)
  }

  /** Marks everything written, and forgets the intentions. */
  async done(): Promise<void> {
    for (const key of this.intended.splice(0)) this.pending.push({ table: 'intended', key, value: undefined })
    await this.flush()
    if (!this.isWhole) return
    await this.catalog.delete('intended', this.target + this.part)
    await this.catalog.deleteAll('intended', `${this.target}${this.part}/`)
  }

  /**
   * A file or link has the incoming content.
   * @param hash see `hashToKeep`
   */
  written({ entry, path }: Placed, mark: FileMark, hash?: Uint8Array): void {
    this.add(path, { ...described(entry, hash), ...stated(mark) })
  }

  /** A local file was just compared, and has the incoming content. `before` and `after` are its marks around that. */
  compared({ entry, path }: Placed, before: FileMark, after: FileMark, hash?: Uint8Array): void {
    const settled = before.ctimeMs === after.ctimeMs && showsLaterChanges(after, Date.now())
    this.add(path, { ...described(entry, hash), ...stated(after), settled })
  }

  /** The local file was kept; the incoming one lies at `copy` inside the target. */
  conflict({ entry, path }: Placed, copy: string, hash?: Uint8Array): void {
    const conflict = { content: contentId(entry), path: copy }
    this.add(path, { ...described(entry, hash), ...NO_MARK, conflict })
  }

  /** The file there has neither the content that the share has nor one that it had. */
  changed({ entry, path }: Placed): void {
    this.add(path, { ...described(entry, undefined), ...NO_MARK })
  }

  /** Forgets a path where nothing of this copy is any more. */
  forget(path: string): void {
    this.add(path, undefined)
  }

  /**
   * The user deleted it and knows what the share has there. A new file of theirs at that place is therefore no
   * conflict.
   */
  deletedHere({ entry, path }: Placed, was: CopiedFile['was']): void {
    const record = { ...described(entry, undefined), ...NO_MARK, away: true as const }
    this.add(path, was === undefined ? record : { ...record, was })
  }

  /** Replaces the record of a path. */
  note(path: string, record: CopiedFile): void {
    this.add(path, record)
  }

  /** Resolves when everything so far is kept. */
  async flush(): Promise<void> {
    this.mark()
    await this.writing
  }

  private add(path: string, value: CopiedFile | undefined): void {
    this.pending.push({ table: 'copied', key: this.target + path, value })
    if (this.pending.length >= FILES_PER_MARK) this.mark()
  }

  private mark(): void {
    for (const folder of this.madeFolders.splice(0)) this.add(`/${folder}`, { content: FOLDER, ...NO_MARK })
    const marks = this.pending
    this.pending = []
    if (marks.length === 0) return
    this.writing = this.writing.then(() => this.catalog.write(marks))
    this.writing.catch(() => {}) // rejects again at the flush
  }
}

function described(entry: DriveEntry, hash: Uint8Array | undefined): Omit<CopiedFile, keyof FileMark> {
  const { mtime: time, executable } = entry
  const content = contentId(entry)
  const at = placeOf(entry)
  return {
    content,
    executable,
    ...(at === undefined ? {} : { at }),
    ...(time === undefined ? {} : { time }),
    ...(hash === undefined ? {} : { hash }),
  }
}

/** The content of a file that the user deleted, by its record. */
export function heldBefore(known: CopiedFile | undefined): CopiedFile['was'] {
  if (known === undefined || known.away) return known?.was
  const { content, hash, conflict } = known
  if (conflict !== undefined) return undefined // what lay there was never this copy's
  return hash === undefined ? { content } : { content, hash }
}

export function stated({ size, mtimeMs, ino, ctimeMs }: FileMark): FileMark {
  return { size, mtimeMs, ino, ctimeMs }
}
