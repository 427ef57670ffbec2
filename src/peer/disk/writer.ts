/**
 * The one writer: everything that Peerfold writes or deletes under a user's folder goes through here.
 *
 * A file is written to a temporary in its own folder, checked against the announced length, and then given its name
 * (placing.ts), so that a final name only ever has the old or the new content. The way down to the folder never
 * leads through a link (folders.ts, which also says what remains on macOS and Windows, where folders cannot be held
 * open). New files get the permissions that the umask of the client gives, and a replaced file keeps its own. A
 * share decides only about the executable bit.
 *
 * Small files are written synchronously: the calls take microseconds, and handing each to a thread takes longer. No
 * write waits for the disk. After an unclean end the caller compares the last files by content.
 */
import {
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  type Stats,
  symlinkSync,
  unlinkSync,
} from 'node:fs'
import { systemCode } from '../../common/fileErrors'
import { makeFolders } from '../../wire/makeFolders'
import { checkLink, type Found } from '../names/links'
import type { LinkRefusal } from '../names/refusals'
import type { TargetRules } from '../names/rules'
import { adjust, type FileAttributes, type OpenFile, openToRead } from './fileInPlace'
import { canHoldFolders, FolderMoved, Folders } from './folders'
import { LargeFile } from './largeFile'
import {
  checkExpected,
  checkReplaceable,
  type FileMark,
  giveName,
  look,
  markOf,
  moveFile,
  type Place,
  type Precondition,
} from './placing'
import { RETRY_DELAYS_MS, retrying } from './retrying'
import { sweep } from './sweep'
import { copyOut, linkOut } from './takingOut'
import { freshTemporaryName, temporaryNameOf } from './temporary'
import { discard, fill, type LargeFileOptions, modeFor, NEW_FILE, openTemporary } from './temporaryFile'
import { umaskFor, type WithUmask } from './umask'
import { toWriteError, WriteError } from './writeErrors'

export type { FileMark, LargeFile, LargeFileOptions, Precondition }

export interface SafeWriterOptions {
  /** Make the target folder if it is missing. Not for one that existed before, which may only be unmounted. */
  readonly create?: boolean
  readonly holdFolders?: boolean
  /** For files and folders that are made; undefined: that of this process. */
  readonly umask?: number | undefined
  /** Called for every folder that is made, with its path inside the target. */
  readonly onFolderMade?: (path: string) => void
  readonly retryDelaysMs?: readonly number[]
}

export interface SmallFileOptions {
  readonly executable: boolean
  /** Milliseconds since 1970. */
  readonly mtimeMs?: number
  /** What must be under the name now. Absent: any ordinary file may be replaced. */
  readonly precondition?: Precondition
}

export interface EntryStat extends FileMark {
  readonly kind: 'file' | 'folder' | 'link' | 'special'
  readonly executable: boolean
  /** When it was made, as `mtimeMs`. 0 or equal to another time where the file system does not know. */
  readonly birthtimeMs: number
}

export type LinkResult = { readonly ok: true } | { readonly ok: false; readonly reason: LinkRefusal }

/** Attempts, when a folder moves or descriptors run out, before the error is thrown. */
const ATTEMPTS = 3

export class SafeWriter {
  readonly #folders: Folders
  readonly #rules: TargetRules
  readonly #retryDelaysMs: readonly number[]
  readonly #withUmask: WithUmask
  readonly #open = new Set<LargeFile>()

  /**
   * @param root the user's folder; its own path may lead through links
   * @throws WriteError 'vanished' when it does not exist
   */
  static open(root: string, rules: TargetRules, options: SafeWriterOptions = {}): SafeWriter {
    if (options.create) {
      try {
        makeFolders(root)
      } catch (error) {
        throw toWriteError(error, '')
      }
    }
    return new SafeWriter(root, rules, options)
  }

  private constructor(root: string, rules: TargetRules, options: SafeWriterOptions) {
    this.#folders = new Folders(root, options.holdFolders ?? canHoldFolders(), options.onFolderMade)
    this.#rules = rules
    this.#retryDelaysMs = options.retryDelaysMs ?? RETRY_DELAYS_MS
    this.#withUmask = umaskFor(options.umask)
  }

