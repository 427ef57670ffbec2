/**
 * Makes an index of paths: from nothing, or from another one, which stays as it is. Changes copy the folders on
 * their way, each once. All other folders are shared.
 */
import type { DrivePath } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { formatCount } from '../../common/format'
import { DEFAULT_LIMITS, type ShareLimits } from '../limits'
import { compareDrivePaths } from '../names/pathOrder'
import { type Folder, MadeFolder } from './folder'
import type { DriveEntry } from './format/entry'
import { LayeredMap } from './layeredMap'
import { type IndexParts, PathIndex, type SortedFolder } from './pathIndex'

/** Deeper paths are refused everywhere (names/paths.ts); each level costs memory. */
const MAX_DEPTH = 255

type WritableParts = { -readonly [K in keyof IndexParts]: IndexParts[K] }

/** Answers like the index, with the entries so far. */
export class PathIndexBuilder extends PathIndex {
  /** The folder of the last `put`, and those above it. */
  private last: { readonly parent: string; readonly trail: readonly MadeFolder[] } | undefined
  /** The keys of the sorted folder, if this builder made them. */
  private sortedHere: { readonly folder: Folder; readonly keys: string[] } | undefined

  private constructor(
    private readonly making: WritableParts,
    private readonly limits: () => ShareLimits,
    /** Marks folders that this builder may change. */
    private maker: object,
    sorted?: SortedFolder,
  ) {
    super(making, sorted)
  }

  static empty(limits: () => ShareLimits = () => DEFAULT_LIMITS): PathIndexBuilder {
    const maker = {}
    const [loose, malformed] = [new LayeredMap<DriveEntry>(), new LayeredMap<true>()]
    const parts = { root: new MadeFolder(maker), loose, malformed, files: 0, folders: 0, bytes: 0 }
    return new PathIndexBuilder(parts, limits, maker)
  }

  static from({ parts, sorted }: PathIndex, limits: () => ShareLimits): PathIndexBuilder {
    const copied = { loose: parts.loose.copy(), malformed: parts.malformed.copy() }
    return new PathIndexBuilder({ ...parts, ...copied }, limits, {}, sorted)
  }

  /** The finished index. Later changes of the builder do not show in it. */
  done(): PathIndex {
    const { making, sorted } = this
    this.maker = {}
    this.last = undefined
    this.sortedHere = undefined
    const index = new PathIndex({ ...making }, sorted)
    making.loose = making.loose.copy()
    making.malformed = making.malformed.copy()
    return index
  }

  /** Adds or replaces. Throws `limit-passed`. */
  put(entry: DriveEntry): void {
    const { making } = this
    const { path, mtime } = entry
    const slash = path.lastIndexOf('/')
    const name = path.slice(slash + 1)
    const trail = isName(name) ? this.trailTo(path.slice(0, slash)) : undefined
    const folder = trail?.at(-1)
    const isPlaced = folder !== undefined && !folder.folders.has(name)
    const old = (isPlaced ? folder.files.get(name) : undefined) ?? this.looseAt(path)
    if (old !== undefined) making.bytes -= old.size
    else {
      this.assertRoom()
      making.files++
    }
    making.bytes += entry.size
    if (making.malformed.size > 0) making.malformed.delete(path)
    if (trail !== undefined && mtime !== undefined)
      for (const above of trail) if (above.mtime < mtime) above.mtime = mtime
    if (!isPlaced) making.loose.set(path, entry)
    else {
      if (making.loose.size > 0) making.loose.delete(path)
      if (!folder.files.has(name)) this.noteChild(folder, name)
      folder.files.set(name, entry)
    }
  }

  /** Remembers a key that holds no well-formed entry (any more), for the report of a copy. Throws `limit-passed`. */
  putMalformed(key: string): void {
    const { making } = this
    this.remove(key as DrivePath)
    if (making.malformed.has(key)) return
    this.assertRoom()
    making.malformed.set(key, true)
  }

