/** The differences between two versions of a share: in content, kind and executable bit, not in time alone. */
import type { DrivePath } from '../../common/brand'
import type { VersionChanges, VersionDifference } from '../../common/model'
import { inSlices, sorted } from '../../wire/slices'
import { compareDrivePaths } from '../names/pathOrder'
import { contentId, type DriveEntry } from './format/entry'
import { type PathIndex, trimSlash } from './pathIndex'

export interface VersionDiff {
  /** In path order. */
  readonly list: readonly VersionDifference[]
  readonly changes: VersionChanges
}

/**
 * @param before undefined: there was no version before
 * @param below only this path, and everything below it
 */
export async function differences(
  now: PathIndex,
  before: PathIndex | undefined,
  below: DrivePath = '/' as DrivePath,
): Promise<VersionDiff> {
  const found = await inSlices(finding(now, before, trimSlash(below)))
  const list = await sorted([...found.values()], (a, b) => compareDrivePaths(a.path, b.path))
  const changes = { added: 0, changed: 0, removed: 0, bytes: 0 }
  for (const { type, now: size = 0 } of list) {
    changes[type]++
    changes.bytes += size
  }
  return { list, changes }
}

function* finding(
  now: PathIndex,
  before: PathIndex | undefined,
  below: string,
): Generator<undefined, ReadonlyMap<DrivePath, VersionDifference>> {
  const found = new Map<DrivePath, VersionDifference>()
  const paths = before === undefined ? pathsOf(now) : now.pathsThatDiffer(before)
  for (const path of paths) {
    yield
    if (below !== '' && path !== below && !path.startsWith(`${below}/`)) continue
    const difference = differenceOf(path, before?.entry(path), now.entry(path))
    if (difference !== undefined) found.set(path, difference)
  }
  return found
}

/** Whether two entries are the same to a reader, apart from their times. */
export function isSameContent(a: DriveEntry, b: DriveEntry): boolean {
  return contentId(a) === contentId(b) && a.executable === b.executable
}

function differenceOf(
  path: DrivePath,
  before: DriveEntry | undefined,
  now: DriveEntry | undefined,
): VersionDifference | undefined {
  if (before === undefined) return now === undefined ? undefined : { path, type: 'added', now: now.size }
  if (now === undefined) return { path, type: 'removed', before: before.size }
  if (isSameContent(before, now)) return undefined
  return { path, type: 'changed', before: before.size, now: now.size }
}

function* pathsOf(index: PathIndex): Generator<DrivePath> {
  for (const { path } of index.entries()) yield path
}
