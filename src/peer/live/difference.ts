/**
 * The differences that a live copy has to apply: everything after a start, later only what changed from one version
 * to the next.
 */

import { type CopySource, placeIn } from '../copy/plan'
import { sameEntry } from '../drive/changes'
import { contentId, type DriveEntry } from '../drive/format/entry'
import type { PathIndex } from '../drive/pathIndex'
import { trimSlash } from '../drive/pathIndex'
import { type CopiedFile, FOLDER } from '../store/catalog'
import type { Selects } from './selection'

/** Places are paths inside the target. */
export interface Difference {
  /** New and changed entries. */
  readonly put: Map<string, DriveEntry>
  /** Places that the share does not have any more. */
  readonly gone: Set<string>
  /** How many entries are kept in step. */
  readonly selected: number
}

/**
 * Everything in the share, and everything recorded that the share does not have.
 * @param copied records of the target
 */
export function* all(
  index: PathIndex,
  source: CopySource,
  selects: Selects,
  copied: ReadonlyMap<string, CopiedFile>,
): Generator<undefined, Difference> {
  const put = new Map<string, DriveEntry>()
  for (const entry of index.select(source.from)) {
    if (selects(entry.path)) put.set(placeIn(source, entry.path), entry)
    yield
  }
  const gone = new Set<string>()
  const { part } = source
  for (const [place, { content }] of copied) {
    const isPart = place === part || place.startsWith(`${part}/`)
    if (isPart && content !== FOLDER && !put.has(place)) gone.add(place)
    yield
  }
  return { put, gone, selected: put.size }
}

/**
 * The differences of a version from an older one.
 * @param more places that are looked at whether they differ or not
 */
export function* since(
  now: PathIndex,
  before: { readonly index: PathIndex; readonly selected: number },
  source: CopySource,
  selects: Selects,
  more: ReadonlySet<string>,
): Generator<undefined, Difference> {
  const put = new Map<string, DriveEntry>()
  const gone = new Set<string>()
  let { selected } = before
  const below = trimSlash(source.from)
  for (const path of now.pathsThatDiffer(before.index)) {
    yield
    if (path !== below && !path.startsWith(`${below}/`)) continue
    if (!selects(path)) continue
    const place = placeIn(source, path)
    if (put.has(place) || gone.has(place)) continue
    const [older, newer] = [before.index.entry(path), now.entry(path)]
    if (older === newer) continue
    if (newer === undefined) {
      gone.add(place)
      selected--
    } else if (older === undefined || !sameEntry(older, newer)) {
      put.set(place, newer)
      if (older === undefined) selected++
    }
  }
  for (const place of more) {
    if (put.has(place) || gone.has(place)) continue
    const entry = now.entry(pathOf(source, place))
    if (entry === undefined || !selects(entry.path)) gone.add(place)
    else put.set(place, entry)
  }
  return { put, gone, selected }
}

/** The path in the share of a place inside the target. */
export function pathOf({ from, part }: CopySource, place: string): DriveEntry['path'] {
  return (trimSlash(from) + place.slice(part.length)) as DriveEntry['path']
}

/** A file that was renamed in the share. */
export interface Move {
  readonly from: string
  readonly to: string
  readonly entry: DriveEntry
}

/** Pairs files that are gone with new ones of the same content. A pair with the same name is preferred. */
export function movesIn({ put, gone }: Difference, copied: ReadonlyMap<string, CopiedFile>): Move[] {
  const sources = new Map<string, string[]>()
  for (const place of gone) {
    const known = copied.get(place)
    if (known === undefined || known.conflict !== undefined || !/^(blob|map):/.test(known.content)) continue
    const places = sources.get(known.content)
    if (places === undefined) sources.set(known.content, [place])
    else places.push(place)
  }
  const moves: Move[] = []
  if (sources.size === 0) return moves
  for (const [to, entry] of put) {
    const isFresh = (copied.get(to)?.content ?? FOLDER) === FOLDER
    const places = entry.kind === 'file' && isFresh ? sources.get(contentId(entry)) : undefined
    if (places === undefined || places.length === 0) continue
    const alike = places.findIndex(place => nameOf(place) === nameOf(to))
    const [from] = places.splice(Math.max(0, alike), 1)
    if (from !== undefined) moves.push({ from, to, entry })
  }
  return moves
}

function nameOf(place: string): string {
  return place.slice(place.lastIndexOf('/') + 1)
}
