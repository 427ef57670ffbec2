/**
 * The publisher of one share: folder → scan → import → one batch of paths → index.
 *
 * A publish that is cut off anywhere loses nothing: bytes that no path names are ignored, and the next publish takes
 * whatever the path log does not have yet. Readers see a version as a whole or not at all.
 */
import type { DrivePath } from '../../../common/brand'
import { PeerfoldError } from '../../../common/errors'
import { inSlices } from '../../../wire/slices'
import type { ShareDrive } from '../../drive/shareDrive'
import type { Version } from '../../drive/version'
import type { BlockRuns } from '../../hypercore/blockRuns'
import { type Foretold, foretell, isForetoldBy } from '../../names/foretell'
import { type Catalog, type PublishedFile, type ShareRecord, storesAll } from '../../store/catalog'
import type { ScannedFile } from '../scan/scanned'
import type { SkippedFromShare, SkipReason } from '../scan/skipped'
import { namesIn } from '../scan/sortedPaths'
import { VersionAppender } from './appendVersion'
import { FilesAtWork } from './filesAtWork'
import { findChanged } from './findChanged'
import { HOLD, mayBeHeld, RemovalHold } from './held'
import { heldBack } from './heldBack'
import type { SharedFiles } from './inPlace/sharedFiles'
import { NewestPublished } from './newestPublished'
import { NEWLY, NOTICE } from './newlyHidden'
import { NotTaken } from './notTaken'
import { OwnLogs } from './ownLogs'
import type { Published } from './published'
import type { PublisherOptions, PublishProgress, PublishResult } from './publishResult'
import { rootOf, type Seen, SourceView } from './sourceView'
import { importVersion } from './versionImport'

/** In a folder with more names than this, a new name is not compared with them. */
const MANY_NAMES = 5_000

export class Publisher {
  private readonly newest: NewestPublished
  /** What is foretold of the published names and links; undefined: to be found out again. */
  private foretold: readonly Foretold[] | undefined
  private readonly logs: OwnLogs
  private readonly source: SourceView
  /** What was published at the last look at the source, all of it. */
  private seenWith: Published | undefined
  private readonly notTaken = new NotTaken()
  private readonly filesAtWork = new FilesAtWork()
  readonly removals: RemovalHold
  private readonly versions: VersionAppender
  /** A version was appended, and the disk did not take it. */
  private isUnsynced = false

  /**
   * @param share its log of bytes is open, when it has one
   * @param syncStore resolves when everything in the store is on the disk
   * @param isInDoubt whether the logs may have lost their ends
   * @param hold milliseconds that many vanished files are held before they count as deleted
   * @param onIndexLost the index could not be saved, which harms nothing but says something about the disk
   * @param shared serves large files out of the folder; undefined: the store keeps them
   */
  constructor(
    private readonly share: ShareDrive,
    catalog: Catalog,
    private readonly readRecord: () => ShareRecord,
    private readonly syncStore: () => Promise<void>,
    isInDoubt: boolean,
    onIndexLost: (error: unknown) => void,
    hold = HOLD,
    private readonly shared?: SharedFiles,
  ) {
    this.removals = new RemovalHold(hold)
    this.source = new SourceView(readRecord)
    this.logs = new OwnLogs(share, readRecord, isInDoubt)
    this.newest = new NewestPublished(share, catalog, () => this.record.seed, this.logs, onIndexLost)
    this.versions = new VersionAppender(share, readRecord, length => this.logs.assertLength(length))
  }

  /** The newest version that was appended here, or read to append to it. */
  get version(): Version | undefined {
    return this.newest.version
  }

  private get record(): ShareRecord {
    return this.readRecord()
  }

  /** Undefined when the store keeps all bytes, so that they stay although the folder changes. */
  private get inPlace(): SharedFiles | undefined {
    return storesAll(this.record) ? undefined : this.shared
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
    try {
      return await this.publishSeen(options, signal, onProgress)
    } catch (error) {
      this.source.forget() // what was seen is not published
      throw error
    }
  }

