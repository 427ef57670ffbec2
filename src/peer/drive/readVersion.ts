/**
 * Reads versions of a share from its logs. A version is read from the listing that it names and the newer part of
 * the path log. Drives made by other clients have no listing, and are read from the whole path log. Where the
 * version before is here, only the blocks in between are read. Malformed entries are left out, and never stop the
 * rest.
 */
import type Hypercore from 'hypercore'
import { PeerfoldError } from '../../common/errors'
import type { ShareLimits } from '../limits'
import { throwIfAborted } from '../time'
import { readChanges } from './changes'
import { type About, parseAbout } from './format/about'
import type { ListingHeader } from './format/listing'
import { PartialIndex } from './partialIndex'
import { BlockMissing, type PastVersion, versionEndingAt } from './pastVersions'
import { PathIndexBuilder } from './pathIndexBuilder'
import { beginsAsPathLog, readPathChange } from './pathLog'
import { readListing } from './readListing'
import { caughtUp, type Version, versionAfter } from './version'
import { nobodyHas } from './whoHas'

/** The most blocks of the path log that are read one by one, instead of reading the listing again. */
const MAX_HISTORY = 20_000
/** Fewer blocks of the path log than these are read one by one, whatever listing there is. */
const FEW_BLOCKS = 200
/** Entries of a listing that take about as long to read as one block of the path log. */
const ENTRIES_A_BLOCK = 50
/** A path log of at most this many blocks is fetched whole. Each block is small. */
const SHORT = 32
/** Time limit for one block (milliseconds). */
const BLOCK_TIMEOUT = 20_000

/** The logs of a share, and what reading them needs. */
export interface ShareLogs {
  readonly paths: Hypercore
  readonly limits: () => ShareLimits
  /** Nobody else writes them, so no peer could give missing blocks. */
  readonly isOwn: boolean
  /** Undefined while the path log's first block is not here. */
  readonly bytes: Hypercore | undefined
  bytesReady(signal?: AbortSignal): Promise<Hypercore>
  /** Throws when the path log cannot be decrypted. Waits at most `timeout` milliseconds for its first block. */
  readHeader(timeout: number, signal: AbortSignal | undefined): Promise<void>
}

/** Called with an index whenever more of it was read from a listing; with undefined when it will be read otherwise. */
export type OnPart = (coming: PartialIndex | undefined) => void

/**
 * The version of this length, made from `before` where that is possible. Rejects when needed blocks cannot be had
 * now. Throws `limit-passed`, `not-readable`.
 */
export async function readNewestVersion(
  logs: ShareLogs,
  length: number,
  before: Version | undefined,
  onPart: OnPart,
  signal: AbortSignal | undefined,
): Promise<Version> {
  const isSameLog = before?.fork === logs.paths.fork
  const after = isSameLog ? await readAfter(logs, length, before, signal) : undefined
  return after ?? new VersionRead(logs, length, false, onPart, signal).run()
}

/**
 * A version that may have been superseded. Blocks that no peer has any more are not waited for. Rejects and throws
 * as `readNewestVersion`.
 *
 * @param near an earlier version that is known
 */
export async function readOlderVersion(
  logs: ShareLogs,
  length: number,
  near: Version | undefined,
  signal: AbortSignal | undefined,
): Promise<Version> {
  if (near !== undefined && near.fork === logs.paths.fork && !near.isListingFirst) {
    const after = length - near.length
    if (logs.paths.core.bitfield.count(near.length, after, true) === after)
      return versionAfter(
        near,
        await readChanges(logs.paths, near.length, length, signal),
        length,
        logs.limits,
      )
  }
  return new VersionRead(logs, length, true, () => {}, signal).run()
}

/** Undefined when so much changed that reading the listing costs less, or only the listing has the entries. */
async function readAfter(
  logs: ShareLogs,
  length: number,
  old: Version,
  signal: AbortSignal | undefined,
): Promise<Version | undefined> {
  const { paths, limits } = logs
  const about = old.isListingFirst ? await readAbout(paths, length, signal) : undefined
  const before = caughtUp(old, about, length) ?? old
  if (before.length === length && !before.isListingFirst) return before
  if (before.isListingFirst || length <= before.length || length - before.length > MAX_HISTORY)
    return undefined
  const instead = await fromNewerListing(logs, length, before, signal)
  if (instead !== undefined) return instead
  return versionAfter(before, await readChanges(paths, before.length, length, signal), length, limits)
}

/**
 * The version from a newer listing, where very much has changed and the listing is less to fetch. Undefined where
 * the blocks of the path log after `before` are less, or where no peer has the listing: followers of a share need
 * not have it.
 */
async function fromNewerListing(
  logs: ShareLogs,
  length: number,
  before: Version,
  signal: AbortSignal | undefined,
): Promise<Version | undefined> {
  const { paths, bytes } = logs
  const newer = length - before.length
  const missing =
    newer - (newer <= FEW_BLOCKS ? newer : paths.core.bitfield.count(before.length, newer, true))
  if (missing <= FEW_BLOCKS || bytes === undefined) return undefined
  const about = await readAbout(paths, length, signal)
  const listing = about?.listing
  if (listing === undefined || listing.ahead === true) return undefined
  if (listing.version <= before.length || listing.version > length) return undefined
  const isLess = missing > length - listing.version + listing.files / ENTRIES_A_BLOCK
  const { blockOffset, blockLength } = listing.chunks
  if (!isLess || nobodyHas(bytes, blockOffset) || nobodyHas(bytes, blockOffset + blockLength - 1))
    return undefined
  try {
    return await new VersionRead(logs, length, false, () => {}, signal).fromListing(about, listing)
  } catch (error) {
    throwIfAborted(signal)
    if (isLimit(error)) throw error
    return undefined // its holder left
  }
}

