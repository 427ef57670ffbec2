/**
 * Files outside of a shared folder that decide what of it is shared: ignore files above it and git's configuration.
 * The watch does not see them. So each is noted as it looked before it was read, to be compared later.
 */

import type { Stats } from 'node:fs'
import { statSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { errorCode, readSmallFile, type SmallFile } from './smallFile'

/** Files that are followed, at most; more may be read. A folder may hold thousands of repositories. */
const MAX_FOLLOWED = 2_000

const ABSENT = 'ENOENT'

export class Inputs {
  /** By absolute path; see `lookOf`. */
  readonly looks = new Map<string, string>()

  /** As `readSmallFile`, through a link too. */
  read(path: string, limit: number): SmallFile {
    this.note(path)
    return readSmallFile(path, limit, { follow: true })
  }

  /** Whether something is there, whatever it is. */
  has(path: string): boolean {
    return this.note(path).startsWith('there')
  }

  private note(path: string): string {
    const look = lookNow(path)
    if (this.looks.size < MAX_FOLLOWED) this.looks.set(path, look)
    return look
  }
}

/** As `lookOf`, synchronous. Makes no error for an absent file: that would take longer than the look. */
export function lookNow(path: string): string {
  try {
    const stats = statSync(path, { throwIfNoEntry: false })
    return stats === undefined ? ABSENT : describe(stats)
  } catch (error) {
    return absentOr(errorCode(error))
  }
}

/** How a file looks, as a text that stays the same until the file is written to or replaced. */
export async function lookOf(path: string): Promise<string> {
  try {
    return describe(await stat(path))
  } catch (error) {
    return absentOr(errorCode(error))
  }
}

function absentOr(code: string): string {
  return code === 'ENOTDIR' ? ABSENT : code
}

/** What a folder holds is not looked at, so its times do not count. */
function describe(stats: Stats): string {
  const { dev, ino, size, mtimeMs, ctimeMs } = stats
  return stats.isDirectory() ? `there ${dev} ${ino}` : `there ${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`
}
