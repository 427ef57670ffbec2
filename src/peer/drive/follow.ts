/**
 * Where a path of a share leads when its links are followed. A path is walked component by component, as a kernel walks
 * it: `..` behind a link is the folder around the link's target, at most 40 links lie on one way, and a file has nothing
 * below it. Nothing is followed out of the share, and an absolute target names a place on the sharer's machine.
 *
 * A listing tells what each link in it points at. Whoever walks a share by its listings must come to an end, so links
 * that could lead on for ever point at nothing there: those to a folder that the way went through, and those to a folder
 * once the way went through three such links (a chain of folders, each with two links to the next, would have 2^n
 * places). Asked for by their paths, these are followed too.
 */
import type { DrivePath } from '../../common/brand'
import { type ErrorCode, PeerfoldError } from '../../common/errors'
import { safeText } from '../../common/format'
import type { FileEntry, PointedAt } from '../../common/model'
import type { DriveEntry } from './entry'
import {
  type Folder,
  fileEntry,
  folderEntry,
  type PathIndex,
  spellingIn,
  spellingsIn,
  trimSlash,
} from './pathIndex'

/** Links on one way, as the kernel counts. */
const MAX_HOPS = 40
/** Links to folders on the way to a listing in which further ones are shown as folders. */
const MAX_WITHIN = 3
/** Characters of a target that a message repeats. */
const SHOWN_TARGET = 200

/** Steps from component to component that may be taken. A target may have thousands, and a folder many such links. */
export interface Steps {
  left: number
}

/** Enough for any share that somebody made to be used. A page of a thousand entries takes some ten milliseconds. */
export function stepsFor(entries: number): Steps {
  return { left: 20_000 + 64 * entries }
}

export type Nowhere = {
  readonly kind: 'nowhere'
  readonly why: 'missing' | 'outside' | 'circle'
  /** Where the way ended, links followed. */
  readonly at: DrivePath
  /** The link by which it came there; undefined where the path itself names nothing. */
  readonly link: DriveEntry | undefined
}

export type Place =
  | { readonly kind: 'file'; readonly path: DrivePath; readonly entry: DriveEntry }
  | { readonly kind: 'folder'; readonly path: DrivePath; readonly folder: Folder; readonly way: Way }
  | Nowhere

/** Where a path leads, all of its links followed. Throws `ambiguous-path`, see `PathIndex.spelling`. */
export function follow(index: PathIndex, path: DrivePath): Place {
  const way = Way.from(index.root)
  const failed = way.walk(path)
  if (failed !== undefined) return nowhere(way, failed)
  return placeOf(way)
}

/** A file, link or folder, as `fs.stat` tells it; links are followed on the way to it. Throws as `follow`. */
export function statAt(index: PathIndex, path: DrivePath): FileEntry | Nowhere {
  const way = Way.from(index.root)
  const failed = way.walk(path, 'as it is')
  if (failed !== undefined) return nowhere(way, failed)
  const { entry } = way
  const found = entry === undefined ? folderEntry(nameOf(way.path), way.folder) : withTarget(entry, way)
  return way.path === trimmed(path) ? found : { ...found, realPath: way.path }
}

/** What each link among the children of a folder points at. @param way that led to the folder */
export function withTargets(
  children: readonly FileEntry[],
  { folder, way }: Extract<Place, { kind: 'folder' }>,
): readonly FileEntry[] {
  const steps = stepsFor(children.length)
  return children.map(child => {
    const entry = child.kind === 'link' ? folder.files.get(child.name) : undefined
    return entry === undefined ? child : withTarget(entry, way, steps)
  })
}

/** Whether a link leads to a folder; false also when the steps do not suffice to tell. */
export function leadsToFolder(index: PathIndex, link: DriveEntry, steps: Steps): boolean {
  const way = Way.from(index.root, steps)
  return way.walk(link.path) === undefined && way.entry === undefined
}

/** That a path leads nowhere, as an error for people. */
export function absence(path: DrivePath, { why, link }: Nowhere): PeerfoldError {
  if (link === undefined) return new PeerfoldError('file-not-found', path)
  const target = `“${safeText(link.linkTarget ?? '', SHOWN_TARGET)}”`
  const what =
    link.path === trimmed(path)
      ? `“${path}” is a link to ${target}`
      : `“${path}” leads to “${link.path}”, a link to ${target}`
  return new PeerfoldError(CODES[why], what)
}

const CODES = {
  missing: 'target-missing',
  outside: 'target-outside',
  circle: 'target-circle',
} as const satisfies Record<Nowhere['why'], ErrorCode>

/** A folder, where it lies ('' for the share itself), and the spot around it. */
interface Spot {
  readonly folder: Folder
  readonly path: string
  readonly around: Spot | undefined
}

/** Goes through a share, one component after the other. */
class Way {
  /** The file or link it came to, in `spot`; undefined where it came to that folder itself. */
  entry: DriveEntry | undefined
  /** The link that was followed last. */
  link: DriveEntry | undefined
  private missed: string | undefined
  private hops = 0
  /** Where the links to folders lie that the path itself names. */
  private readonly left: Spot[] = []
  private passed: ReadonlySet<Folder> | undefined

