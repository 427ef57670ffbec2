/**
 * A way through a share, component by component, as a kernel walks a path: `..` behind a link is the folder around the
 * link's target, at most 40 links lie on one way, and a file has nothing below it. It never leaves the share, and an
 * absolute target names a place on the sharer's machine.
 */
import type { DrivePath } from '../../common/brand'
import { type Folder, spellingIn, spellingsIn } from './folder'
import type { DriveEntry } from './format/entry'
import { trimSlash } from './pathIndex'

/** Links on one way, as the kernel counts. */
const MAX_HOPS = 40
/** Links to folders on the way to a listing in which further ones are shown as folders. */
const MAX_WITHIN = 3

/** Why a way ended before its end. `circle`: of links, or through too many of them. */
export type Reason = 'missing' | 'outside' | 'circle'

/** Steps from component to component that may be taken. A target may have thousands, and a folder many such links. */
export interface Steps {
  left: number
}

/** A folder, where it lies ('' for the share itself), and the spot around it. */
interface Spot {
  readonly folder: Folder
  readonly path: string
  readonly around: Spot | undefined
}

/** Goes through a share, one component after the other. */
export class Way {
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
  walk(path: DrivePath, last: 'followed' | 'as it is' = 'followed'): Reason | undefined {
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

/** These and all around them. */
function foldersAround(spots: readonly Spot[]): ReadonlySet<Folder> {
  const found = new Set<Folder>()
  for (const spot of spots) {
    for (let at: Spot | undefined = spot; at !== undefined; at = at.around) found.add(at.folder)
  }
  return found
}
