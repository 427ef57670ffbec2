/** Notes which content the user's file was made from and which one came in beside it, so that the two can be merged. */
import { join } from 'node:path'
import type { SafeWriter } from '../disk/writer'
import { contentOf, knownContent } from '../store/bases'
import type { CopyMarks } from './marks'
import type { CopyOptions } from './options'
import type { Ownership } from './ownership'
import type { PlannedFile } from './planned'

export class ConflictBases {
  private noting: Promise<void> = Promise.resolve()

  constructor(
    private readonly options: CopyOptions,
    private readonly writer: SafeWriter,
    private readonly ownership: Ownership,
    private readonly marks: CopyMarks,
  ) {}

  /** The incoming file lies at `copy`, inside the target. While a conflict lasts, it keeps its first base. */
  note({ path, entry }: PlannedFile, copy: string): void {
    const { bases, folder, id, share, umask } = this.options
    const known = this.ownership.record(path)
    const before = known?.conflict?.path
    const earlier = before === undefined ? undefined : bases.get(join(folder, before))
    const lasts = earlier !== undefined && (before === copy || this.liesThere(earlier.copy))
    const base = lasts ? earlier.base : known && knownContent(known)
    const theirs = contentOf(entry)
    this.noting = this.noting.then(async () => {
      if (earlier !== undefined) await bases.forget(join(folder, earlier.copy))
      if (base === undefined || theirs === undefined) return
      const fork = share.bytes?.fork ?? 0
      const record = { share: id, target: this.marks.target, folder, path, copy, fork, base, theirs }
      const merged = lasts && earlier.merged !== undefined ? { merged: earlier.merged } : {}
      await bases.put({ ...record, ...merged, ...(umask === undefined ? {} : { umask }) })
    })
    this.noting.catch(() => {}) // rejects again where it is awaited
  }

  /** Resolves when all is noted. */
  get noted(): Promise<void> {
    return this.noting
  }

  private liesThere(path: string): boolean {
    return this.writer.stat(path.slice(1).split('/')) !== undefined
  }
}
