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
import { piecesToWrite } from './holes'
import { checkReplaceable, type FileMark, look, markOf, type Place, type Precondition } from './placing'
import { freshTemporaryName, holdTemporary, releaseTemporary, temporaryNameOf } from './temporary'
import { systemCode, WriteError } from './writeErrors'

export interface LargeFileOptions {
  /** Announced length in bytes. */
  readonly size: number
  readonly executable: boolean
  /** Milliseconds since 1970. */
  readonly mtimeMs?: number
  readonly precondition?: Precondition
  /** What lies there now goes before the file gets its name; until then it is not looked at. */
  readonly isBlocked?: boolean
  /** Stable name of this very content at this place; with it an existing temporary is continued. */
  readonly resumeToken?: string
}

/** An open temporary, as the writer hands it over. */
export interface OpenTemporary {
  readonly name: string
  readonly fd: number
  readonly place: Place
  readonly ino: number
  readonly birthtimeMs: number
  /** Length of what an earlier run left, 0 for a new one. */
  readonly resumedSize: number
}

const NO_FOLLOW = constants.O_NOFOLLOW ?? 0
const CREATE = constants.O_CREAT | constants.O_EXCL | NO_FOLLOW
export const NEW_FILE = constants.O_WRONLY | CREATE
const NEW_READABLE_FILE = constants.O_RDWR | CREATE

/**
 * Opens the temporary of a large file: a new one, or with a resume token what an earlier run left.
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

/** A replaced file keeps who may read and write it. Who may run it: those who may read it, if anybody. */
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
 * Gives a file its time. Half a microsecond more than asked for: a number of seconds cannot hold every millisecond, and
 * Node up to 20 cuts off what is below a microsecond, so that the time of every other file would be a millisecond less,
 * and the file not be known again (copy/marks.ts). As text, because Node takes a negative number for the present.
 *
 * @param mtimeMs whole milliseconds since 1970, negative before it
 */
export function setTime(fd: number, mtimeMs: number): void {
  const seconds = String((mtimeMs + 0.0005) / 1000)
  futimesSync(fd, seconds, seconds)
}

/**
 * Opens what an earlier run left. Not ours to continue, and removed: anything but a file, one that has a second
 * name (it was placed already), one that is longer than what is announced.
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

/** Removes a temporary after a failure. What cannot be removed now is swept later; the failure is what counts. */
export function discard(temporary: string): void {
  try {
    unlinkSync(temporary)
  } catch {
    // See above.
  }
}
