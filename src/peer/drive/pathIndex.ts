/**
 * All entries of one version of a share, in memory, as a tree. It answers every stat, directory listing and search
 * without the network. An index does not change. `PathIndexBuilder` makes one from nothing, or from the one of the
 * version before; then both share the parts that are the same.
 *
 * A drive may hold paths that no folder tree can: `/a` beside `/a/b`, empty or dot components, a thousand folders
 * deep. Such entries have no place in the tree, but `entries` gives them, for a copy's report.
 */
import type { DrivePath } from '../../common/brand'
import type { FileEntry } from '../../common/model'
import { compareDrivePaths } from '../names/pathOrder'
import { type Folder, fileEntry, folderEntry, type MadeFolder, spellingIn } from './folder'
import type { DriveEntry } from './format/entry'
import type { LayeredMap, Layers } from './layeredMap'

/** The parts of an index. */
export interface IndexParts {
  readonly root: MadeFolder
  /** Entries that have no place in the tree, by their paths. */
  readonly loose: LayeredMap<DriveEntry>
  /** Keys that hold no well-formed entry. */
  readonly malformed: LayeredMap<true>
  /** How many entries and folders there are, and the bytes of all entries. */
  readonly files: number
  readonly folders: number
  readonly bytes: number
}

/** A folder, and the keys of its children in path order. */
export interface SortedFolder {
  readonly folder: Folder
  readonly keys: readonly string[]
}

export class PathIndex {
  /**
   * @param parts used only by builders
   * @param sorted the folder that was last listed, because a large folder is asked for part by part
   */
  constructor(
    readonly parts: IndexParts,
    public sorted?: SortedFolder,
  ) {}

  /** The top folder, to walk the tree. */
  get root(): Folder {
    return this.parts.root
  }

  get files(): number {
    return this.parts.files
  }

  get bytes(): number {
    return this.parts.bytes
  }

  /** In no order. */
  *entries(): Generator<DriveEntry> {
    const left: Folder[] = [this.root]
    for (let folder = left.pop(); folder !== undefined; folder = left.pop()) {
      yield* folder.files.values()
      for (const below of [...folder.folders.values()].reverse()) left.push(below)
    }
    yield* this.parts.loose.values()
  }

  entry(path: DrivePath): DriveEntry | undefined {
    if (!path.startsWith('/')) return undefined // a stranger's log may have any key
    const slash = path.lastIndexOf('/')
    const found = this.folderOf(path.slice(0, slash))?.files.get(path.slice(slash + 1))
    return found ?? this.parts.loose.get(path)
  }

  /**
   * The share's spelling of a path. A name that does not exist as it was typed stands for the one that is equal
   * under Unicode normalisation: `é` may be one character or two, and people do not see which. Undefined when
   * nothing is there. Throws `ambiguous-path` where two names are equal to the typed one, and neither is exactly
   * it.
   */
  spelling(path: DrivePath): DrivePath | undefined {
    if (this.entry(path) !== undefined) return path
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
   * Children of a folder in path order, in which a folder stands as if its name ended with `/`. At most `limit`,
   * after the child named `after`. Undefined when there is no such folder.
   */
  list(path: DrivePath, after = '', limit = Number.POSITIVE_INFINITY): FileEntry[] | undefined {
    const folder = this.folderOf(trimSlash(path))
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
   * How many children stand after the one named `after` and before `key`, which ends with `/` for a folder. 0 when
   * there is no child `after`: its place would depend on whether it was a file or a folder.
   */
  countBefore(path: DrivePath, after: string, key: string): number {
    const folder = this.folderOf(trimSlash(path))
    if (folder === undefined) return 0
    if (after !== '' && !folder.folders.has(after) && !folder.files.has(after)) return 0
    const keys = this.sortedKeys(folder)
    return firstNotBefore(keys, key) - firstAfter(keys, keyOf(folder, after))
  }

  /** Every entry at or below a path, in no order. */
  *select(path: DrivePath): Generator<DriveEntry> {
    const trimmed = trimSlash(path)
    const prefix = `${trimmed}/`
    for (const entry of this.entries()) {
      if (trimmed === '' || entry.path === trimmed || entry.path.startsWith(prefix)) yield entry
    }
  }

  /** Keys at or below a path that hold no well-formed entry, in order. */
  malformedBelow(path: DrivePath): string[] {
    const prefix = `${trimSlash(path)}/`
    return [...this.parts.malformed.keys()]
      .filter(key => path === '/' || key === path || key.startsWith(prefix))
      .sort()
  }

  /** Paths of entries that may differ in another index. Only a few, if one index was made from the other. */
  *pathsThatDiffer({ parts }: PathIndex): Generator<DrivePath> {
    const left: [Folder | undefined, Folder | undefined][] = [[this.root, parts.root]]
    for (let pair = left.pop(); pair !== undefined; pair = left.pop()) {
      const [ours, theirs] = pair
      if (ours === theirs) continue
      for (const name of keysThatDiffer(ours?.files, theirs?.files)) {
        const [here, there] = [ours?.files.get(name), theirs?.files.get(name)]
        const path = here?.path ?? there?.path
        if (here !== there && path !== undefined) yield path
      }
      for (const name of keysThatDiffer(ours?.folders, theirs?.folders))
        left.push([ours?.folders.get(name), theirs?.folders.get(name)])
    }
    yield* keysThatDiffer(this.parts.loose, parts.loose) as Iterable<DrivePath>
  }

  /** @param path without a slash at its end, '' for the root */
  protected folderOf(path: string): Folder | undefined {
    let folder: Folder | undefined = this.root
    for (let start = 1; start <= path.length && folder !== undefined; ) {
      const slash = path.indexOf('/', start)
      const end = slash < 0 ? path.length : slash
      folder = folder.folders.get(path.slice(start, end))
      start = end + 1
    }
    return folder
  }

  private sortedKeys(folder: Folder): readonly string[] {
    if (this.sorted?.folder !== folder) {
      const keys = [...folder.folders.keys()].map(name => `${name}/`)
      this.sorted = { folder, keys: keys.concat([...folder.files.keys()]).sort(compareDrivePaths) }
    }
    return this.sorted.keys
  }
}

function keysThatDiffer<V>(ours: Layers<V> | undefined, theirs: Layers<V> | undefined): Iterable<string> {
  return (ours ?? theirs)?.keysThatDiffer(ours === undefined ? undefined : theirs) ?? []
}

/** The sort key of a child. A missing child gets that of a file. */
function keyOf(folder: Folder, name: string): string {
  return folder.folders.has(name) ? `${name}/` : name
}

/** Index of the first key after this one, in a sorted list. */
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
