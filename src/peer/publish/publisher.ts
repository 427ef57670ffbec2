/**
 * The publisher of one share: folder → scan → import → one batch of paths → index.
 *
 * A publish that is cut off anywhere loses nothing: bytes that no path names are ignored, and the next publish takes
 * whatever the path log does not have yet. Readers see a version as a whole or not at all.
 */
import type { DrivePath } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import type { SkippedEntry } from '../../common/model'
import type { Catalog, PublishedFile, ShareRecord } from '../catalog'
import { ABOUT, ABOUT_SHARE, FILES } from '../drive/about'
import type { BlockRuns } from '../drive/blockRuns'
import { entryValue } from '../drive/entry'
import { encodeListing, type ListingHead, listingHeadValue, PACKED_FILE_BYTES } from '../drive/listing'
import type { ShareDrive } from '../drive/shareDrive'
import { breathe, delay, slicer, throwIfAborted } from '../time'
import { batchOn } from './firstPaths'
import { FileImport, MIN_PACKED_FILES } from './importFiles'
import { compareDrivePaths } from './names'
import { OwnLogs } from './ownLogs'
import { isUnchanged, Published, publishedEntry } from './published'
import { type ScannedFile, type ScanResult, scanFile, scanFolder } from './scan'
import type { SkippedFromShare } from './skipped'

/** The listing is written anew when this many entries of the path log, or a twentieth of all files, are newer. */
const LISTING_AFTER = 256
/** A pack with less than this of it still in use is packed anew with the next listing. */
const MIN_PACK_USE = 256 * 1024
/** With more to note than this, the link is given out first: that takes some milliseconds after the version stands. */
const INDEX_AT_ONCE = 1_000
const INDEX_AFTER = 150
/** Blocks of small files that are read at once to be packed. */
const READS_AHEAD = 64

export interface PublishProgress {
  readonly files: { done: number; total?: number }
  readonly bytes: { done: number; total?: number }
}

export interface PublishResult {
  readonly files: number
  readonly bytes: number
  /** Whether a new version was published. */
  readonly changed: boolean
  readonly skipped: readonly SkippedEntry[]
  readonly skippedCounts: Readonly<Record<string, number>>
  /** Drive paths of folders that need not be watched. */
  readonly ignoredFolders: readonly DrivePath[]
  /** Some files kept changing while they were read: scan again soon. */
  readonly again: boolean
}

export interface PublisherOptions {
  /** Ignore patterns from the settings. */
  readonly ignore: readonly string[]
  readonly dataFolder: string
}

export class Publisher {
  private published: Published | undefined
  /** Length of the path log that `published` describes. */
  private publishedVersion = 0
  private readonly logs: OwnLogs
  private saving: Promise<void> = Promise.resolve()

  /**
   * @param share its log of bytes is open, when it has one
   * @param sync resolves when everything in the store is on the disk
   * @param isInDoubt whether the logs may have lost their ends
   * @param onIndexLost the index could not be saved, which harms nothing but says something about the disk
   */
  constructor(
    private readonly share: ShareDrive,
    private readonly catalog: Catalog,
    private readonly readRecord: () => ShareRecord,
    private readonly sync: () => Promise<void>,
    isInDoubt: boolean,
    private readonly onIndexLost: (error: unknown) => void,
  ) {
    this.logs = new OwnLogs(share, readRecord, isInDoubt)
  }

  private get record(): ShareRecord {
    return this.readRecord()
  }

  /**
   * Scans and publishes what changed. One at a time. Throws PeerfoldError: `cancelled` when aborted, `log-behind` as
   * long as peers have, or may have, more of the logs than there is here.
   */
  async publish(
    options: PublisherOptions,
    signal: AbortSignal,
    onProgress: (progress: PublishProgress) => void,
  ): Promise<PublishResult> {
    await this.saving
    await this.logs.catchUp(signal)
    const published = await this.load(signal)
    const progress: PublishProgress = { files: { done: 0 }, bytes: { done: 0 } }
    const scan = await this.scan(options, signal)
    if (scan.files.length === 0 && published.size > 0) {
      // A disk that is not mounted looks like this. What was published stays.
      throw new PeerfoldError('source-emptied', this.record.source)
    }
    const changed = scan.files.filter(file => !isUnchanged(file, published.get(file.path)))
    progress.files.total = changed.length
    progress.bytes.total = changed.reduce((sum, file) => sum + file.size, 0)
    onProgress(progress)

    const removed = removedPaths(published, scan)
    const failed: SkippedFromShare[] = []
    let again = false
    let appended = false
    if (changed.length > 0 || removed.length > 0 || this.share.paths.length === 0) {
      const outcome = await this.logs.appending(() =>
        this.append(published, changed, removed, signal, progress, onProgress),
      )
      failed.push(...outcome.skipped)
      again = outcome.again
      appended = outcome.appended
    }
    return {
      files: published.size,
      bytes: sizeOf(published),
      changed: appended,
      skipped: [...failed, ...scan.skipped].slice(0, 1_000),
      skippedCounts: addCounts(scan.skippedCounts, failed),
      ignoredFolders: scan.ignoredFolders,
      again,
    }
  }

