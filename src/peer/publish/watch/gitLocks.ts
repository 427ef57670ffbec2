/**
 * Whether git is at work in a repository: it holds `index.lock` from before a checkout, merge or stash touches the
 * first file until after the last. What is in the folder meanwhile is no version that anybody made.
 */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { DrivePath } from '../../../common/brand'

/** A lock that is there this long (milliseconds) and is not written to was left by a git that was killed. */
const LEFT_OVER_AFTER = 30_000

export class GitLocks {
  /** Folders that are repositories, each with its `.git`; see `ScanResult`. */
  private repositories: ReadonlyMap<DrivePath, string> = new Map()
  /** When each lock that is there was seen first, milliseconds of `performance.now()`. */
  private readonly seen = new Map<string, number>()

  follow(repositories: ReadonlyMap<DrivePath, string>): void {
    this.repositories = repositories
  }

  /** @param paths what changes (drive paths); none: anything may */
  isHeld(paths: ReadonlySet<DrivePath>): boolean {
    const now = performance.now()
    const locks = [...this.repositories].flatMap(([folder, gitDir]) => {
      const concerns = paths.size === 0 || [...paths].some(path => path.startsWith(`${folder}/`))
      return (concerns ? lockIn(gitDir) : undefined) ?? []
    })
    for (const lock of this.seen.keys()) if (!locks.includes(lock)) this.seen.delete(lock)
    for (const lock of locks) if (!this.seen.has(lock)) this.seen.set(lock, now)
    return locks.some(lock => now - (this.seen.get(lock) ?? now) < LEFT_OVER_AFTER)
  }
}

/** What tells this lock from any other; undefined: there is none. */
function lockIn(gitDir: string): string | undefined {
  try {
    const stats = statSync(join(gitDir, 'index.lock'), { throwIfNoEntry: false })
    return stats && `${gitDir} ${stats.ino} ${stats.mtimeMs}`
  } catch {
    return undefined
  }
}
