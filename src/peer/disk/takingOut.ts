/**
 * Takes a file out of the target folder to another place. At every moment it is in at least one of them. On one
 * disk it gets a second name there and loses the first. To another disk its bytes are copied and synced, and the
 * file's mark is compared before it is removed.
 */
import { close, closeSync, fdatasync, fstatSync, linkSync, openSync, read, unlinkSync, write } from 'node:fs'
import { promisify } from 'node:util'
import { systemCode } from '../../common/fileErrors'
import type { OpenFile } from './fileInPlace'
import { FolderMoved, type Folders } from './folders'
import { checkExpected, type FileMark, look, markOf, NO_LINKS, type Place } from './placing'
import { discard, NEW_FILE } from './temporaryFile'
import { toWriteError, WriteError } from './writeErrors'

const readAsync = promisify(read)
const writeAsync = promisify(write)
const syncAsync = promisify(fdatasync)
const closeAsync = promisify(close)

/** Bytes. */
const AT_ONCE = 1024 * 1024

/**
 * @returns false: it is another disk, and the bytes have to be copied; undefined: nothing is there
 * @throws WriteError 'exists' for anything but a file, 'changed'
 */
export function linkOut(
  folders: Folders,
  place: Place,
  path: string,
  expected: FileMark,
): boolean | undefined {
  const found = look(place)
  if (found === undefined) return undefined
  if (!found.isFile()) throw new WriteError('exists', place.path)
  checkExpected(found, expected, place.path)
  if (!folders.isStill(place.folder)) throw new FolderMoved(place.path)
  try {
    linkSync(place.folder.prefix + place.name, path)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EXDEV' || (code !== undefined && NO_LINKS.has(code))) return false
    throw error
  }
  try {
    // A file that got the name meanwhile is the user's.
    if (look(place)?.ino === found.ino) unlinkSync(place.folder.prefix + place.name)
  } catch (error) {
    // Another program has it open, so it stays where it is. A disk may also say so of a file that is gone.
    if (look(place)?.ino === found.ino) {
      discard(path)
      throw error
    }
  }
  return true
}

/** Copies an opened file, and closes it. @throws WriteError 'changed', 'no-space' */
export async function copyOut(
  { fd, mark }: OpenFile,
  path: string,
  expected: FileMark,
  name: string,
): Promise<void> {
  try {
    if (!isSame(mark, expected)) throw new WriteError('changed', name)
    const out = openSync(path, NEW_FILE, 0o600)
    try {
      const buffer = Buffer.allocUnsafe(AT_ONCE)
      for (let position = 0; position < mark.size; ) {
        const { bytesRead } = await readAsync(fd, buffer, 0, AT_ONCE, position)
        if (bytesRead === 0) break
        for (let done = 0; done < bytesRead; )
          done += (await writeAsync(out, buffer, done, bytesRead - done, position + done)).bytesWritten
        position += bytesRead
      }
      await syncAsync(out)
    } finally {
      await closeAsync(out)
    }
    if (!isSame(markOf(fstatSync(fd)), expected)) throw new WriteError('changed', name)
  } catch (error) {
    discard(path)
    throw toWriteError(error, name)
  } finally {
    closeSync(fd)
  }
}

function isSame(a: FileMark, b: FileMark): boolean {
  return a.size === b.size && a.mtimeMs === b.mtimeMs && a.ino === b.ino && a.ctimeMs === b.ctimeMs
}