  /** Resolves when nothing is written any more that a publish left to be written after it. */
  async settle(): Promise<void> {
    await this.saving
  }

  /**
   * Not waited for: the version is whole without it. Whatever ends it makes the next publish rebuild the index from the
   * path log.
   */
  private async saveIndex(published: Published, changed: readonly DrivePath[]): Promise<void> {
    try {
      if (changed.length > INDEX_AT_ONCE) await delay(INDEX_AFTER)
      await published.save(changed, this.publishedVersion)
    } catch (error) {
      this.published = undefined
      this.onIndexLost(error)
    }
  }

  /** All files of the newest version, with packs that no listing names yet. Undefined while they are not known. */
  files(): Iterable<PublishedFile> | undefined {
    return this.publishedVersion === this.share.paths.length ? this.published?.values() : undefined
  }

  /** All blocks beyond these are about to be cleared. Not while a publish is under way. */
  keepTwins(used: BlockRuns): void {
    this.published?.keepTwins(used)
  }

  private async load(signal: AbortSignal): Promise<Published> {
    const { length } = this.share.paths
    if (this.published !== undefined && this.publishedVersion === length) return this.published
    const published = await Published.load(this.catalog, this.record.seed)
    if (length > 0) {
      await this.share.refresh(signal)
      // The path log is the truth; the index lags behind it after an unclean end, or when peers gave it back its end.
      if (!(await published.describes(length))) {
        await published.adopt(this.share.index?.entries() ?? [], length)
      }
      const bytes = await this.share.bytesReady(signal)
      this.logs.assertBytes(Math.max(published.bytesLength, endOf(this.share.listing)))
      published.doubtMissing(bytes)
    }
    this.logs.assertLength(length)
    this.published = published
    this.publishedVersion = length
    return published
  }

  private scan(options: PublisherOptions, signal: AbortSignal): Promise<ScanResult> {
    const scanOptions = {
      ignore: options.ignore,
      dataFolder: options.dataFolder,
      allow: this.record.allow,
      signal,
    }
    return this.record.isFile
      ? scanFile(this.record.source, scanOptions)
      : scanFolder(this.record.source, scanOptions)
  }

  private async append(
    published: Published,
    changed: readonly ScannedFile[],
    removed: readonly DrivePath[],
    signal: AbortSignal,
    progress: PublishProgress,
    onProgress: (progress: PublishProgress) => void,
  ): Promise<{ skipped: SkippedFromShare[]; again: boolean; appended: boolean }> {
    const core = await this.share.bytesReady(signal)
    const root = this.record.isFile ? parentOf(this.record.source) : this.record.source
    const small = changed.filter(file => file.size <= PACKED_FILE_BYTES && file.size > 0).length
    const onBytes = (bytes: number) => {
      progress.bytes.done += bytes
      onProgress(progress)
    }
    const onFile = () => {
      progress.files.done++
      onProgress(progress)
    }
    const bytes = new FileImport(
      root,
      core,
      published,
      { signal, onBytes, onFile },
      small >= MIN_PACKED_FILES,
    )

    // Until the path log has them, changed files must not pass for published if this is cut off.
    const before = new Map(changed.map(file => [file.path, published.get(file.path)] as const))
    const put: DrivePath[] = []
    try {
      for await (const file of bytes.run(changed)) put.push(file.path)
      for (const path of removed) published.forget(path)
      await bytes.finish()
      throwIfAborted(signal)
      // Files that could not be taken are asked for again at every change; that makes no new version.
      if (put.length + removed.length === 0 && this.share.paths.length > 0) {
        return { skipped: bytes.skipped, again: bytes.busy.length > 0, appended: false }
      }
      const moved = await this.appendPaths(published, put, removed, bytes)
      await this.sync()
      this.publishedVersion = this.share.paths.length
      this.saving = this.saveIndex(published, [...put, ...removed, ...moved])
    } catch (error) {
      await bytes.settle()
      for (const [path, file] of before) {
        if (file === undefined) published.forget(path)
        else published.remember(path, file)
      }
      if (this.published === published) this.published = undefined
      throw error
    }
    return { skipped: bytes.skipped, again: bytes.busy.length > 0, appended: true }
  }

