/**
 * Where a path of a share leads when its links are followed (way.ts). Used for listing, stat, reading and copying.
 *
 * A listing tells what each link in it points at. Walking a share by its listings must come to an end, so two kinds
 * of links point at nothing there, since they could lead on for ever: links to a folder that the way went through,
 * and links to any folder once the way went through three links to folders (a chain of folders, each with two links
 * to the next, would have 2^n places). When their own paths are asked for, these links are followed too.
 */
import type { DrivePath } from '../../common/brand'
import { type ErrorCode, PeerfoldError } from '../../common/errors'
import { safeText, withoutRoot } from '../../common/format'
import type { FileEntry, PointedAt } from '../../common/model'
import { type Folder, fileEntry, folderEntry } from './folder'
import type { DriveEntry } from './format/entry'
import { type PathIndex, trimSlash } from './pathIndex'
import { type Reason, type Steps, Way } from './way'

/** Characters of a target that a message repeats. */
const SHOWN_TARGET = 200

/** Enough steps for any honest share. A page of a thousand entries takes about ten milliseconds. */
export function stepsFor(entries: number): Steps {
  return { left: 20_000 + 64 * entries }
}

export type Nowhere = {
  readonly kind: 'nowhere'
  readonly why: Reason
  /** Where the way ended, links followed. */
  readonly at: DrivePath
  /** The last link on the way there; undefined where the path itself names nothing. */
  readonly link: DriveEntry | undefined
}

export type Reached =
  | { readonly kind: 'file'; readonly path: DrivePath; readonly entry: DriveEntry }
  | { readonly kind: 'folder'; readonly path: DrivePath; readonly folder: Folder; readonly way: Way }
  | Nowhere

/** Where a path leads, all of its links followed. Throws `ambiguous-path`, see `PathIndex.spelling`. */
export function follow(index: PathIndex, path: DrivePath): Reached {
  const way = Way.from(index.root)
  const failed = way.walk(path)
  if (failed !== undefined) return nowhere(way, failed)
  return placeOf(way)
}

/** A file, link or folder, as `fs.stat` describes it. Follows links on the way to it. Throws as `follow`. */
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
  { folder, way }: Extract<Reached, { kind: 'folder' }>,
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

/** The error for people that a path leads nowhere. */
export function absence(path: DrivePath, { why, link }: Nowhere): PeerfoldError {
  if (link === undefined) return new PeerfoldError('file-not-found', path)
  const target = `“${safeText(link.linkTarget ?? '', SHOWN_TARGET)}”`
  const what =
    link.path === trimmed(path)
      ? `“${withoutRoot(path)}” is a link to ${target}`
      : `“${withoutRoot(path)}” leads to “${withoutRoot(link.path)}”, a link to ${target}`
  return new PeerfoldError(CODES[why], what)
}

const CODES = {
  missing: 'target-missing',
  outside: 'target-outside',
  circle: 'target-circle',
} as const satisfies Record<Reason, ErrorCode>

function placeOf(way: Way): Exclude<Reached, Nowhere> {
  const { entry, path, folder } = way
  return entry === undefined ? { kind: 'folder', path, folder, way } : { kind: 'file', path, entry }
}

function nowhere({ path, link }: Way, why: Reason): Nowhere {
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
