/**
 * The folders under a target folder, walked down component by component, never through a link.
 *
 * On Linux every folder is held open (O_DIRECTORY | O_NOFOLLOW) and its entries are named through
 * `/proc/self/fd/<fd>/<name>`. That path means the held folder, even if its name means something else by now, so
 * nothing can land behind a link that was put in the folder's place. One readlink of `/proc/self/fd/<fd>` tells
 * whether the folder and all its ancestors still lie where they lay. `isStill` asks that before each rename.
 *
 * On other systems Node cannot do this. Every component is looked at (lstat: a folder, no link or junction, the
 * same inode) before and after. One gap remains: a local program that swaps a folder for a link in the microseconds
 * between look and use. It can have an empty folder, a temporary or a file of the share made where its link points,
 * or a file of the same name removed there. A write gone astray is noticed afterwards and reported, not undone.
 * Only a program on this machine that may write to the folder anyway can do that, no share and no peer.
 */
import {
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  realpathSync,
  type Stats,
} from 'node:fs'
import { dirname, sep } from 'node:path'
import { systemCode } from '../../common/fileErrors'
import { toWriteError, WriteError } from './writeErrors'

export interface OpenFolder {
  /** Path inside the target folder, '' for itself. */
  readonly path: string
  /** Prefix for the names in it, to get paths for system calls. Ends with a separator. */
  readonly prefix: string
  readonly fd: number | undefined
  /** Its real path when it was opened. */
  readonly realPath: string
  readonly dev: number
  readonly ino: number
  readonly parent: OpenFolder | undefined
  /** How many files are being written in it. A pinned folder is never closed. */
  pins: number
}

/** Open folders kept for reuse. Far below the usual limit of 1,024 (macOS: 256) open files. */
const MAX_HELD = 96

const FOLDER_FLAGS = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0)

/** A folder was renamed while it was being used. The writer walks to it again before it gives up. */
export class FolderMoved extends WriteError {
  constructor(path: string) {
    super('busy', path, { detail: 'its folder was moved' })
  }
}

export class Folders {
  readonly root: OpenFolder
  readonly #cache = new Map<string, OpenFolder>()
  readonly #holds: boolean
  readonly #onMade: ((path: string) => void) | undefined
  #closed = false

  /**
   * @param root path of an existing folder; a link there is the user's own choice and is followed, once
   * @param hold whether to hold folders open; false only where the system cannot, and in tests of that
   * @param onMade called with the path of each folder that is made
   * @throws WriteError 'vanished' or what else the file system says
   */
  constructor(root: string, hold: boolean, onMade?: (path: string) => void) {
    this.#holds = hold
    this.#onMade = onMade
    try {
      const realPath = realpathSync(root)
      this.root = this.#open(undefined, '', realPath, realPath)
    } catch (error) {
      throw systemCode(error) === 'ENOENT' ? new WriteError('vanished', '') : toWriteError(error, '')
    }
  }