  private async publishSeen(
    options: PublisherOptions,
    signal: AbortSignal,
    onProgress: (progress: PublishProgress) => void,
  ): Promise<PublishResult> {
    const { named = NOTHING, notice = NOTICE, assertRoom = () => {} } = options
    await this.logs.catchUp(signal)
    if (this.isUnsynced) await this.sync()
    let published = await this.newest.load(signal)
    const progress: PublishProgress = { files: { done: 0 }, bytes: { done: 0 } }
    const leftOut = new Set<string>()
    this.removals.beforeScan()
    const seen = await this.see(options, published, leftOut, signal)
    const { scan, look } = seen
    if (scan.files.length === 0 && published.size > 0) {
      // A disk that is not mounted looks like this. What was published stays.
      throw new PeerfoldError('source-emptied', this.record.source)
    }
    const { record, root, inPlace } = this
    const leavingQuestion = { root, record, published, seen, leftOut, notice }
    const stay = await heldBack(leavingQuestion, this.removals, signal)
    const looked = look === undefined ? scan.files : this.notTaken.again(look)
    const { share } = this
    const question = { root, share, published, inPlace, named, scanned: seen.took }
    const compared = await findChanged(looked, question, signal)
    const comes = compared.changed.filter(file => !stay.leaving.has(file.path))
    // A first version waits for nothing: it may be the only one.
    const isFirst = published.size === 0
    const sizeOf = (path: DrivePath) => published.get(path)?.size
    const beingWritten = isFirst ? NOTHING : await this.filesAtWork.beingWritten(root, comes, sizeOf, signal)
    const changed = comes.filter(file => !beingWritten.has(file.path))
    progress.files.total = changed.length
    progress.bytes.total = changed.reduce((sum, file) => sum + file.size, 0)
    onProgress(progress)

    const { removed } = stay
    const isNew = ({ path, kind }: ScannedFile) => kind === 'link' || published.get(path) === undefined
    const comeOrGone = [...removed, ...changed.filter(isNew).map(({ path }) => path)]
    if (this.isForetoldBy(seen, comeOrGone)) this.foretold = undefined
    this.notTaken.begin(look)
    let busy: readonly DrivePath[] = [...beingWritten]
    let appended = false
    if (changed.length > 0 || removed.length > 0 || this.share.paths.length === 0) {
      assertRoom()
      await this.finishAhead(await this.newest.saved(signal), signal)
      published = await this.newest.saved(signal)
      const { newest, versions } = this
      const sync = () => this.sync()
      const place = { share, root, newest, versions, inPlace: this.inPlace, sync }
      const alreadySkipped = this.notTaken.list()
      const mayGrow = (path: DrivePath) => this.filesAtWork.isOverdue(path)
      const changes = {
        published,
        seen,
        changed,
        gone: removed,
        same: compared.same,
        alreadySkipped,
        mayGrow,
      }
      const outcome = await this.logs.appending(() =>
        importVersion(place, changes, { signal, progress, onProgress, assertRoom }),
      )
      this.notTaken.add(outcome.skipped)
      const isBusy = new Set(outcome.busy)
      for (const { path } of changed) if (!isBusy.has(path)) this.filesAtWork.published(path)
      busy = [...beingWritten, ...isBusy]
      appended = outcome.appended
    } else this.newest.saveAfter(published, compared.same)
    this.seenWith = stay.held.length === 0 ? published : undefined
    this.foretold ??= await this.foretell(published, scan.files, signal)
    const failed = this.notTaken.list()
    return {
      files: published.size,
      bytes: published.bytes,
      changed: appended,
      skipped: [...failed, ...scan.skipped].slice(0, 1_000),
      skippedCounts: addCounts(scan.skippedCounts, failed),
      foretold: this.foretold,
      ignoredFolders: scan.ignoredFolders,
      held: stay.held,
      remember: stay.remember,
      inputs: scan.inputs,
      disks: scan.disks,
      repositories: scan.repositories,
      vanished: scan.vanished,
      ...(stay.lookAfter === undefined ? {} : { lookAfter: stay.lookAfter }),
      busy,
      inDoubt: compared.left > 0,
      hardLinked: scan.hardLinked,
    }
  }

