/**
 * What a scan left out, each entry with its reason, in the order of paths: kept whole, so that a look at one place
 * can take out and put in what is there. Of very many only samples and numbers are kept.
 */
import type { DrivePath } from '../../../common/brand'
import { compareDrivePaths } from '../../names/pathOrder'
import { Skipped, type SkippedFromShare, type SkipReason } from './skipped'
import { findPath, putPaths, rangeAt, takePaths } from './sortedPaths'

/** More entries are not kept. Each takes some 150 bytes. */
const MAX_KEPT = 50_000
const MAX_IGNORED_FOLDERS = 1_000

export interface LeftOutEntry extends SkippedFromShare {
  /** A folder in which nothing is shared: it need not be watched. */
  readonly isUnwatched?: true
}

/** See `ScanResult`. */
export interface LeftOutSummary {
  readonly skipped: SkippedFromShare[]
  readonly skippedCounts: Partial<Record<SkipReason, number>>
  readonly ignoredFolders: DrivePath[]
}

export class LeftOut {
  /** Undefined: there were too many. */
  private entries: LeftOutEntry[] | undefined = []
  private isSorted = true
  /** Samples of everything that was added, for when the entries are not kept. */
  private readonly samples = new Skipped()
  private readonly unwatched: LeftOutEntry[] = []
  /** One text for all entries that the same line of an ignore file leaves out. */
  private readonly details = new Map<string, string>()

  /** Whether every entry is kept. Only then can `replace` be called. */
  get isWhole(): boolean {
    return this.entries !== undefined
  }

  get isEmpty(): boolean {
    return this.entries?.length === 0
  }

  add(entry: LeftOutEntry): void {
    const { path, reason, detail, isUnwatched } = entry
    this.samples.add(path, reason, detail)
    if (isUnwatched && this.unwatched.length < MAX_IGNORED_FOLDERS) this.unwatched.push(entry)
    if (this.entries === undefined) return
    const last = this.entries.at(-1)
    this.isSorted &&= last === undefined || compareDrivePaths(last.path, path) < 0
    this.entries.push({ ...entry, detail: this.oneText(detail) })
    if (this.entries.length > MAX_KEPT) this.entries = undefined
  }

  /** Takes out what stands at a path and below it, and puts in what was left out there now. → whether anything was. */
  replace(path: DrivePath, now: LeftOut): boolean {
    const entries = this.sorted()
    const taken = takePaths(entries, path)
    const put = now.sorted()
    putPaths(entries, put)
    if (!now.isWhole || entries.length > MAX_KEPT) this.entries = undefined
    return taken.length > 0 || put.length > 0
  }

  /** Whether there is an entry of this path; that of a folder ends with `/`. */
  has(path: string): boolean {
    return findPath(this.sorted(), path) !== undefined
  }

  /** What stands at a path and below it. */
  at(path: DrivePath): readonly LeftOutEntry[] {
    return rangeAt(this.sorted(), path)
  }

  /** @param dead links that lead to nothing that is shared */
  summary(dead: readonly SkippedFromShare[]): LeftOutSummary {
    const { isWhole } = this
    const skipped = new Skipped(
      isWhole ? undefined : { skipped: this.samples.list(), skippedCounts: this.samples.counts() },
    )
    for (const { path, reason, detail } of [...this.sorted(), ...dead]) skipped.add(path, reason, detail)
    const unwatched = isWhole ? this.sorted().filter(entry => entry.isUnwatched) : this.unwatched
    return {
      skipped: skipped.list(),
      skippedCounts: skipped.counts(),
      ignoredFolders: unwatched
        .slice(0, MAX_IGNORED_FOLDERS)
        .map(({ path }) => path.slice(0, -1) as DrivePath),
    }
  }

  private sorted(): LeftOutEntry[] {
    if (this.entries === undefined) return []
    if (!this.isSorted) this.entries.sort((a, b) => compareDrivePaths(a.path, b.path))
    this.isSorted = true
    return this.entries
  }

  private oneText(detail: string): string {
    const known = this.details.get(detail)
    if (known !== undefined) return known
    this.details.set(detail, detail)
    return detail
  }
}
