/**
 * A way through a share, component by component, as a kernel walks a path: `..` behind a link is the folder around
 * the link's target, at most 40 links lie on one way, and a file has nothing below it. A way never leaves the
 * share. An absolute target names a place on the sharer's machine, so it counts as outside.
 */
import type { DrivePath } from '../../common/brand'
import { type Folder, spellingIn, spellingsIn } from './folder'
import type { DriveEntry } from './format/entry'
import { trimSlash } from './pathIndex'

/** Links on one way, as the kernel counts. */
const MAX_HOPS = 40
/** Behind this many links to folders, a listing shows no further ones as folders. */
const MAX_WITHIN = 3

/** Why a way ended early. `circle`: links lead in a circle, or are too many. */
export type Reason = 'missing' | 'outside' | 'circle'

/** How many more components may be walked. A link's target may have thousands, and a folder many such links. */
export interface Steps {
  left: number
}

/** A folder, its path ('' for the share itself), and the spot around it. */
interface Spot {
  readonly folder: Folder
  readonly path: string
  readonly around: Spot | undefined
}

/** Goes through a share, one component after the other. */
export class Way {
  /** The file or link that it came to, in `spot`; undefined where it came to the folder itself. */
  entry: DriveEntry | undefined
  /** The link that was followed last. */
  link: DriveEntry | undefined
  private missed: string | undefined
  private hops = 0
  /** The spots of links to folders that the path itself names. */
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

  /** Path of the place that it came to, links followed. */
  get path(): DrivePath {
    return (this.missed ?? this.entry?.path ?? (this.spot.path || '/')) as DrivePath
  }

  /** Walks a path. → why it ended early, if it did */
  walk(path: DrivePath, last: 'followed' | 'as it is' = 'followed'): Reason | undefined {
    const typed = trimSlash(path).split('/').slice(1)
    for (const [at, part] of typed.entries()) {
      this.link = undefined // a link that led somewhere explains no later failure
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

  /** Walks from a link to its target. → why it ended early, if it did */
  followEntry(): Reason | undefined {
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

  /** Another way that begins at a link in the current folder. */
  branch(link: DriveEntry, steps?: Steps): Way {
    const branch = new Way(this.spot, steps)
    branch.entry = link
    branch.hops = this.hops
    return branch
  }

  /** Whether a listing at this place shows a link to this folder as a folder. */
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

  private turn(link: DriveEntry, ahead: string[]): Reason | undefined {
    this.link = link
    if (++this.hops > MAX_HOPS) return 'circle'
    const target = link.linkTarget ?? ''
    if (target.startsWith('/')) return 'outside'
    this.entry = undefined
    for (const part of target.split('/').reverse()) ahead.push(part)
    return undefined
  }
}

/** The folders of these spots and of all spots around them. */
function foldersAround(spots: readonly Spot[]): ReadonlySet<Folder> {
  const found = new Set<Folder>()
  for (const spot of spots) {
    for (let at: Spot | undefined = spot; at !== undefined; at = at.around) found.add(at.folder)
  }
  return found
}