  /**
   * Writes a whole file. Makes missing folders on the way.
   * @param segments as `checkPath` gave them
   * @returns the mark by which the file is recognised later
   * @throws WriteError
   */
  writeSmallSync(segments: readonly string[], bytes: Uint8Array, options: SmallFileOptions): FileMark {
    return this.#attempt(segments, () => {
      const place = this.#place(segments, true)
      // `giveName` looks again. For a new file that is enough.
      const isNew = options.precondition === 'absent'
      const found = isNew ? undefined : look(place)
      if (!isNew) checkReplaceable(found, options.precondition, place.path)
      const temporary = freshTemporaryName()
      const target = place.folder.prefix + temporary
      const fd = openSync(target, NEW_FILE, modeFor(found, options.executable))
      try {
        const mark = fill(fd, bytes, options.mtimeMs)
        return giveName(this.#folders, temporary, place, options.precondition, mark)
      } catch (error) {
        discard(target)
        throw error
      }
    })
  }

  /** As `writeSmallSync`, and retries while another program has the file open. */
  writeSmall(segments: readonly string[], bytes: Uint8Array, options: SmallFileOptions): Promise<FileMark> {
    return this.#retry(segments, () => this.writeSmallSync(segments, bytes, options))
  }

  /**
   * Opens a file for writing in pieces. The caller commits, aborts or suspends it. `close` ends all others.
   * @throws WriteError 'no-space' at once when the disk cannot hold the announced size, 'busy' for a token in use
   */
  async openLarge(segments: readonly string[], options: LargeFileOptions): Promise<LargeFile> {
    const temporary = await this.#retry(segments, () =>
      this.#attempt(segments, () => openTemporary(this.#place(segments, true), options)),
    )
    const file = new LargeFile(this.#folders, temporary, options, this.#retryDelaysMs, ended =>
      this.#open.delete(ended),
    )
    this.#open.add(file)
    return file
  }

  /**
   * Removes a file or link (the link itself). `expected`: what must be there.
   * @returns false when there was nothing
   * @throws WriteError 'exists' for a folder or special file, 'changed'
   */
  remove(segments: readonly string[], expected?: FileMark): Promise<boolean> {
    return this.#retry(segments, () =>
      this.#attempt(segments, () => {
        const place = this.#placeIfThere(segments)
        const found = place && look(place)
        if (!place || !found) return false
        if (!found.isFile() && !found.isSymbolicLink()) throw new WriteError('exists', place.path)
        checkExpected(found, expected, place.path)
        if (!this.#folders.isStill(place.folder)) throw new FolderMoved(place.path)
        unlinkSync(place.folder.prefix + place.name)
        return true
      }),
    )
  }

  /**
   * Gives a file another name in the target. Replaces nothing. Makes missing folders on the way.
   * @returns its mark there
   * @throws WriteError 'changed' when another file is there than expected, or anything at `to`; 'exists' for
   * anything but a file
   */
  move(segments: readonly string[], to: readonly string[], expected: FileMark): Promise<FileMark> {
    return this.#retry(segments, () =>
      this.#attempt(segments, () => {
        const from = this.#place(segments, true)
        return moveFile(this.#folders, from, this.#place(to, true), expected)
      }),
    )
  }

  /**
   * Takes a file out of the target. Its bytes are at `path` before it is gone here. After an error they may be there too.
   * @param path absolute, outside of the target; nothing may be there
   * @returns false when there was nothing
   * @throws WriteError as `remove`; 'no-space' when there is no room for it there
   */
  async takeOut(segments: readonly string[], path: string, expected: FileMark): Promise<boolean> {
    const isLinked = await this.#retry(segments, () =>
      this.#attempt(segments, () => {
        const place = this.#placeIfThere(segments)
        return place && linkOut(this.#folders, place, path, expected)
      }),
    )
    if (isLinked !== false) return isLinked === true
    const opened = this.openFile(segments)
    if (opened === undefined) throw new WriteError('changed', segments.join('/'))
    await copyOut(opened, path, expected, segments.join('/'))
    await this.remove(segments, expected)
    return true
  }

  /** Removes a folder. @throws WriteError 'kept-folder' when it holds anything */
  removeFolder(segments: readonly string[]): void {
    this.#attempt(segments, () => {
      const place = this.#placeIfThere(segments)
      if (!place || !look(place)) return
      if (!this.#folders.isStill(place.folder)) throw new FolderMoved(place.path)
      try {
        rmdirSync(place.folder.prefix + place.name)
      } catch (error) {
        const isFull = ['ENOTEMPTY', 'EEXIST'].includes(systemCode(error) ?? '')
        throw isFull ? new WriteError('kept-folder', place.path) : error
      }
    })
  }

  /** Removes a folder if it is empty, then those above it, up to the first that holds something. */
  async removeEmptyFolders(segments: readonly string[]): Promise<void> {
    for (let depth = segments.length; depth > 0; depth--) {
      const part = segments.slice(0, depth)
      const removed = this.#attempt(part, () => {
        const place = this.#placeIfThere(part)
        if (!place || !look(place)?.isDirectory()) return false
        if (!this.#folders.isStill(place.folder)) throw new FolderMoved(place.path)
        try {
          rmdirSync(place.folder.prefix + place.name)
          return true
        } catch (error) {
          if (['ENOTEMPTY', 'EEXIST', 'EBUSY', 'EPERM'].includes(systemCode(error) ?? '')) return false
          throw error
        }
      })
      if (!removed) return
    }
  }

  /** Whether a link may be made in the folder as it is now. */
  checkLink(segments: readonly string[], target: string): LinkResult {
    return this.#attempt(segments, () => {
      const decision = checkLink(segments, target, this.#rules, at => this.#lookAt(at))
      return decision.ok ? { ok: true } : decision
    })
  }

  /**
   * Makes a link if its target (components separated by '/') is relative and ends inside the copy.
   * @param expected the file or link that it may replace
   * @throws WriteError 'exists' and 'changed' as for files, 'permission' where the user may not make links
   */
  makeLink(segments: readonly string[], target: string, expected?: Precondition): LinkResult {
    return this.#attempt(segments, () => {
      const decision = checkLink(segments, target, this.#rules, at => this.#lookAt(at))
      if (!decision.ok) return decision
      const place = this.#place(segments, true)
      const text = this.#rules.windowsNames ? target.replaceAll('/', '\\') : target
      const type = decision.kind === 'folder' ? 'dir' : 'file'
      const path = place.folder.prefix + place.name
      const found = look(place)
      if (found?.isSymbolicLink() && readlinkSync(path) === text) return { ok: true }
      if (found && !found.isSymbolicLink()) checkReplaceable(found, expected ?? 'absent', place.path)
      else checkExpected(found, expected ?? 'absent', place.path)
      if (!this.#folders.isStill(place.folder)) throw new FolderMoved(place.path)
      if (!found) {
        symlinkSync(text, path, type)
        return { ok: true }
      }
      const temporary = place.folder.prefix + freshTemporaryName()
      symlinkSync(text, temporary, type)
      try {
        renameSync(temporary, path)
      } catch (error) {
        discard(temporary)
        throw error
      }
      return { ok: true }
    })
  }

  /**
   * The stat of this path. No link is followed.
   * @throws WriteError 'outside' when a folder on the way is a link
   */
  stat(segments: readonly string[]): EntryStat | undefined {
    return this.#attempt(segments, () => {
      const place = this.#placeIfThere(segments)
      return place && statOf(place)
    })
  }

  /**
   * Returns a function that gives the stat of a name in one folder; undefined when there is no such folder. The
   * function is valid only until another folder is asked for, because the place of the folder is checked just once,
   * here.
   * @throws WriteError as `stat`, here or from the function
   */
  statsIn(segments: readonly string[]): ((name: string) => EntryStat | undefined) | undefined {
    const folder = this.#attempt(segments, () => this.#folders.find(segments, false))
    if (folder === undefined) return undefined
    return name => {
      const path = [...segments, name].join('/')
      if (isNoName(name)) throw new WriteError('name', path)
      try {
        return statOf({ folder, name, path })
      } catch (error) {
        throw toWriteError(error, path)
      }
    }
  }

  /** Names in a folder, none when there is no such folder. */
  namesIn(segments: readonly string[]): string[] {
    return this.#attempt(segments, () => {
      const folder = this.#folders.find(segments, false)
      return folder ? readdirSync(folder.prefix) : []
    })
  }

  /** Where a link leads, components separated by '/'; undefined when there is none. */
  readLink(segments: readonly string[]): string | undefined {
    return this.#attempt(segments, () => {
      const place = this.#placeIfThere(segments)
      if (!place || !look(place)?.isSymbolicLink()) return undefined
      const text = readlinkSync(place.folder.prefix + place.name)
      return this.#rules.windowsNames ? text.replaceAll('\\', '/') : text
    })
  }

  /** Opens a file to read it; undefined when there is none that may be read. The caller closes it. */
  openFile(segments: readonly string[]): OpenFile | undefined {
    return this.#attempt(segments, () => {
      const place = this.#placeIfThere(segments)
      return place && openToRead(place)
    })
  }

  /**
   * Gives an existing file another time or executable bit.
   * @returns its new mark
   * @throws WriteError 'changed' when another file is there than expected, 'permission'
   */
  adjust(segments: readonly string[], expected: FileMark, options: FileAttributes): FileMark {
    return this.#attempt(segments, () => adjust(this.#place(segments, true), expected, options))
  }

  /**
   * Removes temporaries of crashed runs and of `dropTokens`. Leaves those of `keepTokens`, and those that other
   * peer processes may be writing.
   * @returns how many
   */
  sweep(keepTokens: Iterable<string> = [], dropTokens: Iterable<string> = []): Promise<number> {
    const namesOf = (tokens: Iterable<string>) => new Set([...tokens].map(temporaryNameOf))
    return sweep(this.#folders, namesOf(keepTokens), namesOf(dropTokens))
  }

  /** Suspends files that can be resumed, aborts all others, and closes the folders. */
  async close(): Promise<void> {
    const ends = [...this.#open].map(file => (file.resumable ? file.suspend() : file.abort()))
    await Promise.allSettled(ends) // leftovers are swept later
    this.#folders.close()
  }

  #place(segments: readonly string[], create: true): Place
  #place(segments: readonly string[], create: boolean): Place | undefined
  #place(segments: readonly string[], create: boolean): Place | undefined {
    const path = segments.join('/')
    const name = segments.at(-1)
    if (!name || segments.some(isNoName)) throw new WriteError('name', path)
    const folder = this.#folders.find(segments.slice(0, -1), create)
    return folder && { folder, name, path }
  }

  #placeIfThere(segments: readonly string[]): Place | undefined {
    return this.#place(segments, false)
  }

  #lookAt(segments: readonly string[]): Found {
    const place = this.#placeIfThere(segments)
    const found = place && look(place)
    if (!place || !found) return { kind: 'missing' }
    if (found.isSymbolicLink())
      return { kind: 'link', target: readlinkSync(place.folder.prefix + place.name) }
    return { kind: found.isDirectory() ? 'folder' : 'file' }
  }

  /** Runs synchronous work. Walks again when a folder moved, and closes unused folders when descriptors run out. */
  #attempt<T>(segments: readonly string[], work: () => T): T {
    for (let attempt = 1; ; attempt++) {
      try {
        return this.#withUmask(work)
      } catch (error) {
        const code = systemCode(error)
        if (code === 'ENOENT' || error instanceof FolderMoved) this.#folders.checkRoot()
        else if (code === 'EMFILE' || code === 'ENFILE') this.#folders.release()
        else throw toWriteError(error, segments.join('/'))
        if (attempt === ATTEMPTS) throw toWriteError(error, segments.join('/'))
      }
    }
  }

  #retry<T>(segments: readonly string[], work: () => T): Promise<T> {
    return retrying(this.#retryDelaysMs, segments.join('/'), work)
  }
}

/** Names that `checkPath` refuses already. The writer does not rely on that. */
function isNoName(name: string): boolean {
  return name === '' || name === '.' || name === '..' || /[/\0]/.test(name)
}

function statOf(place: Place): EntryStat | undefined {
  const found = look(place)
  if (found === undefined) return undefined
  const { birthtimeMs, mode } = found
  return { ...markOf(found), kind: kindOf(found), executable: (mode & 0o100) !== 0, birthtimeMs }
}

function kindOf(found: Stats): EntryStat['kind'] {
  if (found.isFile()) return 'file'
  if (found.isDirectory()) return 'folder'
  return found.isSymbolicLink() ? 'link' : 'special'
}
