/**
 * The record of what a copy has written, kept in marks of many files: after an unclean end, files written since the
 * last mark are compared by content; all others are known to be whole.
 */
import type { Catalog, CopiedFile, Write } from '../catalog'
import { contentId } from '../drive/entry'
import type { PlannedFile } from './copyPlan'
import type { FileMark } from './writer'

const FILES_PER_MARK = 500

export class CopyMarks {
  private pending: Write[] = []
  private writing: Promise<void> = Promise.resolve()

  constructor(
    private readonly catalog: Catalog,
    /** See `targetKey`. */
    private readonly target: string,
  ) {}

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

  private add(file: PlannedFile, value: CopiedFile): void {
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
