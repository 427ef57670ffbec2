/**
 * The record of what a copy has written, kept in marks of many files: after a kill, files written since the last mark
 * are compared by content; all others are known to be whole. What will be written is kept before the first file is, so
 * that a file of ours without a mark is not taken for one of the user's when the share has a newer one: its length and
 * its time, to the millisecond, tell. No mark says that a file's bytes are on the disk: after a loss of power all files
 * of a copy that was not done are compared.
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

/** Nothing that lies there is known by its stat. */
export const NO_MARK = { size: -1, mtimeMs: 0, ino: 0 }

export class CopyMarks {
  private pending: Write[] = []
  /** Keys of what was said to be about to be written. */
  private readonly intended: string[] = []
  private writing: Promise<void> = Promise.resolve()

  constructor(
    private readonly catalog: Catalog,
    /** See `targetKey`. */
    readonly target: string,
    /** Path inside the target of what is copied, '' for everything: other parts may be on their way there too. */
    private readonly part: string,
    /** Paths of folders that were made since the last mark; taken from here. */
    private readonly madeFolders: string[] = [],
    /** Nothing else is about to be written there: what an earlier run meant to write is forgotten with it. */
    private readonly isWhole = true,
  ) {}

  /** Marks what an earlier run wrote and could not mark. */
  async recover(files: CopyPlan['recovered']): Promise<void> {
    for (const { path, record } of files) this.add(path, record)
    await this.flush()
  }

  /** Says what is about to be written. Files whose time the share does not tell cannot be told by it either. */
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

  /** Everything written has its mark. */
  async done(): Promise<void> {
    for (const key of this.intended.splice(0)) this.pending.push({ table: 'intended', key, value: undefined })
    await this.flush()
    if (!this.isWhole) return
    await this.catalog.delete('intended', this.target + this.part)
    await this.catalog.deleteAll('intended', `${this.target}${this.part}/`)
  }

  /** A file or link is there with the incoming content. @param hash see `hashToKeep` */
  written({ entry, path }: Placed, mark: FileMark, hash?: Uint8Array): void {
    this.add(path, { ...described(entry, hash), ...stated(mark) })
  }

  /** It was just compared, and is the incoming content, with the marks before and after that. */
  compared({ entry, path }: Placed, before: FileMark, after: FileMark, hash?: Uint8Array): void {
    const settled = before.ctimeMs === after.ctimeMs && showsLaterChanges(after, Date.now())
    this.add(path, { ...described(entry, hash), ...stated(after), settled })
  }

  /** The local file was kept; the incoming one lies at `copy` inside the target. */
  conflict({ entry, path }: Placed, copy: string, hash?: Uint8Array): void {
    const conflict = { content: contentId(entry), path: copy }
    this.add(path, { ...described(entry, hash), ...NO_MARK, conflict })
  }

  /** What lies there is not the content that the share has and had. */
  changed({ entry, path }: Placed): void {
    this.add(path, { ...described(entry, undefined), ...NO_MARK })
  }

  /** What this copy had made there is gone. */
  forget(path: string): void {
    this.add(path, undefined)
  }

  /** The user deleted it, and knows what the share has there: a file of theirs is none that was changed on both sides. */
  deletedHere({ entry, path }: Placed, was: CopiedFile['was']): void {
    const record = { ...described(entry, undefined), ...NO_MARK, away: true as const }
    this.add(path, was === undefined ? record : { ...record, was })
  }

  /** What is known of a path from now on. */
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

/** What a file held that the user deleted, as its record tells. */
export function heldBefore(known: CopiedFile | undefined): CopiedFile['was'] {
  if (known === undefined || known.away) return known?.was
  const { content, hash, conflict } = known
  if (conflict !== undefined) return undefined // what lay there was never this copy's
  return hash === undefined ? { content } : { content, hash }
}

export function stated({ size, mtimeMs, ino, ctimeMs }: FileMark): FileMark {
  return { size, mtimeMs, ino, ctimeMs }
}
