/**
 * The versions of a share, read backwards from any of them. The last block of each version tells the length of the
 * path log at the version before, so the way back costs one block for each version, however many paths it changed.
 * Versions of Peerfold 0.3.0 do not tell it: the blocks before are searched for the end of another version. A log
 * of another client has no such blocks, and each of its blocks is a version.
 *
 * All of this is untrusted. Lengths only get smaller on the way, each step reads a bounded number of blocks, and
 * counts of changes larger than the number of blocks are ignored.
 */
import type Hypercore from 'hypercore'
import { unlessAborted } from '../time'
import { askingAgain } from './blocks'
import { type About, type ChangeCounts, FILES, parseAbout, parseJson } from './format/about'
import { type DriveEntry, parseEntry } from './format/entry'
import type { ListingHeader } from './format/listing'
import { type PathChange, parseBlock } from './format/pathBlock'

/** Blocks that are searched for the end of one version. */
const MAX_SCAN = 20_000
/** Blocks asked for at once on the way back. */
const ASKED_AHEAD = 64

export interface PastVersion {
  /** Length of the path log. */
  readonly version: number
  /** Length of the path log at the version before; 0: this is the first. Undefined where it is unknown. */
  readonly previous: number | undefined
  /** When it was published, by the publisher's clock; milliseconds since 1970. */
  readonly time: number | undefined
  readonly changes: ChangeCounts | undefined
  readonly listing: ListingHeader | undefined
  /** `previous` is the claim of the version, and was not searched for. */
  readonly isSaid: boolean
}

/** Limits for reading backwards. */
export interface BackwardOptions {
  /** Milliseconds for each block; 0: reads only blocks that are here. */
  readonly timeout: number
  readonly signal?: AbortSignal | undefined
  /** Counts the work, since the cost of one version is up to its publisher. */
  readonly work?: WorkBudget | undefined
}

/** The cost of reading backwards so far, and its limit in time. */
export class WorkBudget {
  /** Blocks that were looked at. */
  blocks = 0

  /**
   * @param until value of `performance.now()` after which no block is waited for. A peer that gives each block just
   * in time could otherwise hold up the reader endlessly.
   */
  constructor(readonly until: number) {}
}

/** The path log ends before the block, or the block cannot be had now. */
export class BlockMissing extends Error {}

/** Versions from the one that ends at `from`, the newest first. Throws `BlockMissing` where a block cannot be had. */
export async function* versionsBack(
  paths: Hypercore,
  from: number,
  options: BackwardOptions,
): AsyncGenerator<PastVersion> {
  let at: EndRead | undefined = from > 1 ? await readEnd(paths, from, options) : undefined
  while (at !== undefined) {
    const version: PastVersion = await versionOf(paths, at, options)
    yield version
    at = await endBefore(paths, version, options)
  }
}

/** The version that ends at this length, as it describes itself. Throws `BlockMissing`. */
export async function versionEndingAt(
  paths: Hypercore,
  end: number,
  options: BackwardOptions,
): Promise<PastVersion> {
  return versionOf(paths, await readEnd(paths, end, options), options)
}

/** The last block of a version. */
interface EndRead {
  readonly end: number
  readonly about: About | undefined
}

async function readEnd(paths: Hypercore, end: number, options: BackwardOptions): Promise<EndRead> {
  return { end, about: parseAbout(await changeAt(paths, end - 1, options)) }
}

/** The end of the version before. The claimed one is checked, since it may be a lie. */
async function endBefore(
  paths: Hypercore,
  { version, previous, isSaid }: PastVersion,
  options: BackwardOptions,
): Promise<EndRead | undefined> {
  if (previous === undefined || previous < 2) return undefined
  const named = await readEnd(paths, previous, options)
  if (!isSaid || named.about !== undefined) return named
  const end = await endFound(paths, version, options)
  return end === undefined || end < 2 ? undefined : readEnd(paths, end, options)
}

async function versionOf(
  paths: Hypercore,
  { end, about }: EndRead,
  options: BackwardOptions,
): Promise<PastVersion> {
  if (about === undefined) {
    const previous = end - 1 > 1 ? end - 1 : 0
    const nothing = { time: undefined, changes: undefined, listing: undefined, isSaid: false }
    return { version: end, previous, ...nothing }
  }
  const said = about.since
  const isSaid = said !== undefined && said.previous < end
  return {
    version: end,
    previous: isSaid ? said.previous : await previousOf(paths, end, about, options),
    isSaid,
    time: timeOf(about.info.time),
    changes: believable(about, end),
    listing: about.listing,
  }
}

