/**
 * The record of what a copy has written, kept in marks of many files: after a kill, files written since the last mark
 * are compared by content; all others are known to be whole. What will be written is kept before the first file is, so
 * that a file of ours without a mark is not taken for one of the user's when the share has a newer one: its length and
 * its time, to the millisecond, tell. No mark says that a file's bytes are on the disk: after a loss of power all files
 * of a copy that was not done are compared.
 */
import type { Catalog, CopiedFile, Write } from '../catalog'
import { contentId } from '../drive/entry'
import type { CopyPlan, PlannedFile } from './copyPlan'
import type { FileMark } from './writer'

const FILES_PER_MARK = 500
const FILES_PER_INTENTION = 4_000

export class CopyMarks {
  private pending: Write[] = []
  private writing: Promise<void> = Promise.resolve()

  constructor(
    private readonly catalog: Catalog,
    /** See `targetKey`. */
    private readonly target: string,
    /** Path inside the target of what is copied, '' for everything: other parts may be on their way there too. */
    private readonly part: string,
  ) {}

  /** Marks what an earlier run wrote and could not mark. */
  async recover(files: CopyPlan['recovered']): Promise<void> {
    for (const { path, content, mark } of files) {
      const { size, mtimeMs, ino } = mark
      this.add({ path }, { content, size, mtimeMs, ino })
    }
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
      if (batch.length < FILES_PER_INTENTION) continue
      await this.catalog.write(batch)
      batch = []
    }
    if (batch.length > 0) await this.catalog.write(batch)
  }

  /** Everything written has its mark. */
  async done(): Promise<void> {
    await this.flush()
    await this.catalog.delete('intended', this.target + this.part)
    await this.catalog.deleteAll('intended', `${this.target}${this.part}/`)
  }

  /** The file is there with the incoming content. */
  written(file: PlannedFile, { size, mtimeMs, ino }: FileMark): void {
    this.add(file, { content: contentId(file.entry), size, mtimeMs, ino })
  }

  /** The local file was kept; the incoming one lies at `path` inside the target. */
  conflict(file: PlannedFile, path: string): void {
    this.add(file, {
      content: '',
      size: -1,
      mtimeMs: 0,
      ino: 0,
      conflict: { content: contentId(file.entry), path },
    })
  }

  /** Resolves when everything so far is kept. */
  async flush(): Promise<void> {
    this.mark()
    await this.writing
  }

  private add(file: Pick<PlannedFile, 'path'>, value: CopiedFile): void {
    this.pending.push({ table: 'copied', key: this.target + file.path, value })
    if (this.pending.length >= FILES_PER_MARK) this.mark()
  }

  private mark(): void {
    const marks = this.pending
    this.pending = []
    if (marks.length === 0) return
    this.writing = this.writing.then(() => this.catalog.write(marks))
    this.writing.catch(() => {}) // rejects again at the flush
  }
}