  constructor(
    private spot: Spot,
    private readonly steps: Steps = { left: Number.POSITIVE_INFINITY },
  ) {}

  static from(root: Folder, steps?: Steps): Way {
    return new Way({ folder: root, path: '', around: undefined }, steps)
  }

  get folder(): Folder {
    return this.spot.folder
  }

  /** Of the place it came to, links followed. */
  get path(): DrivePath {
    return (this.missed ?? this.entry?.path ?? (this.spot.path || '/')) as DrivePath
  }

  /** → why it ended before the end, if it did. */
  walk(path: DrivePath, last: 'followed' | 'as it is' = 'followed'): Nowhere['why'] | undefined {
    const typed = trimSlash(path).split('/').slice(1)
    for (const [at, part] of typed.entries()) {
      this.link = undefined // one that led somewhere explains nothing that comes
      const name = this.entry === undefined ? spellingIn(this.folder, part, this.spot.path) : undefined
      if (name === undefined) return this.miss(part)
      this.enter(name)
      if (this.entry?.kind !== 'link' || (last === 'as it is' && at === typed.length - 1)) continue
      const { spot } = this
      const failed = this.followEntry()
      if (failed !== undefined) return failed
      if (this.entry === undefined) this.left.push(spot)
    }
    return undefined
  }

  /** Goes on from a link to where it leads. */
  followEntry(): Nowhere['why'] | undefined {
    const ahead: string[] = []
    for (;;) {
      if (this.entry?.kind === 'link') {
        const failed = this.turn(this.entry, ahead)
        if (failed !== undefined) return failed
      }
      const part = ahead.pop()
      if (part === undefined) return undefined
      if (--this.steps.left < 0) return 'circle'
      if (this.entry !== undefined) return this.miss(part) // nothing is below a file, not even `.` and `..`
      if (part === '' || part === '.') continue
      if (part === '..') {
        if (this.spot.around === undefined) return 'outside'
        this.spot = this.spot.around
        continue
      }
      const [name, ...others] = spellingsIn(this.folder, part)
      if (name === undefined || others.length > 0) return this.miss(part)
      this.enter(name)
    }
  }

  /** Another way, which begins at a link in the folder where this one is. */
  branch(link: DriveEntry, steps?: Steps): Way {
    const branch = new Way(this.spot, steps)
    branch.entry = link
    branch.hops = this.hops
    return branch
  }

  /** Whether a listing at this place shows a link to such a folder as one. */
  mayShow(folder: Folder): boolean {
    this.passed ??= foldersAround([this.spot, ...this.left])
    return this.left.length < MAX_WITHIN && !this.passed.has(folder)
  }

  private miss(name: string): 'missing' {
    this.missed = `${this.entry?.path ?? this.spot.path}/${name}`
    return 'missing'
  }

  private enter(name: string): void {
    const { folder: around, path } = this.spot
    const folder = around.folders.get(name)
    if (folder === undefined) this.entry = around.files.get(name)
    else this.spot = { folder, path: `${path}/${name}`, around: this.spot }
  }

  private turn(link: DriveEntry, ahead: string[]): Nowhere['why'] | undefined {
    this.link = link
    if (++this.hops > MAX_HOPS) return 'circle'
    const target = link.linkTarget ?? ''
    if (target.startsWith('/')) return 'outside'
    this.entry = undefined
    for (const part of target.split('/').reverse()) ahead.push(part)
    return undefined
  }
}

/** These and all around them. */
function foldersAround(spots: readonly Spot[]): ReadonlySet<Folder> {
  const found = new Set<Folder>()
  for (const spot of spots) {
    for (let at: Spot | undefined = spot; at !== undefined; at = at.around) found.add(at.folder)
  }
  return found
}

function placeOf(way: Way): Exclude<Place, Nowhere> {
  const { entry, path, folder } = way
  return entry === undefined ? { kind: 'folder', path, folder, way } : { kind: 'file', path, entry }
}

function nowhere({ path, link }: Way, why: Nowhere['why']): Nowhere {
  return { kind: 'nowhere', why, at: path, link }
}

function withTarget(link: DriveEntry, way: Way, steps?: Steps): FileEntry {
  const found = fileEntry(nameOf(link.path), link)
  if (link.kind !== 'link') return found
  const branch = way.branch(link, steps)
  if (branch.followEntry() !== undefined) return found
  if (branch.entry === undefined && !way.mayShow(branch.folder)) return found
  return { ...found, pointsAt: pointedAt(branch) }
}

function pointedAt({ entry, folder, path }: Way): PointedAt {
  const { mtime, size, executable } = entry ?? folderEntry('', folder)
  const kind = entry === undefined ? 'folder' : 'file'
  return { kind, path, size, ...(mtime === undefined ? {} : { mtime }), executable }
}

function nameOf(path: DrivePath): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** `/a/b` for `/a/b/`, and `/` for the share itself. */
function trimmed(path: DrivePath): string {
  return trimSlash(path) || '/'
}
