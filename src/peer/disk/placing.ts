/**
 * The last step of every write: a finished temporary gets its final name. Here, and only here, it is decided
 * whether something that has the name already may be replaced.
 *
 * A new file is linked, not renamed, to its name: the system refuses that if something appeared there a moment ago.
 * Where links are not supported, and when a file is replaced, the look and the rename are two steps. A save of the
 * user's in the microseconds between is lost to the rename, which plain Node cannot avoid.
 */
import { linkSync, lstatSync, renameSync, type Stats, unlinkSync } from 'node:fs'
import { systemCode } from '../../common/fileErrors'
import { FolderMoved, type Folders, type OpenFolder } from './folders'
import { WriteError } from './writeErrors'

/** Tells one state of a file from another without reading it. */
export interface FileMark {
  /** Bytes. */
  readonly size: number
  /** Milliseconds since 1970, with the fraction the file system gives. */
  readonly mtimeMs: number
  readonly ino: number
  /** When anything about it changed last, as `mtimeMs`. Nobody can set it. */
  readonly ctimeMs: number
}

/** What the caller expects under the name. Anything else there is a change of the user's, and is kept. */
export type Precondition = 'absent' | FileMark

export interface Place {
  readonly folder: OpenFolder
  readonly name: string
  /** Path inside the target folder, for errors. */
  readonly path: string
}

export function look(place: Place): Stats | undefined {
  return lstatSync(place.folder.prefix + place.name, { throwIfNoEntry: false })
}

export function markOf(stats: Stats): FileMark {
  return { size: stats.size, mtimeMs: stats.mtimeMs, ino: stats.ino, ctimeMs: stats.ctimeMs }
}

/**
 * @throws WriteError 'exists' for anything but a file, unless it is the expected link; 'changed' for another file
 * than expected, or none
 */
export function checkReplaceable(
  found: Stats | undefined,
  expected: Precondition | undefined,
  path: string,
): void {
  const isExpectedLink = found?.isSymbolicLink() && typeof expected === 'object' && isMarked(found, expected)
  if (found && !found.isFile() && !isExpectedLink) throw new WriteError('exists', path)
  checkExpected(found, expected, path)
}

/** @throws WriteError 'changed' */
export function checkExpected(
  found: Stats | undefined,
  expected: Precondition | undefined,
  path: string,
): void {
  if (expected === undefined) return
  if (expected === 'absent') {
    if (found) throw new WriteError('changed', path)
    return
  }
  if (found === undefined || !isMarked(found, expected)) throw new WriteError('changed', path)
}

function isMarked(found: Stats, { size, mtimeMs, ino, ctimeMs }: FileMark): boolean {
  return found.size === size && found.mtimeMs === mtimeMs && found.ino === ino && found.ctimeMs === ctimeMs
}

/**
 * Gives `temporary`, a file in the place's folder, its name. On failure the temporary is still there.
 * @param written its mark
 * @returns its mark under its name: getting one changes a file's change time
 * @throws FolderMoved when the folder does not lie where it lay; WriteError 'exists', 'changed', 'outside'
 */
export function giveName(
  folders: Folders,
  temporary: string,
  place: Place,
  expected: Precondition | undefined,
  written: FileMark,
): FileMark {
  if (!folders.isStill(place.folder)) {
    folders.checkRoot()
    throw new FolderMoved(place.path)
  }
  const from = place.folder.prefix + temporary
  const to = place.folder.prefix + place.name
  // A new file is linked without a look, since linking fails where something is.
  const found = expected === 'absent' ? undefined : replaceable(place, expected)
  if (found !== undefined || !linkTo(from, to)) {
    if (found === undefined) replaceable(place, expected)
    renameSync(from, to)
  }
  // Where folders are held open, nothing can have gone astray. Elsewhere it is noticed here.
  if (place.folder.fd === undefined && !folders.isStill(place.folder)) {
    throw new WriteError('outside', place.path, { detail: 'its folder was swapped while it was written' })
  }
  const placed = look(place)
  const isIt =
    placed?.ino === written.ino && placed.size === written.size && placed.mtimeMs === written.mtimeMs
  return isIt ? markOf(placed) : written
}

/** Gives a file another name, which must be free. @returns its mark there @throws as `giveName` */
export function moveFile(folders: Folders, from: Place, to: Place, expected: FileMark): FileMark {
  const found = look(from)
  if (found && !found.isFile()) throw new WriteError('exists', from.path)
  checkExpected(found, expected, from.path)
  const there = look(to)
  // Where case does not count, another spelling of a name names the file itself.
  const isItself = there !== undefined && there.ino === expected.ino && there.nlink === 1
  if (there !== undefined && !isItself) throw new WriteError('changed', to.path)
  for (const { folder, path } of [from, to]) if (!folders.isStill(folder)) throw new FolderMoved(path)
  const [source, target] = [from.folder.prefix + from.name, to.folder.prefix + to.name]
  if (isItself || !linkTo(source, target)) {
    if (!isItself && look(to) !== undefined) throw new WriteError('changed', to.path)
    renameSync(source, target)
  }
  const placed = look(to)
  return placed === undefined ? expected : markOf(placed)
}

/** The file to be replaced, if any. @throws WriteError as `checkReplaceable` */
function replaceable(place: Place, expected: Precondition | undefined): Stats | undefined {
  const found = look(place)
  checkReplaceable(found, expected, place.path)
  return found
}

/** False on Windows, where a virus scanner may keep the second name of a file from being removed. */
function canLink(): boolean {
  return process.platform !== 'win32'
}

/** File systems without hard links (FAT, some network and FUSE ones) say so in one of these ways. */
export const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EACCES', 'EINVAL'])

/** @returns whether it was placed; false: this takes a rename, or something is there */
function linkTo(from: string, to: string): boolean {
  if (!canLink()) return false
  try {
    linkSync(from, to)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EEXIST' || (code !== undefined && NO_LINKS.has(code))) return false
    throw error
  }
  try {
    unlinkSync(from)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return true // somebody has removed the other name
    // One file under two names would change under both.
    if (lstatSync(to, { throwIfNoEntry: false })?.ino === lstatSync(from).ino) unlinkSync(to)
    throw error
  }
  return true
}