class VersionRead {
  private readonly fork: number

  constructor(
    private readonly logs: ShareLogs,
    private readonly length: number,
    private readonly isOlder: boolean,
    private readonly onPart: OnPart,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.fork = logs.paths.fork
  }

  async run(): Promise<Version> {
    const { logs, length, signal } = this
    if (!(await beginsAsPathLog(logs.paths, BLOCK_TIMEOUT, signal))) throw new PeerfoldError('not-readable')
    if (length <= SHORT) this.fetchAll()
    const about = await readAbout(logs.paths, length, signal)
    const listing = (await this.listingHere(about?.listing)) ?? about?.listing
    if (listing === undefined || listing.version > length || length - listing.version > MAX_HISTORY)
      return this.fromPathLog(about, listing)
    try {
      return await this.fromListing(about, listing)
    } catch (error) {
      throwIfAborted(signal)
      if (!this.isInPathLog(listing) || isLimit(error)) throw error
      this.onPart(undefined)
      return this.fromPathLog(about, undefined)
    }
  }

  /**
   * The newest listing that is here with all blocks of the path log after it. It gives the version without any
   * peer. Followers of a share read news from the path log, and never fetch the newer listings that it names.
   */
  private async listingHere(named: ListingHeader | undefined): Promise<ListingHeader | undefined> {
    const { logs, length, signal } = this
    const { bitfield } = logs.paths.core
    const bytes = logs.bytes?.core.bitfield
    if (named === undefined || bytes === undefined) return undefined
    const isHere = ({ chunks }: ListingHeader) =>
      bytes.count(chunks.blockOffset, chunks.blockLength, true) === chunks.blockLength
    const local = { timeout: 0, signal }
    try {
      for (let end = length, listing: ListingHeader | undefined = named; listing !== undefined; ) {
        if (listing.version > end || length - listing.version > MAX_HISTORY) return undefined
        const after = length - listing.version
        if (bitfield.count(listing.version, after, true) < after) return undefined
        if (isHere(listing) && (listing === named || !listing.ahead)) return listing
        const { previous }: PastVersion = await versionEndingAt(logs.paths, listing.version, local)
        if (previous === undefined || previous < 2) return undefined
        end = previous
        const before: PastVersion = await versionEndingAt(logs.paths, previous, local)
        listing = before.listing
      }
      return undefined
    } catch (error) {
      if (error instanceof BlockMissing) return undefined
      throw error
    }
  }

  /** Asks for the whole path log at once, because the needed blocks are known only when the newest one is here. */
  private fetchAll(): void {
    const { logs, length } = this
    // the reader of the block meets the error
    for (let at = 1; at < length; at++) logs.paths.get(at, { timeout: BLOCK_TIMEOUT }).catch(() => {})
  }

  /** Reads the version from a listing. `onPart` is told of its first parts meanwhile. */
  async fromListing(about: About | undefined, listing: ListingHeader): Promise<Version> {
    const { logs, length, fork, isOlder, onPart, signal } = this
    const newer = await readChanges(logs.paths, listing.version, length, signal)
    const bytes = await logs.bytesReady(signal)
    const coming = new PartialIndex(length, newer, logs.limits)
    onPart(coming)
    const isSuperseded = () => isOlder
    const patience = { timeout: BLOCK_TIMEOUT, timeoutAlone: BLOCK_TIMEOUT, signal, isSuperseded }
    const index = await readListing(listing, bytes, coming, () => onPart(coming), patience)
    return {
      length,
      fork,
      index,
      info: about?.info,
      listing: about?.listing ?? listing,
      isListingFirst: listing.ahead === true,
    }
  }

  private async fromPathLog(about: About | undefined, listing: ListingHeader | undefined): Promise<Version> {
    const { logs, length, fork, signal } = this
    await logs.readHeader(BLOCK_TIMEOUT, signal)
    const nothing = PathIndexBuilder.empty(logs.limits).done()
    const before = { length: 0, fork, index: nothing, info: about?.info, listing, isListingFirst: false }
    const changes = await readChanges(logs.paths, 0, length, signal)
    return { ...(await versionAfter(before, changes, length, logs.limits)), listing }
  }

  /**
   * Whether the path log can give the version instead of the listing. A path log that lags behind its listing
   * cannot, except for its writer, to whom no peer could give the listing.
   */
  private isInPathLog({ ahead }: ListingHeader): boolean {
    const { logs, length, isOlder } = this
    const isHere = logs.paths.contiguousLength >= length || logs.paths.peers.length > 0
    return isHere && (!ahead || (logs.isOwn && !isOlder))
  }
}

/** The description in the last block of a version. */
async function readAbout(
  paths: Hypercore,
  length: number,
  signal: AbortSignal | undefined,
): Promise<About | undefined> {
  return parseAbout(await readPathChange(paths, length - 1, BLOCK_TIMEOUT, signal))
}

function isLimit(error: unknown): boolean {
  return error instanceof PeerfoldError && error.code === 'limit-passed'
}