/** The end of the version that this length of the path log lies in. A number never means the middle of a version. */
export async function endOfVersion(
  paths: Hypercore,
  length: number,
  options: BackwardOptions,
): Promise<number> {
  const newest = paths.length
  if (length >= newest) return newest
  const about = parseAbout(await changeAt(paths, length - 1, options))
  if (about !== undefined) return finished(paths, length, about, options)
  // A log of another client: each of its blocks is a version.
  if (parseAbout(await changeAt(paths, newest - 1, options)) === undefined) return length
  const last = Math.min(newest, length + MAX_SCAN)
  for (let end = length + 1; end < last; end++) {
    if ((end - length) % ASKED_AHEAD === 1) askFor(paths, end - 1, end - 1 + ASKED_AHEAD, options)
    if (parseAbout(await changeAt(paths, end - 1, options)) !== undefined) return end
  }
  return newest
}

/**
 * The end of a large first version whose listing went first: the paths that followed belong to it, since its list
 * of files stays the same.
 */
async function finished(
  paths: Hypercore,
  length: number,
  { listing }: About,
  options: BackwardOptions,
): Promise<number> {
  if (listing?.ahead !== true) return length
  const end = length + listing.files + 1
  if (end > paths.length) return length
  const after = parseAbout(await changeAt(paths, end - 1, options))
  return after?.since?.previous === 0 ? end : length
}

/** Changes of paths from one end to another (exclusive), in order. Throws `BlockMissing`. */
export async function* pathsBetween(
  paths: Hypercore,
  from: number,
  to: number,
  options: BackwardOptions,
): AsyncGenerator<{ readonly path: string; readonly entry: DriveEntry | undefined }> {
  for (let at = Math.max(1, from); at < to; at++) {
    if ((at - from) % ASKED_AHEAD === 0) askFor(paths, at, Math.min(to, at + ASKED_AHEAD), options)
    const said = pathSaid(await changeAt(paths, at, options))
    if (said !== undefined) yield said
  }
}

/** A change of a file or link; undefined for other changes. */
export function pathSaid(
  change: PathChange | undefined,
): { readonly path: string; readonly entry: DriveEntry | undefined } | undefined {
  if (change === undefined || !change.key.subarray(0, FILES_PREFIX.length).equals(FILES_PREFIX))
    return undefined
  const path = FILES.decode(change.key)
  return {
    path,
    entry: change.value === undefined ? undefined : parseEntry(path, parseJson(change.value)),
  }
}

/** The change that one block made. Throws `BlockMissing`. */
export async function changeAt(
  paths: Hypercore,
  at: number,
  { timeout, signal, work }: BackwardOptions,
): Promise<PathChange | undefined> {
  if (at < 1) return undefined
  if (work !== undefined) work.blocks++
  const isHere = paths.core.bitfield.get(at)
  const isLate = work !== undefined && performance.now() > work.until
  if (!isHere && (timeout === 0 || isLate)) throw new BlockMissing()
  if (!isHere) askFor(paths, Math.max(1, at + 1 - ASKED_AHEAD), at + 1, { timeout, signal })
  try {
    const block = paths.get(at, isHere ? {} : { timeout })
    return parseBlock(await unlessAborted(isHere ? block : askingAgain(paths, block), signal))
  } catch (error) {
    if (signal?.aborted || isHere) throw error
    throw new BlockMissing()
  }
}

const FILES_PREFIX = FILES.encode('')

async function previousOf(
  paths: Hypercore,
  end: number,
  { listing }: About,
  options: BackwardOptions,
): Promise<number | undefined> {
  const isFirst =
    listing !== undefined && !listing.ahead && listing.version === end && end <= listing.files + 3
  return isFirst ? 0 : endFound(paths, end, options)
}

/** Searches all blocks for the end of the version before. */
async function endFound(
  paths: Hypercore,
  end: number,
  options: BackwardOptions,
): Promise<number | undefined> {
  for (let at = end - 2; at >= Math.max(1, end - 1 - MAX_SCAN); at--)
    if (parseAbout(await changeAt(paths, at, options)) !== undefined) return at + 1
  return end - 1 <= MAX_SCAN ? 0 : undefined
}

/**
 * Counts that are possible: every changed path has a block of its own, except in a first version that is ahead of
 * its path log.
 */
function believable({ since, listing }: About, end: number): ChangeCounts | undefined {
  const changes = since?.changes
  if (changes === undefined || since === undefined) return undefined
  const { added, changed, removed } = changes
  const most = listing?.ahead ? listing.files : end - Math.max(1, since.previous) - 1
  return added + changed + removed <= most ? changes : undefined
}

/** A plausible time: not in the future, and one that a calendar has. */
function timeOf(time: number | undefined): number | undefined {
  if (time === undefined || !(time >= 0)) return undefined
  return Math.floor(Math.min(time, Date.now()))
}

/** Asks for blocks ahead. Errors are ignored here. */
function askFor(paths: Hypercore, start: number, end: number, { timeout }: BackwardOptions): void {
  if (timeout === 0 || paths.core.bitfield.count(start, end - start, true) === end - start) return
  for (let at = start; at < end; at++) {
    // the reader of the block meets the error
    if (!paths.core.bitfield.get(at)) paths.get(at, { timeout }).catch(() => {})
  }
}
