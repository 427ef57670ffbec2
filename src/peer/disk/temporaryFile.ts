/**
 * Temporary files on the disk: how they are created, continued and removed. They are always created new
 * (O_EXCL, O_NOFOLLOW), so that nothing planted under their name is ever written to.
 */
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  futimesSync,
  openSync,
  type Stats,
  statfsSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { systemCode } from '../../common/fileErrors'
import { piecesToWrite } from './holes'
import { checkReplaceable, type FileMark, look, markOf, type Place, type Precondition } from './placing'
import { freshTemporaryName, holdTemporary, releaseTemporary, temporaryNameOf } from './temporary'
import { WriteError } from './writeErrors'

export interface LargeFileOptions {
  /** Announced length in bytes. */
  readonly size: number
  readonly executable: boolean
  /** Milliseconds since 1970. */
  readonly mtimeMs?: number
  readonly precondition?: Precondition
  /** Something that is there now is removed before the file gets its name, and is not looked at until then. */
  readonly isBlocked?: boolean
  /** The same for the same content at the same place. With it an existing temporary is continued. */
  readonly resumeToken?: string
}

/** An open temporary, as the writer hands it over. */
export interface OpenTemporary {
  readonly name: string
  readonly fd: number
  readonly place: Place
  readonly ino: number
  readonly birthtimeMs: number
  /** Length that an earlier run left (bytes), 0 for a new one. */
  readonly resumedSize: number
}

const NO_FOLLOW = constants.O_NOFOLLOW ?? 0
const CREATE = constants.O_CREAT | constants.O_EXCL | NO_FOLLOW
export const NEW_FILE = constants.O_WRONLY | CREATE
const NEW_READABLE_FILE = constants.O_RDWR | CREATE

/**
 * Opens the temporary of a large file: a new one, or with a resume token the one that an earlier run left.
 * @throws WriteError 'no-space' when the disk cannot hold the announced size, 'busy' for a token in use
 */
export function openTemporary(place: Place, options: LargeFileOptions): OpenTemporary {
  const found = look(place)
  if (!options.isBlocked) checkReplaceable(found, options.precondition, place.path)
  const token = options.resumeToken
  const name = token === undefined ? freshTemporaryName() : temporaryNameOf(token)
  if (!holdTemporary(name))
    throw new WriteError('busy', place.path, { detail: 'it is being written already' })
  const target = place.folder.prefix + name
  let fd: number | undefined
  try {
    const old = token === undefined ? undefined : reopen(target, options.size)
    fd = old?.fd
    const resumedSize = old?.stats.size ?? 0
    const { bavail, bsize, blocks } = statfsSync(place.folder.prefix)
    // Some network file systems do not know and say 0 of 0.
    if (blocks > 0 && options.size - resumedSize > bavail * bsize)
      throw new WriteError('no-space', place.path)
    fd ??= openSync(target, NEW_READABLE_FILE, modeFor(found, options.executable))
    const { ino, birthtimeMs } = fstatSync(fd)
    return { name, fd, place, ino, birthtimeMs, resumedSize }
  } catch (error) {
    if (fd !== undefined) closeSync(fd)
    releaseTemporary(name)
    throw error
  }
}

/**
 * The permissions of a new file. A replaced file's read and write permissions are kept. An executable may be run by
 * everyone who may read it.
 */
export function modeFor(found: Stats | undefined, executable: boolean): number {
  const mode = (found?.mode ?? 0o666) & 0o666
  return executable ? mode | ((mode & 0o444) >> 2) : mode
}

/** Writes everything and closes. @returns the file's mark, before it gets its name */
export function fill(fd: number, bytes: Uint8Array, mtimeMs: number | undefined): FileMark {
  try {
    const pieces = piecesToWrite(bytes)
    for (const { start, end } of pieces) {
      for (let at = start; at < end; ) at += writeSync(fd, bytes, at, end - at, at)
    }
    if ((pieces.at(-1)?.end ?? 0) < bytes.length) ftruncateSync(fd, bytes.length)
    if (mtimeMs !== undefined) setTime(fd, mtimeMs)
    return markOf(fstatSync(fd))
  } finally {
    closeSync(fd)
  }
}

/**
 * Gives a file its time. Half a microsecond is added, because a number of seconds cannot hold every millisecond,
 * and Node up to 20 cuts off fractions of a microsecond. Without it the time of every other file would be a
 * millisecond less, and the file would not be recognised (copy/marks.ts). The time is passed as text, because Node
 * takes a negative number for the present.
 *
 * @param mtimeMs whole milliseconds since 1970, negative before it
 */
export function setTime(fd: number, mtimeMs: number): void {
  const seconds = String((mtimeMs + 0.0005) / 1000)
  futimesSync(fd, seconds, seconds)
}

/**
 * Opens a temporary that an earlier run left. Three kinds are not ours to continue, and are removed: anything but a
 * file, a file with a second name (it was placed already), and one that is longer than announced.
 */
function reopen(target: string, size: number): { fd: number; stats: Stats } | undefined {
  let fd: number | undefined
  try {
    fd = openSync(target, constants.O_RDWR | NO_FOLLOW | (constants.O_NONBLOCK ?? 0))
    const stats = fstatSync(fd)
    if (stats.isFile() && stats.nlink === 1 && stats.size <= size) return { fd, stats }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    if (systemCode(error) !== 'ELOOP') throw error
  }
  if (fd !== undefined) closeSync(fd)
  unlinkSync(target)
  return undefined
}

/**
 * Removes a temporary after a failure, or leaves it to a later sweep. Never throws, so that the failure itself is
 * reported.
 */
export function discard(temporary: string): void {
  try {
    unlinkSync(temporary)
  } catch {
    // See above.
  }
}
