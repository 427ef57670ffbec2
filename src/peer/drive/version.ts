/**
 * A version of a share: all that its path log says up to a length. It is a value. A newer version is another value
 * that shares all unchanged parts with it, so that both can be kept and read beside each other.
 */
import type { ChangedPath } from '../../common/protocol'
import { inSlices } from '../../wire/slices'
import type { ShareLimits } from '../limits'
import { applying, type Changes, sameEntry } from './changes'
import type { About, ShareInfo } from './format/about'
import type { DriveEntry } from './format/entry'
import type { ListingHeader } from './format/listing'
import type { PathIndex } from './pathIndex'
import { PathIndexBuilder } from './pathIndexBuilder'

export interface Version {
  /** Length of the path log. */
  readonly length: number
  readonly fork: number
  readonly index: PathIndex
  /** The publisher's latest description of the share. */
  readonly info: ShareInfo | undefined
  /** The newest listing that this version names. */
  readonly listing: ListingHeader | undefined
  /** The index was made from a listing, and the path log does not name its entries yet. */
  readonly isListingFirst: boolean
}

/** The differences of a newer version from the one before. */
export interface VersionChange {
  /** Length of the path log. */
  readonly version: number
  /** Undefined when too much changed to list it. */
  readonly paths?: readonly ChangedPath[]
}

/** More changed paths than this are not listed. */
const MAX_LISTED = 20_000

/** The version after more blocks of the path log. Throws `limit-passed`. */
export async function versionAfter(
  before: Version,
  changes: Changes,
  length: number,
  limits: () => ShareLimits,
): Promise<Version> {
  const builder = PathIndexBuilder.from(before.index, limits)
  await inSlices(applying(builder, changes))
  return {
    length,
    fork: before.fork,
    index: builder.done(),
    info: changes.info ?? before.info,
    listing: changes.listing,
    isListingFirst: false,
  }
}

/**
 * A version that was ahead of its path log, after the path log has caught up. The newest block then names the same
 * listing for a later length, so the blocks in between need not be read. Undefined when it does not.
 */
export function caughtUp(before: Version, about: About | undefined, length: number): Version | undefined {
  const { listing: ahead } = before
  const now = about?.listing
  if (!before.isListingFirst || ahead === undefined || now === undefined) return undefined
  if (now.ahead || now.version < ahead.version || now.version > length) return undefined
  if (now.chunks.blockOffset !== ahead.chunks.blockOffset || now.files !== ahead.files) return undefined
  return { ...before, length: now.version, info: about?.info, listing: now, isListingFirst: false }
}

/** An index of these entries, and nothing else. Throws `limit-passed`. */
export async function indexOf(entries: Iterable<DriveEntry>, limits: () => ShareLimits): Promise<PathIndex> {
  const builder = PathIndexBuilder.empty(limits)
  await inSlices(putting(builder, entries))
  return builder.done()
}

/** The changes from one version to another, removals first. Quick if one was made from the other. */
export async function changeTo(now: Version, before: Version | undefined): Promise<VersionChange> {
  const { length: version, index } = now
  if (before === undefined) return { version }
  const paths = await inSlices(changedPaths(index, before.index))
  return paths.length > MAX_LISTED ? { version } : { version, paths }
}

function* changedPaths(index: PathIndex, old: PathIndex): Generator<undefined, ChangedPath[]> {
  const gone: ChangedPath[] = []
  const put: ChangedPath[] = []
  const seen = new Set<string>()
  for (const path of index.pathsThatDiffer(old)) {
    yield
    const [before, now] = [old.entry(path), index.entry(path)]
    if (before === now || seen.has(path)) continue
    seen.add(path)
    if (now === undefined) gone.push({ path, type: 'removed' })
    else if (before === undefined) put.push({ path, type: 'added' })
    else if (!sameEntry(before, now)) put.push({ path, type: 'changed' })
  }
  return [...gone, ...put]
}

function* putting(builder: PathIndexBuilder, entries: Iterable<DriveEntry>): Generator<undefined, void> {
  for (const entry of entries) {
    builder.put(entry)
    yield
  }
}
