/**
 * The last step of a publish: one batch of paths makes a version. Its last block tells about the share, and now and
 * then a new listing comes with it. Readers see a version as a whole or not at all.
 *
 * A large first version comes in two steps, so that its link can be given out early: `appendAhead` writes the listing
 * and a path log that names nothing else, which is all that Peerfold reads; `appendWhatIsAhead` writes the small
 * files' own blocks and all paths. Cut off in between, it is whole for Peerfold, and the second step is done later.
 */
import type { DrivePath } from '../../../common/brand'
import type { Changes } from '../../drive/changes'
import {
  ABOUT,
  ABOUT_SHARE,
  type About,
  aboutOf,
  type ChangeCounts,
  countsRecord,
  FILES,
} from '../../drive/format/about'
import { type DriveEntry, entryValue } from '../../drive/format/entry'
import { encodeListing, endOf, type ListingHeader } from '../../drive/format/listing'
import type { ShareDrive } from '../../drive/shareDrive'
import { indexOf, type Version, versionAfter } from '../../drive/version'
import { batchOn, type PathBatch } from '../../hypercore/firstPaths'
import { compareDrivePaths } from '../../names/pathOrder'
import { breathe, slicer, throwIfAborted } from '../../time'
import type { FileImport } from './importFiles'
import { appendDeferredBlocks } from './listingFirst/deferredBlocks'
import { packLoose } from './listingFirst/packLoose'
import { type Published, publishedEntry } from './published'

/** The listing is written again when this many entries of the path log, or a twentieth of all files, are newer. */
const LISTING_AFTER = 256

/** What the last block of a version tells about the share, besides the listing. */
export interface VersionInfo {
  readonly name: string
  readonly isFile: boolean
}

/** What a version says of the one before, and when it was made; `time` absent: now. */
interface Written {
  readonly previous: number
  readonly changes: ChangeCounts
  readonly time?: number
}

/** A version that was appended. */
export interface Appended {
  readonly version: Version
  /** Paths whose files lie in another pack now. */
  readonly moved: readonly DrivePath[]
}

/** Appends to the logs of one share. Nothing else may append to them meanwhile. */
export class VersionAppender {
  /** @param assertLength throws when the path log does not have this length any more, because peers lengthened it */
  constructor(
    private readonly share: ShareDrive,
    private readonly info: () => VersionInfo,
    private readonly assertLength: (length: number) => void,
  ) {}

  /**
   * A version in which these paths are put and those are gone.
   * @param before the newest version, if there is one
   */
  async append(
    before: Version | undefined,
    published: Published,
    put: readonly DrivePath[],
    gone: readonly DrivePath[],
    bytes: FileImport,
    signal: AbortSignal,
  ): Promise<Appended> {
    let moved: DrivePath[] = []
    const since = { previous: before?.length ?? 0, changes: countsOf(before, published, put, gone) }
    const about = await this.write(this.share.paths.length <= 1, since, async batch => {
      const due = slicer()
      for (const path of gone) {
        await batch.del(path, { keyEncoding: FILES })
        if (due()) await breathe()
      }
      await putAll(batch, published, put, signal)
      const length = this.share.paths.length + batch.length + 1
      const newer = length - (before?.listing?.version ?? 0)
      if (!before?.isListingFirst && newer <= Math.max(LISTING_AFTER, published.size / 20))
        return before?.listing
      moved = await packLoose(published, await this.share.bytesReady(), bytes)
      return this.appendListing(published, bytes, length)
    })
    // The index of a version whose listing was ahead may have files that this version lacks.
    const isWhole = before === undefined || before.isListingFirst
    const version = isWhole
      ? await this.wholeVersion(about, entriesOf(published))
      : await this.nextVersion(about, before, changesOf(published, [...put, ...moved], gone))
    return { version, moved }
  }

  /** A first version with everything but paths and what is left for later. */
  async appendAhead(published: Published, bytes: FileImport): Promise<Version> {
    const about = await this.write(true, firstOf(published), async batch => {
      const listing = await this.appendListing(published, bytes, this.share.paths.length + batch.length + 1)
      bytes.later.place(endOf(listing.chunks))
      return { ...listing, ahead: true }
    })
    return { ...(await this.wholeVersion(about, entriesOf(published))), isListingFirst: true }
  }

