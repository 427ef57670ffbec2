/** Files that stay where they are: opened to be compared, or given another time or executable bit. */
import { closeSync, constants, fchmodSync, fstatSync, openSync } from 'node:fs'
import { checkExpected, type FileMark, markOf, type Place } from './placing'
import { setTime } from './temporaryFile'
import { systemCode, WriteError } from './writeErrors'

const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
/** Windows sets the time of a file only through a descriptor that may write. */
const ADJUST = process.platform === 'win32' ? constants.O_RDWR : READ

/** File systems that keep no executable bit refuse to set it, or to take it away, in one of these ways. */
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

/** The same for a file outside of users' folders. */
export function openRegular(path: string): OpenFile | undefined {
  let fd: number
  try {
    fd = openSync(path, READ)
  } catch {
    return undefined // what is wrong with it shows when something is to be written there
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

/** Only who may read may run. Where files have no executable bit nothing happens. */
export function setExecutable(fd: number, executable: boolean): void {
  const { mode } = fstatSync(fd)
  if (process.platform === 'win32' || executable === ((mode & 0o100) !== 0)) return
  try {
    fchmodSync(fd, (mode & 0o666) | (executable ? (mode & 0o444) >> 2 : 0))
  } catch (error) {
    if (!NO_MODES.includes(systemCode(error) ?? '')) throw error
  }
}
