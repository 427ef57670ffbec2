/** The result of a run: what it placed, what it could not write, and what lies beside files of the user's. */
import { join } from 'node:path'
import { PeerfoldError } from '../../common/errors'
import type { SkippedEntry, TransferResult } from '../../common/model'
import { contentWarnings, describeWarning } from '../disk/warnings'
import { pausesTransfer, WriteError } from '../disk/writeErrors'
import { CopyCounts, type Placement } from './counts'
import type { CopyOptions } from './options'
import type { CopyPlan } from './planned'

const MAX_LISTED = 1_000

export class CopyOutcome {
  private readonly skipped: SkippedEntry[]
  private readonly conflicts: { path: string; copy: string }[]
  private readonly counts: CopyCounts

  constructor(
    private readonly options: CopyOptions,
    private readonly plan: CopyPlan,
  ) {
    this.skipped = [...plan.skipped]
    this.conflicts = plan.conflicts.map(({ path, copy }) => this.conflictAt(path, copy))
    this.counts = new CopyCounts(plan.noLongerShared)
    for (const placed of plan.placed) this.counts.placed(placed)
  }

  /** An entry lies at its place, which held other content before, or nothing. */
  placed(entry: Placement & { readonly path: string }): void {
    this.counts.placed(entry)
    this.options.live?.onPlaced(entry.path)
  }

  /** An entry lies at `copy`, beside the user's file at `path`. Both are inside the target. */
  beside(path: string, copy: string): void {
    this.conflicts.push(this.conflictAt(path, copy))
    this.options.live?.onPlaced(path, copy)
  }

  skip(entry: SkippedEntry): void {
    this.skipped.push(entry)
  }

  /** Lists an entry that cannot be had or written. Throws errors that concern more than this entry. */
  skipOrThrow(path: string, error: unknown): void {
    const isEntry =
      error instanceof PeerfoldError && (error.code === 'bad-entry' || error.code === 'not-kept')
    const isWrite = error instanceof WriteError && !pausesTransfer(error)
    if (!isEntry && !isWrite) throw error
    this.skip({ path, reason: error.code, detail: error.message })
  }

  get result(): Omit<TransferResult, 'fetched'> {
    const { transfer, stale } = this.options
    const warnings = contentWarnings(this.plan.paths, this.plan.executables)
    return {
      files: this.plan.paths.length - (this.skipped.length - this.plan.skipped.length),
      bytes: transfer.bytes.done,
      ...(transfer.here === 0 ? {} : { here: transfer.here }),
      skipped: this.skipped.slice(0, MAX_LISTED),
      skippedCount: this.skipped.length,
      conflicts: this.conflicts.slice(0, MAX_LISTED),
      warnings: warnings.slice(0, MAX_LISTED).map(({ path, kind }) => `${path}: ${describeWarning(kind)}`),
      changes: this.counts.changes,
      stale: stale(),
    }
  }

  private conflictAt(path: string, copy: string): { path: string; copy: string } {
    const onDisk = (inside: string) => join(this.options.folder, ...inside.split('/'))
    return { path: onDisk(path), copy: onDisk(copy) }
  }
}