  remove(path: DrivePath): void {
    const { making } = this
    making.malformed.delete(path)
    const old = this.entry(path)
    if (old === undefined) return
    making.files--
    making.bytes -= old.size
    this.last = undefined
    if (this.looseAt(path) !== undefined) {
      making.loose.delete(path)
      return
    }
    const parts = path.slice(1).split('/')
    const name = parts.pop() ?? ''
    const trail = this.ownTrail(parts)
    const folder = trail.at(-1)
    folder?.files.delete(name)
    for (let at = trail.length - 1; at >= 0; at--) {
      const changed = trail[at]
      const above = trail[at - 1]
      if (changed === undefined) return
      this.noteGone(changed)
      if (above === undefined || changed.files.size > 0 || changed.folders.size > 0) return
      above.folders.delete(parts[at - 1] ?? '')
      making.folders--
    }
  }

  private looseAt(path: string): DriveEntry | undefined {
    return this.making.loose.size === 0 ? undefined : this.making.loose.get(path)
  }

  /**
   * A folder and those above it, the root first, made where missing. Undefined when there can be no such folder.
   * Most entries lie in the folder of the entry before.
   */
  private trailTo(parent: string): readonly MadeFolder[] | undefined {
    if (this.last?.parent === parent) return this.last.trail
    const parts = parent.split('/').slice(1)
    if (parts.length >= MAX_DEPTH || !parts.every(isName)) return undefined
    let folder = this.ownRoot()
    const trail = [folder]
    for (const part of parts) {
      let next = this.ownChild(folder, part)
      if (next === undefined) {
        if (folder.files.has(part)) return undefined
        this.assertRoom()
        next = new MadeFolder(this.maker)
        folder.folders.set(part, next)
        this.noteChild(folder, `${part}/`)
        this.making.folders++
      }
      trail.push(next)
      folder = next
    }
    this.last = { parent, trail }
    return trail
  }

  /** Existing folders on a way, the root first. */
  private ownTrail(parts: readonly string[]): MadeFolder[] {
    const trail = [this.ownRoot()]
    for (const part of parts) {
      const above = trail.at(-1)
      const next = above === undefined ? undefined : this.ownChild(above, part)
      if (next !== undefined) trail.push(next)
    }
    return trail
  }

  private ownRoot(): MadeFolder {
    const own = this.own(this.making.root)
    this.making.root = own
    return own
  }

  private ownChild(folder: MadeFolder, name: string): MadeFolder | undefined {
    const child = folder.folders.get(name)
    if (child === undefined) return undefined
    const own = this.own(child)
    if (own !== child) folder.folders.set(name, own)
    return own
  }

  /** The folder itself where it is this builder's, else a copy of it. */
  private own(folder: MadeFolder): MadeFolder {
    if (folder.maker === this.maker) return folder
    const own = new MadeFolder(this.maker, folder)
    if (this.sorted?.folder === folder) this.sorted = { folder: own, keys: this.sorted.keys }
    return own
  }

  /** Notes a new child. A folder that is listed while the index is filled in path order stays sorted. */
  private noteChild(folder: MadeFolder, key: string): void {
    folder.spelled = undefined
    const { sorted } = this
    if (sorted?.folder !== folder) return
    const last = sorted.keys.at(-1)
    if (last !== undefined && compareDrivePaths(last, key) >= 0) this.sorted = undefined
    else {
      if (this.sortedHere?.keys !== sorted.keys) this.sortedHere = { folder, keys: [...sorted.keys] }
      this.sortedHere.keys.push(key)
      this.sorted = this.sortedHere
    }
  }

  private noteGone(folder: MadeFolder): void {
    folder.spelled = undefined
    if (this.sorted?.folder === folder) this.sorted = undefined
  }

  private assertRoom(): void {
    const { entries } = this.limits()
    const { files, folders, malformed } = this.making
    if (files + malformed.size + folders < entries) return
    throw new PeerfoldError(
      'limit-passed',
      `The share holds more than ${formatCount(entries)} files and folders, so it is paused.`,
    )
  }
}

function isName(part: string): boolean {
  return part !== '' && part !== '.' && part !== '..'
}