  /** The rest of a version that `appendAhead` began. Throws PeerfoldError `cancelled`; it can be done again then. */
  async appendWhatIsAhead(before: Version, published: Published, signal: AbortSignal): Promise<Version> {
    if (before.listing === undefined) throw new Error('nothing is ahead')
    const { ahead, ...listing } = before.listing
    await appendDeferredBlocks(await this.share.bytesReady(), published.values(), signal)
    const first = before.info?.time === undefined ? {} : { time: before.info.time }
    const about = await this.write(true, { ...firstOf(published), ...first }, async batch => {
      await putAll(batch, published, published.paths(), signal)
      return { ...listing, version: this.share.paths.length + batch.length + 1 }
    })
    const { length } = this.share.paths
    return { ...before, info: about.info, listing: about.listing, length, isListingFirst: false }
  }

  /**
   * @param isFirst all paths are new to the path log
   * @param since what it comes after
   * @returns what the version says of the share
   */
  private async write(
    isFirst: boolean,
    { previous, changes, time = Date.now() }: Written,
    fill: (batch: PathBatch) => Promise<ListingHeader | undefined>,
  ): Promise<About> {
    const { length } = this.share.paths
    const batch = await batchOn(this.share.drive.db, isFirst)
    try {
      const listing = await fill(batch)
      const { name, isFile } = this.info()
      const how = { previous, changes: countsRecord(changes) }
      const about = { name, isFile, time, ...how, ...(listing ? { listing } : {}) }
      await batch.put(ABOUT_SHARE, about, { keyEncoding: ABOUT })
      this.assertLength(Math.max(1, length)) // the batch began a new log with its header
      await batch.flush()
      return aboutOf(about)
    } catch (error) {
      await batch.close()
      throw error
    }
  }

  private async appendListing(
    published: Published,
    bytes: FileImport,
    version: number,
  ): Promise<ListingHeader> {
    const entries = published.sorted(compareDrivePaths).map(([path, file]) => publishedEntry(path, file))
    const chunks = await bytes.append(encodeListing(entries, blob => bytes.later.has(blob)))
    await bytes.finish()
    const format = bytes.later.isEmpty ? 1 : 2
    return { format, version, files: entries.length, bytes: published.bytes, chunks }
  }

  private async wholeVersion({ info, listing }: About, entries: Iterable<DriveEntry>): Promise<Version> {
    const { paths, limits } = this.share
    const { length, fork } = paths
    return { length, fork, index: await indexOf(entries, limits), info, listing, isListingFirst: false }
  }

  private nextVersion(about: About, before: Version, paths: Changes['paths']): Promise<Version> {
    return versionAfter(before, { paths, ...about }, this.share.paths.length, this.share.limits)
  }
}

/** All of a first version is new. The version that completes it takes its place in the history. */
function firstOf({ size, bytes }: Published): Written {
  return { previous: 0, changes: { added: size, changed: 0, removed: 0, bytes } }
}

function countsOf(
  before: Version | undefined,
  published: Published,
  put: readonly DrivePath[],
  gone: readonly DrivePath[],
): ChangeCounts {
  let [added, bytes] = [0, 0]
  for (const path of put) {
    if (before?.index.entry(path) === undefined) added++
    bytes += published.get(path)?.size ?? 0
  }
  return { added, changed: put.length - added, removed: gone.length, bytes }
}

function* entriesOf(published: Published): Generator<DriveEntry> {
  for (const path of published.paths()) {
    const file = published.get(path)
    if (file !== undefined) yield publishedEntry(path, file)
  }
}

function changesOf(
  published: Published,
  put: readonly DrivePath[],
  gone: readonly DrivePath[],
): Changes['paths'] {
  const changes = new Map<DrivePath, DriveEntry | 'gone'>(gone.map(path => [path, 'gone']))
  for (const path of put) {
    const file = published.get(path)
    if (file !== undefined) changes.set(path, publishedEntry(path, file))
  }
  return changes
}

async function putAll(
  batch: PathBatch,
  published: Published,
  paths: Iterable<DrivePath>,
  signal: AbortSignal,
): Promise<void> {
  const due = slicer()
  for (const path of paths) {
    throwIfAborted(signal)
    const file = published.get(path)
    if (file !== undefined)
      await batch.put(path, entryValue(publishedEntry(path, file)), { keyEncoding: FILES })
    if (due()) await breathe()
  }
}