  /** Looks at the named paths alone, if nothing else has changed since the last look and nothing is held. */
  private see(
    { ignore, dataFolder, named = NOTHING, onlyNamed = false }: PublisherOptions,
    published: Published,
    leftOut: Set<string>,
    signal: AbortSignal,
  ): Promise<Seen> {
    const onLeftOut = (path: DrivePath, reason: SkipReason) => {
      if (NEWLY.has(reason)) leftOut.add(path)
    }
    const names =
      onlyNamed && this.seenWith === published ? new Set([...named, ...published.fresh]) : undefined
    const mayLeave = (paths: number) => !mayBeHeld(paths, published.size)
    return this.source.see({ ignore, dataFolder, onLeftOut }, names, mayLeave, signal)
  }

  /** Whether paths that come or go may change what is foretold. */
  private isForetoldBy({ scan, look }: Seen, paths: readonly DrivePath[]): boolean {
    if (paths.length === 0) return false
    if (look === undefined || look.hasLinks) return true
    const namesOf = (folder: string) => namesIn(scan.files, folder, MANY_NAMES)
    return paths.some(path => isForetoldBy(path, namesOf))
  }

  private foretell(
    published: Published,
    files: readonly ScannedFile[],
    signal: AbortSignal,
  ): Promise<readonly Foretold[]> {
    return inSlices(foretell(files.filter(({ path }) => published.get(path) !== undefined)), { signal })
  }

  private get root(): string {
    return rootOf(this.record)
  }

  /** Resolves when everything in the store is on the disk. */
  private async sync(): Promise<void> {
    this.isUnsynced = true
    await this.syncStore()
    this.isUnsynced = false
  }

  /** Whether the newest version is given out and not finished: see `finish`. */
  get isListingFirst(): boolean {
    return (this.newest.version ?? this.share.version)?.isListingFirst === true
  }

  /** Writes what a first version left for later, if anything; `publish` does so before another. Throws as it does. */
  async finish(signal: AbortSignal): Promise<void> {
    if (!this.isListingFirst) return
    await this.logs.catchUp(signal)
    await this.finishAhead(await this.newest.saved(signal), signal)
    if (this.isListingFirst)
      throw new Error('what it is made of was lost; the next change publishes everything anew')
  }

  private async finishAhead(published: Published, signal: AbortSignal): Promise<void> {
    const before = this.newest.version
    if (before?.isListingFirst !== true || published.size === 0) return
    const version = await this.logs.appending(() =>
      this.versions.appendWhatIsAhead(before, published, signal),
    )
    await this.sync()
    this.newest.appended(version, published, []) // no file lies anywhere else now
  }

  /** See `NewestPublished`. */
  settle(): Promise<void> {
    return this.newest.settle()
  }

  /** See `NewestPublished`. */
  files(): Iterable<PublishedFile> | undefined {
    return this.newest.files()
  }

  /** See `NewestPublished`. */
  keepContent(used: BlockRuns): void {
    this.newest.keepContent(used)
  }
}

const NOTHING: ReadonlySet<DrivePath> = new Set()

function addCounts(
  counts: Readonly<Record<string, number | undefined>>,
  more: readonly SkippedFromShare[],
): Record<string, number> {
  const sum: Record<string, number> = {}
  for (const [reason, count] of Object.entries(counts)) sum[reason] = count ?? 0
  for (const { reason } of more) sum[reason] = (sum[reason] ?? 0) + 1
  return sum
}