  /** One batch: removed entries, changed ones in order, and what is said of the share, now and then a new listing. */
  private async appendPaths(
    published: Published,
    put: readonly DrivePath[],
    gone: readonly DrivePath[],
    bytes: FileImport,
  ): Promise<DrivePath[]> {
    const due = slicer()
    let moved: DrivePath[] = []
    const batch = await batchOn(this.share.drive.db)
    const { length } = this.share.paths
    try {
      for (const path of gone) {
        await batch.del(path, { keyEncoding: FILES })
        if (due()) await breathe()
      }
      for (const path of put) {
        const file = published.get(path)
        if (file !== undefined)
          await batch.put(path, entryValue(publishedEntry(path, file)), { keyEncoding: FILES })
        if (due()) await breathe()
      }
      const version = this.share.paths.length + batch.length + 1
      let { listing } = this.share
      if (version - (listing?.version ?? 0) > Math.max(LISTING_AFTER, published.size / 20)) {
        moved = await this.packLoose(published, bytes)
        listing = await this.appendListing(published, bytes, version)
      }
      const { name, isFile } = this.record
      const about = {
        name,
        isFile,
        time: Date.now(),
        ...(listing ? { listing: listingHeadValue(listing) } : {}),
      }
      await batch.put(ABOUT_SHARE, about, { keyEncoding: ABOUT })
      this.logs.assertLength(Math.max(1, length)) // the batch began a new log with its header
      await batch.flush()
      this.share.listing = listing
      return moved
    } catch (error) {
      await batch.close()
      throw error
    }
  }

  private async appendListing(
    published: Published,
    bytes: FileImport,
    version: number,
  ): Promise<ListingHead> {
    const entries = [...published.paths()]
      .sort(compareDrivePaths)
      .flatMap(path =>
        published.get(path)?.kind === undefined ? [] : [publishedEntry(path, mustGet(published, path))],
      )
    const chunks = await bytes.append(encodeListing(entries))
    await bytes.finish()
    this.share.listed = { version, entries }
    return { version, files: entries.length, bytes: sizeOf(published), chunks }
  }

  /** Packs small files that are in no pack, or in one that is hardly used any more. */
  private async packLoose(published: Published, bytes: FileImport): Promise<DrivePath[]> {
    const use = new Map<number, number>()
    for (const path of published.paths()) {
      const file = published.get(path)
      if (file?.pack !== undefined) use.set(file.pack.block, (use.get(file.pack.block) ?? 0) + file.size)
    }
    const loose = [...published.paths()].sort(compareDrivePaths).flatMap(path => {
      const file = published.get(path)
      if (file?.blob === undefined || file.size > PACKED_FILE_BYTES) return []
      return file.pack !== undefined && (use.get(file.pack.block) ?? 0) >= MIN_PACK_USE
        ? []
        : [{ path, file }]
    })
    if (loose.length < MIN_PACKED_FILES) return []
    const core = await this.share.bytesReady()
    const blocks = readAhead(loose, ({ file: { blob } }) =>
      blob?.blockLength === 1 ? core.get(blob.blockOffset, { wait: false }) : Promise.resolve(null),
    )
    const moved: DrivePath[] = []
    for await (const [{ path, file }, block] of blocks) {
      if (block === null) continue
      const again: PublishedFile = { ...file }
      published.remember(path, again)
      bytes.pack(again, block)
      moved.push(path)
      await bytes.writeWhenFull()
    }
    await bytes.finish()
    return moved
  }
}

/** Published paths that are no longer there. What could not be read stays published. */
function removedPaths(published: Published, scan: ScanResult): DrivePath[] {
  const present = new Set(scan.files.map(file => file.path))
  const unreadable = scan.unreadable
  return [...published.paths()].filter(
    path =>
      !present.has(path) && !unreadable.some(folder => path === folder || path.startsWith(`${folder}/`)),
  )
}

/** Each item with what was read for it, so many read at once. */
async function* readAhead<T, R>(
  items: readonly T[],
  read: (item: T) => Promise<R>,
): AsyncGenerator<[item: T, result: R]> {
  const ahead: Promise<R>[] = []
  for (const [at, item] of items.entries()) {
    for (const next of items.slice(at + ahead.length, at + READS_AHEAD)) {
      const result = read(next)
      result.catch(() => {}) // rejects again where it is awaited, below
      ahead.push(result)
    }
    yield [item, await (ahead.shift() ?? read(item))]
  }
}

function sizeOf(published: Published): number {
  let bytes = 0
  for (const path of published.paths()) bytes += published.get(path)?.size ?? 0
  return bytes
}

function addCounts(
  counts: Readonly<Record<string, number | undefined>>,
  more: readonly SkippedFromShare[],
): Record<string, number> {
  const sum: Record<string, number> = {}
  for (const [reason, count] of Object.entries(counts)) sum[reason] = count ?? 0
  for (const { reason } of more) sum[reason] = (sum[reason] ?? 0) + 1
  return sum
}

/** How long the log of bytes was once this listing was in it. */
function endOf(listing: ListingHead | undefined): number {
  return listing === undefined ? 0 : listing.chunks.blockOffset + listing.chunks.blockLength
}

function mustGet(published: Published, path: DrivePath): PublishedFile {
  const file = published.get(path)
  if (file === undefined) throw new Error(`not published: ${path}`)
  return file
}

function parentOf(path: string): string {
  return path.replace(/[/\\][^/\\]*$/, '') || '/'
}
