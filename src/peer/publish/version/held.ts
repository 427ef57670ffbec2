/**
 * Files that vanished from a folder and may not have been deleted: many at once, and nothing came in their place. A
 * disk that is gone looks like this, or a folder that was moved away for a moment. They stay published for a while,
 * and leave when they are still gone then, or when the user says so. Files that git takes away are not held.
 */
import { existsSync, lstatSync } from 'node:fs'
import { join } from 'node:path'
import type { DrivePath } from '../../../common/brand'
import { breathe, slicer } from '../../time'
import { lookNow } from '../scan/inputs'
import { errorCode } from '../scan/smallFile'

/** Milliseconds. */
export const HOLD = 30_000
/** Milliseconds. Git moves the head a moment after the last file, and nothing else changes then. */
const LOOK_AGAIN = 1_000
const LOOK_AGAIN_FOR = 5_000
/** Files are many when they are more than this, or more than half of all, and at least `LEAST`. */
const MANY = 1_000
const LEAST = 3

export interface Removal {
  /** Absolute path of the shared folder. */
  readonly root: string
  /** Published files that the scan does not list any more. */
  readonly removed: readonly DrivePath[]
  /** How many new ones it lists. */
  readonly added: () => number
  /** How many are published. */
  readonly files: number
  /** All of the folder was looked at, not only what was told by name. */
  readonly isWhole: boolean
  /** Folders that are git repositories, `''` for the shared one or one around it, and where their `.git` is. */
  readonly repositories: ReadonlyMap<DrivePath, string>
}

export interface HeldRemoval {
  readonly paths: ReadonlySet<DrivePath>
  /** Milliseconds until they leave, if nothing changes. */
  readonly left: number
  /** Milliseconds until it may show that git took them. */
  readonly lookAfter: number
}

export class RemovalHold {
  private since: number | undefined
  private count = 0
  private decided = false
  /** How the heads of the repositories looked before the scan by which nothing was held. */
  private heads = new Map<DrivePath, string>()
  private headsBeforeScan = new Map<DrivePath, string>()
  private repositories: ReadonlyMap<DrivePath, string> = new Map()

  /** @param hold milliseconds */
  constructor(private readonly hold: number) {}

  /** What is held leaves with the next publish. */
  release(): void {
    this.decided = true
  }

  /** To be called before a scan. A head that moves while the scan lists what git is taking away belongs to the next. */
  beforeScan(): void {
    this.headsBeforeScan = headsOf(this.repositories)
  }

  /** To be asked at every publish. Undefined: everything may leave. */
  async judge(removal: Removal): Promise<HeldRemoval | undefined> {
    const heads = headsOf(removal.repositories)
    const before = this.headsBeforeScan
    this.repositories = removal.repositories
    const paths = await this.doubtful(removal, heads)
    const now = performance.now()
    // While more files vanish, the time begins again.
    if (this.since === undefined || paths.size > this.count) this.since = now
    const left = this.since + this.hold - now
    if (paths.size === 0 || left <= 0 || this.decided) {
      this.since = undefined
      this.decided = false
      this.count = 0
      // A head that moved during the scan may explain what leaves next: git may have taken only some of it by then. One
      // that moved before explains it, too, where only a few files were looked at.
      this.heads = new Map([...heads, ...(removal.isWhole ? before : this.heads)])
      return undefined
    }
    this.count = paths.size
    const mayBeGit = removal.repositories.size > 0 && this.hold - left < LOOK_AGAIN_FOR
    return { paths, left, lookAfter: mayBeGit ? Math.min(left, LOOK_AGAIN) : left }
  }

  private async doubtful(removal: Removal, heads: ReadonlyMap<DrivePath, string>): Promise<Set<DrivePath>> {
    const { root, removed, added, files, repositories } = removal
    const isMass = (count: number) => mayBeHeld(count, files) && added() < count / 2
    if (!isMass(removed.length)) return new Set()
    const moved = [...repositories]
      .filter(([folder, gitDir]) => {
        const before = this.heads.get(folder)
        return (
          (before !== undefined && before !== heads.get(folder)) || existsSync(join(gitDir, 'index.lock'))
        )
      })
      .map(([folder]) => `${folder}/`)
    const gone = new Set<DrivePath>()
    const due = slicer()
    for (const path of removed) {
      if (!moved.some(folder => path.startsWith(folder)) && isGone(join(root, path))) gone.add(path)
      if (due()) await breathe()
    }
    return isMass(gone.size) ? gone : new Set()
  }
}

/** Whether this many of the published files are enough to be held, if nothing came in their place. */
export function mayBeHeld(removed: number, files: number): boolean {
  return removed >= LEAST && (removed > files / 2 || removed > MANY)
}

/** Whether a path is not on the disk. One that is there but not listed was left out by a rule: that is no accident. */
function isGone(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) === undefined
  } catch (error) {
    return errorCode(error) === 'ENOTDIR'
  }
}

/** How `HEAD` and its log look: they change with every checkout, pull, reset and commit. */
function headsOf(repositories: ReadonlyMap<DrivePath, string>): Map<DrivePath, string> {
  const heads = new Map<DrivePath, string>()
  for (const [folder, gitDir] of repositories)
    heads.set(folder, `${lookNow(join(gitDir, 'HEAD'))} ${lookNow(join(gitDir, 'logs', 'HEAD'))}`)
  return heads
}
