/**
 * All entries of one version of a share, in memory, as a tree: what answers every stat, directory listing and search
 * without the network.
 *
 * A drive may hold paths that no folder tree can: `/a` beside `/a/b`, empty or dot components, a thousand folders
 * deep. Such entries stay reachable for a copy's report (`entries`), but have no place in the tree.
 */
import type { DrivePath } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { formatCount } from '../../common/format'
import type { FileEntry } from '../../common/model'
import { DEFAULT_LIMITS, type ShareLimits } from '../limits'
import { compareDrivePaths } from '../names/pathOrder'
import type { DriveEntry } from './format/entry'

/** Deeper paths are refused everywhere (names/paths.ts); each level costs memory. */
const MAX_DEPTH = 255

export interface Folder {
  readonly folders: Map<string, Folder>
  readonly files: Map<string, DriveEntry>
  /** Names beyond ASCII by their composed form, since the first look for another spelling until a name comes or goes. */
  spelled?: ReadonlyMap<string, readonly string[]> | undefined
  /** The newest mtime of anything below, so that a folder's mtime advances with its content. -Infinity: none is known. */
  mtime: number
}

export class PathIndex {
  /** For who walks it; changed by this class alone. */
  readonly root: Folder = newFolder()
  private readonly byPath = new Map<DrivePath, DriveEntry>()
  private readonly malformedPaths = new Set<string>()
  private folders = 0
  /** The folder that was last put into. */
  private last: { readonly parent: string; readonly trail: readonly Folder[] } | undefined
  /** The folder that was last listed, and the keys of its children in order, until anything in it changes. */
  private sorted: { readonly folder: Folder; readonly keys: string[] } | undefined
  bytes = 0

  constructor(
    /** Length of the path log this index describes. */
    public version: number,
    private readonly limits: () => ShareLimits = () => DEFAULT_LIMITS,
  ) {}

  get files(): number {
    return this.byPath.size
  }

  entries(): IterableIterator<DriveEntry> {
    return this.byPath.values()
  }

  entry(path: DrivePath): DriveEntry | undefined {
    return this.byPath.get(path)
  }

  /** Adds or replaces. Throws `limit-passed`. */
  put(entry: DriveEntry): void {
    const old = this.byPath.get(entry.path)
    if (old !== undefined) this.bytes -= old.size
    else this.assertRoom()
    this.malformedPaths.delete(entry.path)
    this.byPath.set(entry.path, entry)
    this.bytes += entry.size

    const slash = entry.path.lastIndexOf('/')
    const name = entry.path.slice(slash + 1)
    if (!isName(name)) return
    const trail = this.trailTo(entry.path.slice(0, slash))
    const folder = trail?.at(-1)
    if (trail === undefined || folder === undefined) return
    const { mtime } = entry
    if (mtime !== undefined) for (const above of trail) if (above.mtime < mtime) above.mtime = mtime
    if (folder.folders.has(name)) return
    if (!folder.files.has(name)) this.noteChild(folder, name)
    folder.files.set(name, entry)
  }

  /** A folder and those above it, the root first, made if need be; undefined when there can be no such folder. Most
   *  entries lie in the folder of the one before. */
  private trailTo(parent: string): readonly Folder[] | undefined {
    if (this.last?.parent === parent) return this.last.trail
    const parts = parent.split('/').slice(1)
    if (parts.length >= MAX_DEPTH || !parts.every(isName)) return undefined
    let folder = this.root
    const trail = [folder]
    for (const part of parts) {
      let next = folder.folders.get(part)
      if (next === undefined) {
        if (folder.files.has(part)) return undefined
        this.assertRoom()
        next = newFolder()
        folder.folders.set(part, next)
        this.noteChild(folder, `${part}/`)
        this.folders++
      }
      trail.push(next)
      folder = next
    }
    this.last = { parent, trail }
    return trail
  }

  /** Remembers a key that holds no well-formed entry (any more), for the report of a copy. Throws `limit-passed`. */
  putMalformed(key: string): void {
    this.remove(key as DrivePath)
    if (this.malformedPaths.has(key)) return
    this.assertRoom()
    this.malformedPaths.add(key)
  }

