/**
 * Files that a program is just writing. Half of a large file (a download, an export) makes no version, nor does a file
 * that was emptied in order to be written. So a changed file of either kind is left for the next look while a program
 * has it open for writing. Where the system does not tell that, it is left until it has rested for a moment. One that
 * never rests, such as a growing log, is taken as it is after a while.
 */
import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import type { DrivePath } from '../../../common/brand'
import type { ScannedFile } from '../scan/scanned'
import { openForWriting } from './openForWriting'

/** Bytes. A file that is and was shorter is written in a moment: only emptied ones of those are waited for. */
const LEAST = 1024 * 1024
/** Milliseconds without a change. */
export const QUIET = { open: 2_000, unknown: 1_000 }
/** Milliseconds after which a file is taken that has not come to rest. */
export const LONGEST = 30_000
/** Milliseconds after which a file is forgotten that was never taken. */
const FORGOTTEN = 10 * LONGEST

interface Seen {
  readonly size: number
  readonly mtimeMs: number
  /** When it was first seen to be changing, and when it last looked other than before. */
  readonly first: number
  readonly changed: number
}

export class FilesAtWork {
  private readonly seen = new Map<DrivePath, Seen>()

  constructor(
    private readonly open = openForWriting,
    /** Milliseconds, of a monotonic clock. */
    private readonly now: () => number = () => performance.now(),
  ) {}

  /**
   * Those of the changed files that are just being written.
   * @param root absolute path that drive paths begin in
   * @param before bytes of what was published of a path
   */
  async beingWritten(
    root: string,
    changed: readonly ScannedFile[],
    before: (path: DrivePath) => number | undefined,
    signal: AbortSignal,
  ): Promise<ReadonlySet<DrivePath>> {
    const now = this.now()
    for (const [path, { first }] of this.seen) if (now - first > FORGOTTEN) this.seen.delete(path)
    const restless = new Map<string, DrivePath>()
    for (const { kind, path, size, mtimeMs } of changed) {
      const sizeBefore = before(path) ?? 0
      const isEmptied = size === 0 && sizeBefore > 0
      if (kind !== 'file' || (!isEmptied && Math.max(size, sizeBefore) <= LEAST)) continue
      const known = this.seen.get(path)
      const isAsBefore = known?.size === size && known.mtimeMs === mtimeMs
      // A time in the future is that of another clock.
      const age = Math.max(0, Date.now() - mtimeMs)
      const since = isAsBefore ? known.changed : now - age
      this.seen.set(path, { size, mtimeMs, first: known?.first ?? now, changed: since })
      const place = now - since < QUIET.open && !this.isOverdue(path) ? realPath(join(root, path)) : undefined
      if (place !== undefined) restless.set(place, path)
    }
    if (restless.size === 0) return new Set()
    const open = await this.open(new Set(restless.keys()), signal)
    const isQuiet = (path: DrivePath) => now - (this.seen.get(path)?.changed ?? 0) >= QUIET.unknown
    const isWritten = ([place, path]: [string, DrivePath]) => (open ? open.has(place) : !isQuiet(path))
    return new Set([...restless].filter(isWritten).map(([, path]) => path))
  }

  /** Whether a file has been changing for so long that it is taken while it grows. */
  isOverdue(path: DrivePath): boolean {
    const known = this.seen.get(path)
    return known !== undefined && this.now() - known.first >= LONGEST
  }

  /** Forgets a file that is published: its next change is judged anew. */
  published(path: DrivePath): void {
    this.seen.delete(path)
  }
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined // gone meanwhile
  }
}
