/** What clients ask of the versions of a share. */
import type { DrivePath } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { MAX_PINNED } from '../../common/keptVersions'
import type { VersionSummary } from '../../common/model'
import type { Params, Result } from '../../common/protocol'
import { readHistory, summaryOf } from '../drive/history'
import {
  endOfVersion,
  type PastVersion,
  versionEndingAt,
  versionsBack,
  WorkBudget,
} from '../drive/pastVersions'
import type { PathIndex } from '../drive/pathIndex'
import { outOfReach, pastVersion } from '../drive/readPast'
import type { Version } from '../drive/version'
import { differences, type VersionDiff } from '../drive/versionDiff'
import type { Share } from '../shares/share'
import type { Shares } from '../shares/shares'

/** Versions looked through for the one of a given time, at most: a publisher may have no end of them. */
const MAX_LOOKED_AT = 20_000
/** Blocks looked through for it, at most: when a version lies about the one before, blocks are searched for its end. */
const MAX_BLOCKS = 400_000
/** Milliseconds that a difference is remembered: its pages are asked for one after the other. */
const DIFF_KEPT = 10_000
/** Milliseconds that a list of files of a former version is waited for. */
const LISTED_WITHIN = 30_000
/** The same while nobody is connected. */
const LISTED_ALONE = 4_000

export class VersionRequests {
  private lastDiff: KnownDiff | undefined
  private forgetting: NodeJS.Timeout | undefined

  constructor(private readonly shares: Shares) {}

  /** See `versions.list`. */
  async list(
    { id, path = '/' as DrivePath, from, limit, timeout }: Params<'versions.list'>,
    signal: AbortSignal,
  ): Promise<Result<'versions.list'>> {
    const share = this.shares.get(id)
    const { newest } = await newestOf(share, signal)
    const query = { path, limit, timeout: patience(share, timeout), signal }
    try {
      const first = from === undefined || from >= newest ? newest : from
      const work = new WorkBudget(performance.now() + query.timeout)
      const end =
        first === newest
          ? newest
          : await endOfVersion(share.drive.paths, Math.max(1, first), { ...query, work })
      const page = await readHistory(share.drive, { ...query, from: end })
      return { ...page, versions: page.versions.map(version => this.told(share, version)) }
    } catch (error) {
      throw signal.aborted ? error : outOfReach(error)
    }
  }

  /** See `versions.at`. */
  async at(
    { id, version, time, timeout }: Params<'versions.at'>,
    signal: AbortSignal,
  ): Promise<VersionSummary> {
    const share = this.shares.get(id)
    const { newest, isUnsure } = await newestOf(share, signal)
    const options = { timeout: patience(share, timeout), signal }
    if (version !== undefined) assertThere(share, version, isUnsure)
    try {
      const found = await (time === undefined
        ? ending(share, version ?? newest, options)
        : newestOfTime(share, time, newest, options))
      return this.told(share, summaryOf(found, found.changes))
    } catch (error) {
      throw signal.aborted ? error : outOfReach(error)
    }
  }

  /** See `versions.diff`. */
  async diff(
    { id, from, to, path, after, limit }: Params<'versions.diff'>,
    signal: AbortSignal,
  ): Promise<Result<'versions.diff'>> {
    const share = this.shares.get(id)
    const [before, now] = [await versionOf(share, from, signal), await versionOf(share, to, signal)]
    const { list, changes } = await this.differences(now.index, before.index, path)
    const start = after === undefined ? 0 : 1 + list.findIndex(each => each.path === after)
    return { changes, paths: list.slice(start, start + limit) }
  }

  /** Remembers the last difference: a large one is asked for in many pages, and each would compare everything again. */
  private differences(now: PathIndex, before: PathIndex, path: DrivePath | undefined): Promise<VersionDiff> {
    const last = this.lastDiff
    const isKnown = last?.now === now && last.before === before && last.path === path
    const diff = isKnown ? last.diff : differences(now, before, path)
    this.lastDiff = { now, before, path, diff }
    clearTimeout(this.forgetting)
    this.forgetting = setTimeout(() => {
      this.lastDiff = undefined
    }, DIFF_KEPT).unref()
    return diff
  }

  keeping({ id }: Params<'versions.keeping'>): Result<'versions.keeping'> {
    const share = this.shares.get(id)
    return { ...share.keeping, bytes: share.served.past.bytes }
  }

