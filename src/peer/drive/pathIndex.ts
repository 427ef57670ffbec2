/**
 * All entries of one version of a share, in memory, as a tree: what answers every stat, directory listing and search
 * without the network.
 *
 * A drive may hold paths that no folder tree can: `/a` beside `/a/b`, empty or dot components. Such entries stay
 * reachable for a copy's report (`entries`), but have no place in the tree; `misplaced` lists them.
 */
import type { DrivePath } from '../../common/brand'
import type { FileEntry } from '../../common/model'
import type { DriveEntry } from './entry'

interface Folder {
  readonly folders: Map<string, Folder>
  readonly files: Map<string, DriveEntry>
  /** The newest mtime of anything below, so that a folder's mtime advances with its content. */
  mtime: number
}

export class PathIndex {
  private readonly root: Folder = newFolder()
  private readonly byPath = new Map<DrivePath, DriveEntry>()
  readonly misplaced: DrivePath[] = []
  bytes = 0

  constructor(
    /** Length of the path log this index describes. */
    public version: number,
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

  /** Adds or replaces. */
  put(entry: DriveEntry): void {
    const old = this.byPath.get(entry.path)
    if (old !== undefined) this.bytes -= old.size
    this.byPath.set(entry.path, entry)
    this.bytes += entry.size

    const parts = entry.path.slice(1).split('/')
    const name = parts.pop() ?? ''
    if (!isName(name) || !parts.every(isName)) {
      this.misplaced.push(entry.path)
      return
    }
    let folder = this.root
    folder.mtime = Math.max(folder.mtime, entry.mtime)
    for (const part of parts) {
      let next = folder.folders.get(part)
      if (next === undefined) {
        if (folder.files.has(part)) {
          this.misplaced.push(entry.path)
          return
        }
        next = newFolder()
        folder.folders.set(part, next)
      }
      next.mtime = Math.max(next.mtime, entry.mtime)
      folder = next
    }
    if (folder.folders.has(name)) this.misplaced.push(entry.path)
    else folder.files.set(name, entry)
  }

  remove(path: DrivePath): void {
    const old = this.byPath.get(path)
    if (old === undefined) return
    this.byPath.delete(path)
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
    folder.files.delete(name)
    for (const [parent, part] of trail.reverse()) {
      const child = parent.folders.get(part)
      if (child !== undefined && child.files.size === 0 && child.folders.size === 0)
        parent.folders.delete(part)
    }
  }

  /** A file, link or folder; undefined when there is none. '/' is the root folder. */
  stat(path: DrivePath): FileEntry | undefined {
    const trimmed = trimSlash(path)
    if (trimmed === '') return folderEntry('', this.root)
    const found = this.locate(trimmed)
    if (found === undefined) return undefined
    return 'path' in found.node ? fileEntry(found.name, found.node) : folderEntry(found.name, found.node)
  }

  /** Children of a folder, sorted by name; undefined when there is no such folder. */
  list(path: DrivePath): FileEntry[] | undefined {
    const trimmed = trimSlash(path)
    const found = trimmed === '' ? this.root : this.locate(trimmed)?.node
    if (found === undefined || 'path' in found) return undefined
    const children = [...found.folders].map(([name, folder]) => folderEntry(name, folder))
    for (const [name, entry] of found.files) children.push(fileEntry(name, entry))
    return children.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  }

  /** Every entry at or below a path, in path order. */
  select(path: DrivePath): DriveEntry[] {
    const trimmed = trimSlash(path)
    const prefix = `${trimmed}/`
    const selected: DriveEntry[] = []
    for (const entry of this.byPath.values()) {
      if (trimmed === '' || entry.path === trimmed || entry.path.startsWith(prefix)) selected.push(entry)
    }
    return selected.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
  }

  private locate(path: string): { name: string; node: Folder | DriveEntry } | undefined {
    const parts = path.slice(1).split('/')
    const name = parts.pop() ?? ''
    let folder: Folder | undefined = this.root
    for (const part of parts) {
      folder = folder.folders.get(part)
      if (folder === undefined) return undefined
    }
    const node = folder.folders.get(name) ?? folder.files.get(name)
    return node === undefined ? undefined : { name, node }
  }
}

/** `/a/b/` and `/a/b` are the same place; the root is ''. */
export function trimSlash(path: string): string {
  return path.replace(/\/+$/, '')
}

function newFolder(): Folder {
  return { folders: new Map(), files: new Map(), mtime: 0 }
}

function isName(part: string): boolean {
  return part !== '' && part !== '.' && part !== '..'
}

function folderEntry(name: string, folder: Folder): FileEntry {
  return { name, kind: 'folder', size: 0, mtime: folder.mtime, executable: false }
}

function fileEntry(name: string, entry: DriveEntry): FileEntry {
  const { kind, size, mtime, executable, linkTarget } = entry
  return { name, kind, size, mtime, executable, ...(linkTarget === undefined ? {} : { linkTarget }) }
}
