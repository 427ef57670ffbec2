/**
 * The history of a share, or of a folder or file in it, page by page from the newest version to the oldest. Blocks
 * are read only as needed: a page of a share costs one block of the path log for each version, and a page of a path
 * costs all blocks of the versions that it looks through. The work of one page is bounded, and the page says where
 * the next one begins.
 */
import type { DrivePath } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import type { VersionChanges, VersionSummary } from '../../common/model'
import { throwIfAborted } from '../time'
import type { DriveEntry } from './format/entry'
import { BlockMissing, type PastVersion, pathsBetween, versionsBack, WorkBudget } from './pastVersions'
import { trimSlash } from './pathIndex'
import { outOfReach } from './readPast'
import type { ShareDrive } from './shareDrive'
import type { Version } from './version'
import { differences } from './versionDiff'
import { nobodyHas } from './whoHas'

/** Blocks of the path log that one page may read; `MAX_VERSIONS` below bounds the versions. */
const MAX_BLOCKS = 20_000
/** Time limit of a page, as a multiple of that of one block. */
const PAGE_TIMEOUTS = 2
const MAX_VERSIONS = 5_000
/** A version that changes more paths than this is compared as a whole with the one before. */
const LARGE = 5_000
/** Errors that say that a version cannot be had now. */
const AWAY: ReadonlySet<string> = new Set(['offline', 'version-not-here'])

export interface HistoryQuery {
  /** Length of the path log at the newest version to list. */
  readonly from: number
  /** `/` for the whole share. */
  readonly path: DrivePath
  readonly limit: number
  /** Milliseconds for each block. */
  readonly timeout: number
  readonly signal: AbortSignal
}

export interface HistoryPage {
  readonly versions: readonly VersionSummary[]
  readonly next?: number
  readonly isCut?: true
}

/** @param mostBlocks see `MAX_BLOCKS` */
export async function readHistory(
  share: ShareDrive,
  query: HistoryQuery,
  mostBlocks = MAX_BLOCKS,
): Promise<HistoryPage> {
  const versions: Found[] = []
  const path = trimSlash(query.path) as DrivePath
  const kept = new KeptContent(share)
  const work = new WorkBudget(performance.now() + PAGE_TIMEOUTS * query.timeout)
  let seen = 0
  let at: number | undefined = query.from
  try {
    for await (const version of versionsBack(share.paths, query.from, { ...query, work })) {
      throwIfAborted(query.signal)
      if (versions.length === query.limit || work.blocks >= mostBlocks || seen >= MAX_VERSIONS)
        return { versions: withFirst(versions, false), next: version.version }
      at = version.version
      seen++
      if (path === '') versions.push({ summary: summaryOf(version, version.changes) })
      else {
        const found = await changesAt(share, version, path, kept, { ...query, work })
        if (found !== undefined) versions.push(found)
      }
      at = version.previous
    }
  } catch (error) {
    if (!(error instanceof BlockMissing)) throw error
    const next = at === undefined || at < 2 ? {} : { next: at }
    return { versions: withFirst(versions, false), ...next, isCut: true }
  }
  return { versions: withFirst(versions, true) }
}

export function summaryOf(
  { version, time }: Pick<PastVersion, 'version' | 'time'>,
  changes?: VersionChanges,
): VersionSummary {
  return {
    version,
    ...(time === undefined ? {} : { time }),
    ...(changes === undefined ? {} : { changes }),
  }
}

/** What is found of a version before older ones are read, which alone tell what it added. */
interface Found {
  /** Additions count as changes. */
  readonly summary: VersionSummary
  /** In the history of a folder: the paths that it changed, and whether each is there since. */
  readonly paths?: ReadonlyMap<string, boolean>
}

/** What a version changed in a file or folder; undefined: nothing. */
async function changesAt(
  share: ShareDrive,
  version: PastVersion,
  path: DrivePath,
  kept: KeptContent,
  query: HistoryQuery & { readonly work: WorkBudget },
): Promise<Found | undefined> {
  const { previous } = version
  if (previous === undefined) return undefined
  const said = new Map<string, DriveEntry | undefined>()
  if (version.version - previous > LARGE || version.listing?.ahead === true) {
    query.work.blocks += LARGE // counted even for a small version that claims to be large
    const now = await wholeVersion(share, version.version, query.signal)
    const before = previous < 2 ? undefined : await wholeVersion(share, previous, query.signal)
    for (const { path: other } of (await differences(now.index, before?.index, path)).list)
      said.set(other, now.index.entry(other))
  } else {
    for await (const { path: other, entry } of pathsBetween(share.paths, previous, version.version, query))
      if (other === path || other.startsWith(`${path}/`)) said.set(other, entry)
  }
  if (said.size === 0) return undefined
  if (said.has(path)) {
    const entry = said.get(path)
    if (entry === undefined) return { summary: { ...summaryOf(version), change: 'removed' } }
    const isKept = kept.has(entry)
    const summary: VersionSummary = {
      ...summaryOf(version),
      change: 'changed',
      size: entry.size,
      ...(isKept === undefined ? {} : { kept: isKept }),
    }
    return { summary }
  }
  const entries = [...said.values()]
  const put = entries.filter(entry => entry !== undefined)
  const summary = summaryOf(version, {
    added: 0,
    changed: put.length,
    removed: entries.length - put.length,
    bytes: put.reduce((sum, { size }) => sum + size, 0),
  })
  return { summary, paths: new Map([...said].map(([path, entry]) => [path, entry !== undefined])) }
}

/** Throws `BlockMissing` where the version cannot be had now. */
async function wholeVersion(share: ShareDrive, length: number, signal: AbortSignal): Promise<Version> {
  try {
    return await share.versionAt(length, signal)
  } catch (error) {
    const known = signal.aborted ? error : outOfReach(error)
    const isAway = known instanceof PeerfoldError && AWAY.has(known.code)
    throw isAway ? new BlockMissing() : error
  }
}

/**
 * Marks and counts additions: the oldest change of a path in its whole history, and a change that follows its removal.
 *
 * @param versions the newest first
 * @param isAll the oldest of them is the first that changed anything
 */
function withFirst(versions: readonly Found[], isAll: boolean): readonly VersionSummary[] {
  const isThere = new Map<string, boolean>()
  const told = versions.toReversed().map(({ summary, paths }, at, all) => {
    const { change, changes } = summary
    if (change === 'changed') {
      const older = all[at - 1]?.summary
      const came = older === undefined ? isAll : older.change === 'removed'
      return came ? { ...summary, change: 'added' as const } : summary
    }
    if (changes === undefined || paths === undefined) return summary
    let added = 0
    for (const [path, isPut] of paths) {
      const wasThere = isThere.get(path) ?? !isAll
      if (isPut && !wasThere) added++
      isThere.set(path, isPut)
    }
    return { ...summary, changes: { ...changes, added, changed: changes.changed - added } }
  })
  return told.reverse()
}

/** Tells whether the content of an entry is here, or at a connected peer. */
class KeptContent {
  constructor(private readonly share: ShareDrive) {}

  has({ blob }: DriveEntry): boolean | undefined {
    const { bytes, isOwn } = this.share
    if (blob === undefined || blob.blockLength === 0) return true
    if (bytes === undefined) return undefined
    const { blockOffset, blockLength } = blob
    if (bytes.core.bitfield.count(blockOffset, blockLength, true) === blockLength) return true
    if (isOwn) return false
    const last = blockOffset + blockLength - 1
    return nobodyHas(bytes, blockOffset) || nobodyHas(bytes, last) ? undefined : true
  }
}
