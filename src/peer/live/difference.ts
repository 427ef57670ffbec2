/** What a live copy has to bring in step: everything, after a start; later what one version changed of the one before. */

import { type CopySource, placeIn } from '../copy/plan'
import { sameEntry } from '../drive/changes'
import { contentId, type DriveEntry } from '../drive/format/entry'
import type { PathIndex } from '../drive/pathIndex'
import { trimSlash } from '../drive/pathIndex'
import { type CopiedFile, FOLDER } from '../store/catalog'
import type { Selects } from './selection'

/** By places inside the target. */
export interface Difference {
  /** What is new or other. */
  readonly put: Map<string, DriveEntry>
  /** What is not there any more. */
  readonly gone: Set<string>
  /** How many entries are kept in step. */
  readonly selected: number
}

/** Everything. @param copied what is known of the target */
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

/** What of a version is another than in an older one. @param more places that have to be looked at all the same */
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

/** Pairs what is gone with what is new and has the same bytes, the same name first. */
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
