/**
 * Whose a file or folder is. Another user may have made what lies in a temporary folder, or in a folder that was open to
 * others for a while, under the very name that is expected. So its owner and its rights are looked at before it is
 * believed: other users cannot forge those. On Windows Node shows no owner. There everything lies in the user's profile,
 * which is closed to others by inheritance, and pipes are proven by challenge.
 */
import { constants, lstatSync, type Stats, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

const HAS_OWNERS = process.platform !== 'win32'
const ROOT_USER = 0
const CLOSED_TO_OTHERS = 0o077
const WRITABLE_BY_OTHERS = 0o022
const WRITABLE_BY_ALL = 0o002
const STICKY = 0o1000
/** The most bytes that are read. The files in question have a few hundred. */
const MAX_LENGTH = 64 * 1024

/** True for a folder, not a link to one, that belongs to this user and is closed to all others. */
export function isPrivateFolder(path: string): boolean {
  if (!HAS_OWNERS) return true
  const found = look(() => lstatSync(path))
  return found?.isDirectory() === true && isPrivate(found)
}

/** True for a socket of this user, closed to others, in a private folder. Pipes of Windows pass. */
export function isPrivateSocket(path: string): boolean {
  if (!HAS_OWNERS) return true
  if (!isPrivateFolder(dirname(path))) return false
  const found = look(() => lstatSync(path))
  return found?.isSocket() === true && isPrivate(found)
}

/** True when no other user can take away what lies in the folder of `path` and put something else there. */
export function isKeptInPlace(path: string): boolean {
  if (!HAS_OWNERS) return true
  const found = look(() => statSync(dirname(resolve(path))))
  if (found === undefined) return false
  return (found.mode & WRITABLE_BY_ALL) === 0 || (found.mode & STICKY) !== 0
}

/** True for a folder of this user that nobody else can write to, and for a link of this user that leads to one. */
export function isOwnFolder(path: string): boolean {
  if (!HAS_OWNERS) return true
  const found = look(() => statSync(path))
  if (found === undefined || !found.isDirectory() || !isMine(found)) return false
  return (found.mode & WRITABLE_BY_OTHERS) === 0 && !isForeign(path)
}

/** True when this user owns the file or folder; of a link, what it leads to. */
export function isOwner(path: string): boolean {
  if (!HAS_OWNERS) return true
  const found = look(() => statSync(path))
  return found !== undefined && isMine(found)
}

/** True when another user than this one and root owns the file, folder or link itself. False where there is none. */
export function isForeign(path: string): boolean {
  if (!HAS_OWNERS) return false
  const found = look(() => lstatSync(path))
  return found !== undefined && !isMine(found) && found.uid !== ROOT_USER
}

/**
 * The text of a file that only this user can have written. Undefined when there is none, or it may be another's.
 * The file is opened first and judged then, so it cannot be exchanged in between.
 */
export async function readOwnText(path: string): Promise<string | undefined> {
  if (!isOwnFolder(dirname(path))) return undefined
  const file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)).catch(absent)
  if (file === undefined) return undefined
  try {
    const found = await file.stat()
    const isOwn = !HAS_OWNERS || (isMine(found) && (found.mode & WRITABLE_BY_OTHERS) === 0)
    if (!found.isFile() || !isOwn || found.size > MAX_LENGTH) return undefined
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

function isMine(found: Stats): boolean {
  return found.uid === process.geteuid?.()
}

function isPrivate(found: Stats): boolean {
  return isMine(found) && (found.mode & CLOSED_TO_OTHERS) === 0
}

/** Undefined when it cannot be looked at, whatever the reason: then it is not believed. */
function look(at: () => Stats): Stats | undefined {
  try {
    return at()
  } catch {
    return undefined
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ELOOP' || error.code === 'EACCES') return undefined
  throw error
}