  async keep({ id, ...changes }: Params<'versions.keep'>): Promise<void> {
    const share = this.shares.get(id)
    await share.setKeeping({ ...share.keeping, ...changes })
  }

  async pin({ id, version: meant, pinned }: Params<'versions.pin'>, signal: AbortSignal): Promise<void> {
    const share = this.shares.get(id)
    const { version } = await this.at({ id, version: meant, timeout: LISTED_WITHIN }, signal)
    const { keeping } = share
    const others = keeping.pinned.filter(each => each !== version)
    if (pinned && share.served.past.isKept(version) === false && share.publishing !== undefined)
      throw new PeerfoldError('not-kept', share.name)
    if (pinned && others.length >= MAX_PINNED)
      throw new PeerfoldError('bad-request', `at most ${MAX_PINNED} versions can be pinned`)
    await share.setKeeping({ ...keeping, pinned: pinned ? [...others, version] : others })
  }

  /** Adds what is known here of the version. */
  private told(share: Share, summary: VersionSummary): VersionSummary {
    const { version, kept } = summary
    const isNewest = version === share.drive.version?.length
    const here = isNewest || share.served.past.isKept(version)
    // A version that is not kept here may be kept by others.
    const known = kept ?? (here === false && share.publishing === undefined ? undefined : here)
    return {
      ...summary,
      ...(known === undefined ? {} : { kept: known }),
      ...(share.keeping.pinned.includes(version) ? { pinned: true } : {}),
    }
  }
}

interface KnownDiff {
  readonly now: PathIndex
  readonly before: PathIndex
  readonly path: DrivePath | undefined
  readonly diff: Promise<VersionDiff>
}

/** A version to read from. Throws `no-such-version`, `version-not-here`. */
export async function versionOf(share: Share, version: number, signal: AbortSignal): Promise<Version> {
  if (version > share.drive.paths.length) assertThere(share, version, await isUnsure(share, signal))
  return pastVersion(share.drive, version, patience(share, LISTED_WITHIN), signal)
}

async function newestOf(
  share: Share,
  signal: AbortSignal,
): Promise<{ readonly newest: number; readonly isUnsure: boolean }> {
  const isOld = await isUnsure(share, signal)
  const { version, paths } = share.drive
  const newest = version?.length ?? paths.length
  if (newest < 2) throw new PeerfoldError('not-listed')
  return { newest, isUnsure: isOld }
}

/** Asks peers for newer versions. → whether there may be some that are not known here */
async function isUnsure(share: Share, signal: AbortSignal): Promise<boolean> {
  const { stale, silent } = await share.freshen(signal)
  return stale || silent.length > 0
}

/** Throws `no-such-version`; `version-not-here` where nobody told whether there is one. */
function assertThere({ drive }: Share, version: number, isUnsure: boolean): void {
  if (version >= 1 && version <= drive.paths.length) return
  if (version > drive.paths.length && isUnsure) throw new PeerfoldError('version-not-here')
  throw new PeerfoldError('no-such-version', `${version}`)
}

async function ending(
  { drive }: Share,
  version: number,
  options: { readonly timeout: number; readonly signal: AbortSignal },
): Promise<PastVersion> {
  const limits = { ...options, work: new WorkBudget(performance.now() + options.timeout) }
  return versionEndingAt(drive.paths, await endOfVersion(drive.paths, version, limits), limits)
}

async function newestOfTime(
  { drive }: Share,
  time: number,
  newest: number,
  options: { readonly timeout: number; readonly signal: AbortSignal },
): Promise<PastVersion> {
  let left = MAX_LOOKED_AT
  const work = new WorkBudget(Number.POSITIVE_INFINITY) // the client waits as long as it wishes
  for await (const version of versionsBack(drive.paths, newest, { ...options, work })) {
    if (version.time !== undefined && version.time <= time) return version
    if (--left === 0 || work.blocks > MAX_BLOCKS) break
  }
  throw new PeerfoldError(
    'no-such-version',
    `of ${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC or before`,
  )
}

function patience({ served, publishing }: Share, timeout: number): number {
  if (publishing !== undefined || served.peers > 0) return timeout
  return Math.min(timeout, LISTED_ALONE)
}
