/**
 * Turns blocks of the path log into changes of the index. The last change of every path counts. Removals are
 * applied first, so that a file may become a folder, or a folder a file, in one version.
 */
import type Hypercore from 'hypercore'
import type { DrivePath } from '../../common/brand'
import { FILES, parseAbout, parseJson, type ShareInfo } from './format/about'
import { contentId, type DriveEntry, parseEntry } from './format/entry'
import type { ListingHeader } from './format/listing'
import type { PathIndexBuilder } from './pathIndexBuilder'
import { readPathLog } from './pathLog'

const FILES_PREFIX = FILES.encode('')

/** The last change of each path: an entry, `gone`, or a value that is no entry. */
export interface Changes {
  readonly paths: ReadonlyMap<string, DriveEntry | 'gone' | 'malformed'>
  readonly info: ShareInfo | undefined
  readonly listing: ListingHeader | undefined
}

/** Reads blocks `from` to `to` (exclusive) of a path log. */
export async function readChanges(
  core: Hypercore,
  from: number,
  to: number,
  signal: AbortSignal | undefined,
): Promise<Changes> {
  const paths = new Map<string, DriveEntry | 'gone' | 'malformed'>()
  let info: ShareInfo | undefined
  let listing: ListingHeader | undefined
  for await (const change of readPathLog(core, from, to, signal)) {
    const path = pathOf(change.key)
    if (path === undefined) {
      const about = parseAbout(change)
      info = about?.info ?? info
      listing = about?.listing ?? listing
    } else if (change.value === undefined) {
      if (from > 0) paths.set(path, 'gone')
      else paths.delete(path)
    } else paths.set(path, parseEntry(path, parseJson(change.value)) ?? 'malformed')
  }
  return { paths, info, listing }
}

/** Brings an index up to date. May pause at every `yield`. Throws `limit-passed`. */
export function* applying(
  index: PathIndexBuilder,
  { paths }: Pick<Changes, 'paths'>,
): Generator<undefined, void> {
  for (const [key, now] of paths) {
    if (typeof now !== 'string') continue
    if (now === 'gone') index.remove(key as DrivePath)
    else index.putMalformed(key)
    yield
  }
  for (const now of paths.values()) {
    if (typeof now === 'string') continue
    const before = index.entry(now.path)
    // The path log does not name packs. The pack that a listing named still holds.
    const isSame = before !== undefined && sameEntry(before, now) && (now.pack ?? before.pack) === before.pack
    if (!isSame) index.put(now)
    yield
  }
}

/** The same without pauses. */
export function applyChanges(index: PathIndexBuilder, changes: Pick<Changes, 'paths'>): void {
  for (const _pausePoint of applying(index, changes)) {
    // The callers have few changes.
  }
}

export function sameEntry(a: DriveEntry, b: DriveEntry): boolean {
  return contentId(a) === contentId(b) && a.mtime === b.mtime && a.executable === b.executable
}

/** The drive path of a raw key; undefined for keys outside the files' sub-space. */
function pathOf(key: Buffer): string | undefined {
  if (!key.subarray(0, FILES_PREFIX.length).equals(FILES_PREFIX)) return undefined
  return FILES.decode(key)
}