  remove(path: DrivePath): void {
    this.sorted = undefined
    this.malformedPaths.delete(path)
    const old = this.byPath.get(path)
    if (old === undefined) return
    this.byPath.delete(path)
    this.last = undefined
    this.bytes -= old.size
    const parts = path.slice(1).split('/')
    const name = parts.pop() ?? ''
    const trail: [Folder, string][] = []
    let folder = this.root
    for (const part of parts) {
      const next = folder.folders.get(part)
      if (next === undefined) return
      trail.push([folder, part])
      folder = next
    }
    if (folder.files.get(name) === old) folder.files.delete(name)
    folder.spelled = undefined
    for (const [parent, part] of trail.reverse()) {
      const child = parent.folders.get(part)
      if (child === undefined || child.files.size > 0 || child.folders.size > 0) return
      parent.folders.delete(part)
      parent.spelled = undefined
      this.folders--
    }
  }

  /**
   * How the share spells a path. A name that is not there as it was typed stands for the one that is equal to it under
   * Unicode normalisation: `é` may be one character or two, and nobody sees which. Undefined when nothing is there.
   * Throws `ambiguous-path` where two names are equal to the one typed, and neither is it.
   */
  spelling(path: DrivePath): DrivePath | undefined {
    if (this.byPath.has(path)) return path
    let folder: Folder | undefined = this.root
    let spelled = ''
    for (const part of trimSlash(path).split('/').slice(1)) {
      if (folder === undefined) return undefined
      const name = spellingIn(folder, part, spelled)
      if (name === undefined) return undefined
      spelled += `/${name}`
      folder = folder.folders.get(name)
    }
    return (spelled === '' ? '/' : spelled) as DrivePath
  }

  /**
   * Children of a folder in path order, a folder as if its name ended with `/`: at most `limit` after the child named
   * `after`. Undefined when there is no such folder.
   */
  list(path: DrivePath, after = '', limit = Number.POSITIVE_INFINITY): FileEntry[] | undefined {
    const folder = this.folderAt(path)
    if (folder === undefined) return undefined
    const keys = this.sortedKeys(folder)
    const start = firstAfter(keys, keyOf(folder, after))
    return keys.slice(start, start + limit).flatMap(key => {
      const file = folder.files.get(key)
      if (file !== undefined) return fileEntry(key, file)
      const name = key.slice(0, -1)
      const child = folder.folders.get(name)
      return child === undefined ? [] : folderEntry(name, child)
    })
  }

  /**
   * How many children stand after the one named `after` and before `key`, which ends with `/` for a folder. None when
   * there is no child `after`: where it stood depends on what it was.
   */
  countBefore(path: DrivePath, after: string, key: string): number {
    const folder = this.folderAt(path)
    if (folder === undefined) return 0
    if (after !== '' && !folder.folders.has(after) && !folder.files.has(after)) return 0
    const keys = this.sortedKeys(folder)
    return firstNotBefore(keys, key) - firstAfter(keys, keyOf(folder, after))
  }

  private folderAt(path: DrivePath): Folder | undefined {
    let folder: Folder | undefined = this.root
    for (const part of trimSlash(path).split('/').slice(1)) {
      folder = folder.folders.get(part)
      if (folder === undefined) return undefined
    }
    return folder
  }

  /** A large folder is asked for part by part. */
  private sortedKeys(folder: Folder): readonly string[] {
    if (this.sorted?.folder !== folder) {
      const keys = [...folder.folders.keys()].map(name => `${name}/`)
      this.sorted = { folder, keys: keys.concat([...folder.files.keys()]).sort(compareDrivePaths) }
    }
    return this.sorted.keys
  }

  /** A new child: while an index is filled in path order, a folder that is asked for meanwhile stays sorted. */
  private noteChild(folder: Folder, key: string): void {
    folder.spelled = undefined
    if (this.sorted?.folder !== folder) return
    const { keys } = this.sorted
    const last = keys.at(-1)
    if (last === undefined || compareDrivePaths(last, key) < 0) keys.push(key)
    else this.sorted = undefined
  }

