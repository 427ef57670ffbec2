/** Files that stay where they are: opened to be compared, or given another time or executable bit. */
import { closeSync, constants, fchmodSync, fstatSync, openSync } from 'node:fs'
import { systemCode } from '../../common/fileErrors'
import { checkExpected, type FileMark, markOf, type Place } from './placing'
import { setTime } from './temporaryFile'
import { WriteError } from './writeErrors'

const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
/** Windows sets the time of a file only through a descriptor that may write. */
const ADJUST = process.platform === 'win32' ? constants.O_RDWR : READ

/** Errors by which file systems without an executable bit refuse to change it. */
const NO_MODES = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']

export interface OpenFile {
  readonly fd: number
  readonly mark: FileMark
}

export interface FileAttributes {
  readonly executable: boolean
  /** Milliseconds since 1970. */
  readonly mtimeMs?: number
}

/** Undefined for anything that is no file or may not be read. */
export function openToRead(place: Place): OpenFile | undefined {
  return openRegular(place.folder.prefix + place.name)
}

/** As `openToRead`, for a file outside users' folders. */
export function openRegular(path: string): OpenFile | undefined {
  let fd: number
  try {
    fd = openSync(path, READ)
  } catch {
    return undefined // a later write there meets the same problem and tells it
  }
  const stats = fstatSync(fd)
  if (stats.isFile()) return { fd, mark: markOf(stats) }
  closeSync(fd)
  return undefined
}

/** See `SafeWriter.adjust`. */
export function adjust(place: Place, expected: FileMark, { executable, mtimeMs }: FileAttributes): FileMark {
  const fd = openSync(place.folder.prefix + place.name, ADJUST)
  try {
    const stats = fstatSync(fd)
    if (!stats.isFile()) throw new WriteError('exists', place.path)
    checkExpected(stats, expected, place.path)
    setExecutable(fd, executable)
    if (mtimeMs !== undefined) setTime(fd, mtimeMs)
    return markOf(fstatSync(fd))
  } finally {
    closeSync(fd)
  }
}

/** Lets whoever may read the file run it, or nobody. Does nothing where files have no executable bit. */
export function setExecutable(fd: number, executable: boolean): void {
  const { mode } = fstatSync(fd)
  if (process.platform === 'win32' || executable === ((mode & 0o100) !== 0)) return
  try {
    fchmodSync(fd, (mode & 0o666) | (executable ? (mode & 0o444) >> 2 : 0))
  } catch (error) {
    if (!NO_MODES.includes(systemCode(error) ?? '')) throw error
  }
}
