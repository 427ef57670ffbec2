/** What appends to the logs of a share that this machine publishes: versions, and the rest of a large first one. */
import { join } from 'node:path'
import type { DrivePath } from '../../common/brand'
import type { VersionKeeping } from '../../common/keptVersions'
import type { BlockRuns } from '../hypercore/blockRuns'
import { Clones } from '../publish/version/inPlace/clones'
import { SharedFiles } from '../publish/version/inPlace/sharedFiles'
import { VersionFinish } from '../publish/version/listingFirst/versionFinish'
import { Publisher } from '../publish/version/publisher'
import type { PublishProgress, PublishResult } from '../publish/version/publishResult'
import { rootOf } from '../publish/version/sourceView'
import type { Named } from '../retention/clearing'
import { type ShareRecord, storesAll } from '../store/catalog'
import { throwIfAborted, unlessAborted } from '../time'
import type { Transfer } from '../transfer'
import type { ServedShare } from './servedShare'

/** What has changed since the last publish began. */
export interface SourceChanges {
  /** Drive paths that the watcher told. */
  readonly named: ReadonlySet<DrivePath>
  /** Whether nothing else has changed. */
  readonly onlyNamed: boolean
}

export class Appending {
  private readonly publisher: Publisher
  private readonly versionFinish: VersionFinish
  /** Serves large files out of the folder. */
  private readonly files: SharedFiles
  private readonly clones: Clones
  private appending = false
  private givingBack: Promise<void> | undefined

  /**
   * @param save keeps changes of the record
   * @param keeping which former versions are kept
   * @param onLost is told files that do not hold any more what was published of them
   */
  constructor(
    private readonly share: ServedShare,
    private readonly record: () => ShareRecord,
    private readonly save: (change: Partial<ShareRecord>) => Promise<void>,
    keeping: () => VersionKeeping,
    onLost: (paths: readonly DrivePath[]) => void,
  ) {
    const { drive, context, signal } = share
    const root = () => rootOf(record())
    const isWanted = () => !storesAll(record()) && keeping().rule.kind !== 'none'
    this.clones = new Clones(join(context.clones, drive.id), root, isWanted)
    this.files = new SharedFiles({ share: drive, root, onLost, clones: this.clones, signal })
    this.publisher = new Publisher(
      drive,
      context.catalog,
      record,
      context.syncStore,
      context.mayHaveLostWrites(),
      error => share.told(error, 'keeping the index'),
      context.hold,
      this.files,
    )
    this.versionFinish = new VersionFinish({
      grace: context.grace,
      isListingFirst: () => !record().lost && this.publisher.isListingFirst,
      finish: () => share.inTurn(() => this.finish()),
      sent: () => share.replication?.up.total ?? 0,
      signal,
      onError: error => share.told(error, 'the rest of the first version'),
    })
  }

  /** Whether this machine appends to the logs now: what comes then did not come from a peer. */
  get isAppending(): boolean {
    return this.appending
  }

  /** Whether some files do not hold what was published of them, as far as is known. */
  get hasLost(): boolean {
    return this.files.hasLost
  }

  /** Puts what lies in the folder alone into the store. Throws `store-full`; it can be done again then. */
  async storeAll(): Promise<void> {
    const { context } = this.share
    await this.givingBack // or it would take out again what comes in
    await this.share.inTurn(() => this.files.storeAll(() => context.space.assertRoom()))
    await this.save({ inPlace: undefined })
  }

  /** Publishes when its turn comes: another publish may be under way. Aborting does not wait for the turn. */
  publish(signal: AbortSignal, changes: SourceChanges, transfer?: Transfer): Promise<PublishResult> {
    return unlessAborted(
      this.share.inTurn(() => this.publishNow(signal, changes, transfer)),
      signal,
    )
  }

  /** Vanished files that are held leave with the next version. */
  releaseRemoval(): void {
    this.publisher.removals.release()
  }

  /** Writes soon what a large first version left for later. */
  finishSoon(): void {
    this.versionFinish.soon()
  }

  /** See `SharePart`. */
  inUse(): Iterable<Named> | undefined {
    return this.publisher.files()
  }

  /** See `SharePart`. */
  beforeClear(used: BlockRuns): void {
    this.publisher.keepContent(used)
  }

  /** See `SharePart`. */
  cleared(): Promise<void> {
    return this.files.cleared()
  }

  /** See `SharePart`. */
  purged(): Promise<void> {
    return this.clones.removeAll()
  }

  /** Resolves when nothing is under way any more; soon, once the share is closing. */
  async settle(): Promise<void> {
    await this.share.turnsOver()
    await this.publisher.settle()
    await this.versionFinish.settle()
    await this.givingBack
    await this.files.settle()
    this.files.close()
  }

  private async publishNow(
    signal: AbortSignal,
    { named, onlyNamed }: SourceChanges,
    transfer: Transfer | undefined,
  ): Promise<PublishResult> {
    throwIfAborted(signal)
    const { ignore, dataFolder, space, toldFor } = this.share.context
    const shown = { files: 0, bytes: 0 }
    const onProgress = ({ files, bytes }: PublishProgress) => {
      if (transfer === undefined) return
      transfer.files.total = files.total ?? 0
      transfer.bytes.total = bytes.total ?? 0
      transfer.progress(files.done - shown.files, bytes.done - shown.bytes)
      shown.files = files.done
      shown.bytes = bytes.done
    }
    const { inPlace, version } = this.record()
    if (!storesAll(this.record()) && inPlace === undefined)
      await this.save({ inPlace: version === 0 ? 'all' : 'some' })
    const result = await this.whileAppending(() =>
      this.publisher.publish(
        {
          ignore: ignore(),
          dataFolder,
          named,
          onlyNamed,
          notice: toldFor,
          assertRoom: () => space.assertRoom(),
        },
        signal,
        onProgress,
      ),
    )
    await this.takeOver(signal)
    this.finishSoon()
    this.giveBackSoon()
    return result
  }

  private async finish(): Promise<void> {
    const { signal } = this.share
    throwIfAborted(signal)
    await this.whileAppending(() => this.publisher.finish(signal))
    await this.takeOver(signal)
  }

  /**
   * Takes out of the store, once, what an earlier program version put there though the folder holds it. Not waited for.
   */
  private giveBackSoon(): void {
    if (storesAll(this.record()) || this.record().inPlace !== 'some') return
    const { compaction } = this.share.context
    this.givingBack ??= this.files
      .giveBack(bytes => compaction.add(bytes))
      .then(() => this.save({ inPlace: 'all' }))
      .catch(error => this.share.told(error, 'giving back what the folder has'))
      .finally(() => {
        this.givingBack = undefined
      })
  }

  private async whileAppending<T>(append: () => Promise<T>): Promise<T> {
    this.appending = true
    try {
      return await append()
    } finally {
      this.appending = false
    }
  }

  /** What was appended is the newest version from now on, for everybody here. */
  private async takeOver(signal: AbortSignal): Promise<void> {
    const { drive, updated } = this.share
    await this.save({ version: drive.paths.length })
    const change = await drive.refresh(signal, this.publisher.version)
    if (change !== undefined) updated.emit(change)
    if (drive.version !== undefined) await this.files.published(drive.version)
    this.share.clearSoon()
  }
}