  /** Every entry at or below a path, in no order. To be gone through at once: the index may change. */
  *select(path: DrivePath): Generator<DriveEntry> {
    const trimmed = trimSlash(path)
    const prefix = `${trimmed}/`
    for (const entry of this.byPath.values()) {
      if (trimmed === '' || entry.path === trimmed || entry.path.startsWith(prefix)) yield entry
    }
  }

  private assertRoom(): void {
    const { entries } = this.limits()
    if (this.byPath.size + this.malformedPaths.size + this.folders < entries) return
    throw new PeerfoldError(
      'limit-passed',
      `The share holds more than ${formatCount(entries)} files and folders, so it is paused.`,
    )
  }

  /** Keys at or below a path that hold no well-formed entry, in order. */
  malformedBelow(path: DrivePath): string[] {
    const prefix = `${trimSlash(path)}/`
    return [...this.malformedPaths]
      .filter(key => path === '/' || key === path || key.startsWith(prefix))
      .sort()
  }
}

/** How a folder spells the name of a child, see `PathIndex.spelling`. @param parent its path, '' for the share */
export function spellingIn(folder: Folder, name: string, parent: string): string | undefined {
  const equal = spellingsIn(folder, name)
  if (equal.length > 1)
    throw new PeerfoldError('ambiguous-path', equal.map(one => escaped(`${parent}/${one}`)).join(' and '))
  return equal[0]
}

/** The name itself where it is there, else all children whose names are equal to it under Unicode normalisation. */
export function spellingsIn(folder: Folder, name: string): readonly string[] {
  if (folder.folders.has(name) || folder.files.has(name)) return [name]
  folder.spelled ??= bySpelling([...folder.folders.keys(), ...folder.files.keys()])
  return folder.spelled.get(name.normalize('NFC')) ?? []
}

function bySpelling(names: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>()
  for (const name of names) {
    if (isAscii(name)) continue
    const composed = name.normalize('NFC')
    const equal = found.get(composed)
    if (equal === undefined) found.set(composed, [name])
    else equal.push(name)
  }
  return found
}

function isAscii(name: string): boolean {
  return /^[\0-\x7f]*$/.test(name)
}

/** Tells names apart that look the same. */
function escaped(name: string): string {
  return name.replace(/[^\x20-\x7e]/gu, char => `\\u{${char.codePointAt(0)?.toString(16)}}`)
}

/** Where a child stands among the others; one that is gone, where a file would. */
function keyOf(folder: Folder, name: string): string {
  return folder.folders.has(name) ? `${name}/` : name
}

/** Where the keys after this one begin, in a sorted list. */
function firstAfter(keys: readonly string[], key: string): number {
  const at = firstNotBefore(keys, key)
  return keys[at] === key ? at + 1 : at
}

function firstNotBefore(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareDrivePaths(keys[middle] ?? '', key) < 0) low = middle + 1
    else high = middle
  }
  return low
}

/** `/a/b/` and `/a/b` are the same place; the root is ''. */
export function trimSlash(path: string): string {
  return path.replace(/\/+$/, '')
}

function newFolder(): Folder {
  return { folders: new Map(), files: new Map(), mtime: Number.NEGATIVE_INFINITY }
}

function isName(part: string): boolean {
  return part !== '' && part !== '.' && part !== '..'
}

export function folderEntry(name: string, folder: Folder): FileEntry {
  const { mtime } = folder
  return { name, kind: 'folder', size: 0, ...(Number.isFinite(mtime) ? { mtime } : {}), executable: false }
}

export function fileEntry(name: string, entry: DriveEntry): FileEntry {
  const { kind, size, mtime, executable, linkTarget } = entry
  return {
    name,
    kind,
    size,
    ...(mtime === undefined ? {} : { mtime }),
    executable,
    ...(linkTarget === undefined ? {} : { linkTarget }),
  }
}