  /**
   * The folder of these components, found or, with `create`, made. Undefined: it does not exist.
   * @throws WriteError 'outside' when a component is a link, 'exists' when one is a file
   */
  find(segments: readonly string[], create: boolean): OpenFolder | undefined {
    // Its descriptors may belong to other folders by now.
    if (this.#closed) throw new Error('The writer of this folder is closed')
    const path = segments.join('/')
    const known = this.#reuse(path)
    if (known) return known
    let folder = this.root
    let walked = ''
    for (const name of segments) {
      walked = walked === '' ? name : `${walked}/${name}`
      const next = this.#reuse(walked) ?? this.#enter(folder, name, walked, create)
      if (!next) return undefined
      folder = next
    }
    return folder
  }

  /** Whether the folder still lies where it was opened, with no link on the way to it. */
  isStill(folder: OpenFolder): boolean {
    if (folder.fd !== undefined) return readlinkSync(`/proc/self/fd/${folder.fd}`) === folder.realPath
    for (let part: OpenFolder | undefined = folder; part; part = part.parent) {
      if (!isSameFolder(part, lstatSync(part.realPath, { throwIfNoEntry: false }))) return false
    }
    return true
  }

  /** @throws WriteError 'vanished' when the target folder is not where it was */
  checkRoot(): void {
    if (!this.isStill(this.root)) throw new WriteError('vanished', '')
  }

  /** Forgets a folder that moved, and all below it, so that the next `find` walks again. */
  forget(folder: OpenFolder): void {
    for (const held of [...this.#cache.values()]) {
      if (held.path === folder.path || held.path.startsWith(`${folder.path}/`)) this.#drop(held)
    }
  }

  pin(folder: OpenFolder): void {
    folder.pins++
  }

  unpin(folder: OpenFolder): void {
    folder.pins--
    if (folder.pins === 0 && folder !== this.root && this.#cache.get(folder.path) !== folder)
      closeFolder(folder)
  }

  /** Closes all folders that are not in use; called after `EMFILE`. */
  release(): void {
    for (const folder of [...this.#cache.values()]) this.#drop(folder)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.release()
    closeFolder(this.root)
  }

  #reuse(path: string): OpenFolder | undefined {
    if (path === '') return this.root
    const folder = this.#cache.get(path)
    if (!folder) return undefined
    if (!this.isStill(folder)) {
      this.forget(folder)
      return undefined
    }
    this.#cache.delete(path) // Put in again, so that the least recently used comes first.
    this.#cache.set(path, folder)
    return folder
  }

  #enter(parent: OpenFolder, name: string, path: string, create: boolean): OpenFolder | undefined {
    const target = parent.prefix + name
    let found = lstatSync(target, { throwIfNoEntry: false })
    if (!found) {
      this.checkRoot()
      if (!create) return undefined
      try {
        mkdirSync(target)
        this.#onMade?.(path)
      } catch (error) {
        if (systemCode(error) !== 'EEXIST') throw toWriteError(error, path)
      }
      found = lstatSync(target, { throwIfNoEntry: false })
    }
    if (found?.isSymbolicLink()) throw new WriteError('outside', path)
    if (found && !found.isDirectory()) throw new WriteError('exists', path)
    const folder = this.#openBelow(parent, name, path)
    this.#cache.set(path, folder)
    this.#evict()
    return folder
  }

  #openBelow(parent: OpenFolder, name: string, path: string): OpenFolder {
    const realPath = parent.realPath.endsWith(sep) ? parent.realPath + name : parent.realPath + sep + name
    let folder: OpenFolder
    try {
      folder = this.#open(parent, path, parent.prefix + name, realPath)
    } catch (error) {
      // It was a folder a moment ago, so it was swapped since.
      if (systemCode(error) === 'ENOTDIR' || systemCode(error) === 'ELOOP') {
        throw new WriteError('outside', path, { cause: error })
      }
      throw error
    }
    if (dirname(folder.realPath) === parent.realPath) return folder
    closeFolder(folder)
    throw new FolderMoved(path)
  }

  #open(parent: OpenFolder | undefined, path: string, target: string, realPath: string): OpenFolder {
    if (!this.#holds) {
      const found = lstatSync(target)
      if (!found.isDirectory()) throw new WriteError('outside', path)
      const prefix = realPath.endsWith(sep) ? realPath : realPath + sep
      return { path, prefix, fd: undefined, realPath, dev: found.dev, ino: found.ino, parent, pins: 0 }
    }
    const fd = openSync(target, FOLDER_FLAGS)
    // The kernel's own spelling of the path, which differs from ours where case is ignored.
    const actual = readlinkSync(`/proc/self/fd/${fd}`)
    return { path, prefix: `/proc/self/fd/${fd}/`, fd, realPath: actual, dev: 0, ino: 0, parent, pins: 0 }
  }

  #evict(): void {
    if (!this.#holds || this.#cache.size <= MAX_HELD) return
    for (const folder of this.#cache.values()) {
      if (folder.pins > 0) continue
      this.#drop(folder)
      return
    }
  }

  #drop(folder: OpenFolder): void {
    this.#cache.delete(folder.path)
    if (folder.pins === 0) closeFolder(folder)
  }
}

/** Whether this system lets a folder be held and named through its descriptor. */
export function canHoldFolders(): boolean {
  return process.platform === 'linux' && existsSync('/proc/self/fd')
}

function isSameFolder(folder: OpenFolder, now: Stats | undefined): boolean {
  return now?.isDirectory() === true && now.ino === folder.ino && now.dev === folder.dev
}

function closeFolder(folder: OpenFolder): void {
  if (folder.fd !== undefined) closeSync(folder.fd)
}
