/**
 * The versions of one own share: whatever appends to its logs or clears what is superseded, one thing after another.
 */
import type { DrivePath } from '../../common/brand'
import { Signal } from '../../common/signal'
import type { ShareDrive } from '../drive/shareDrive'
import type { VersionChange } from '../drive/version'
import { VersionFinish } from '../publish/version/listingFirst/versionFinish'
import { Publisher, type PublishProgress, type PublishResult } from '../publish/version/publisher'
import { Clearing } from '../retention/clearing'
import type { ShareRecord } from '../store/catalog'
import { throwIfAborted, unlessAborted } from '../time'
import type { Transfer } from '../transfer'
import type { PeerContext } from './context'

export interface OwnVersionsOptions {
  readonly drive: ShareDrive
  readonly context: PeerContext
  readonly record: () => ShareRecord
  /** There is a new version of this length. */
  readonly onVersion: (version: number) => Promise<void>
  /** Bytes of content that went out so far. */
  readonly sent: () => number
  /** Aborted when the share is closed: nothing is begun any more. */
  readonly signal: AbortSignal
}

export class OwnVersions {
  /** There is a new version. */
  readonly published = new Signal<VersionChange>()
  private readonly publisher: Publisher
  private readonly clearing: Clearing
  private readonly versionFinish: VersionFinish
  private turn: Promise<unknown> = Promise.resolve()
  private appending = false

  constructor(private readonly options: OwnVersionsOptions) {
    const { drive, context, record, sent, signal } = options
    const told = (what: string) => (error: unknown) => {
      if (signal.aborted) return
      context.checkForDamage(error)
      context.log(`${what} of ${record().source}: ${String(error)}`)
    }
    this.publisher = new Publisher(
      drive,
      context.catalog,
      record,
      context.syncStore,
      context.mayHaveLostWrites(),
      told('keeping the index'),
      context.hold,
    )
    this.clearing = new Clearing({
      share: drive,
      grace: context.grace,
      entries: () => this.publisher.files(),
      inTurn: work => this.inTurn(work),
      beforeClear: used => this.publisher.keepTwins(used),
      onCleared: async bytes => context.compaction.add(bytes),
      signal,
      onError: told('clearing'),
    })
    this.versionFinish = new VersionFinish({
      grace: context.grace,
      isListingFirst: () => !record().lost && this.publisher.isListingFirst,
      finish: () => this.inTurn(() => this.finish()),
      sent,
      signal,
      onError: told('the rest of the first version'),
    })
  }

  /** Whether this machine appends to the logs now: what comes then did not come from a peer. */
  get isAppending(): boolean {
    return this.appending
  }

  /** Nothing is appended or cleared before this has resolved or rejected. */
  after(first: Promise<unknown>): void {
    this.turn = this.turn.then(() => first).catch(() => {}) // whoever made it was told
  }

  /**
   * Publishes when its turn comes: the user may ask again while the folder's changes are on their way.
   * @param named what the watcher says has changed
   */
  publish(signal: AbortSignal, named: ReadonlySet<DrivePath>, transfer?: Transfer): Promise<PublishResult> {
    return unlessAborted(
      this.inTurn(() => this.publishNow(signal, named, transfer)),
      signal,
    ) // its turn may be long in coming
  }

  /** What vanished and is held leaves with the next version. */
  releaseRemoval(): void {
    this.publisher.removals.release()
  }

  /** What a large first version left for later is written soon. */
  finishSoon(): void {
    this.versionFinish.soon()
  }

  /** Resolves when nothing is under way any more; soon, once the signal is aborted. */
  async settle(): Promise<void> {
    await this.turn
    await this.publisher.settle()
    await this.clearing.settle()
    await this.versionFinish.settle()
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.then(work)
    this.turn = done.catch(() => {}) // whoever asked for that one is told
    return done
  }

  private async publishNow(
    signal: AbortSignal,
    named: ReadonlySet<DrivePath>,
    transfer: Transfer | undefined,
  ): Promise<PublishResult> {
    throwIfAborted(signal)
    const { ignore, dataFolder, space, toldFor } = this.options.context
    const shown = { files: 0, bytes: 0 }
    const onProgress = ({ files, bytes }: PublishProgress) => {
      if (transfer === undefined) return
      transfer.files.total = files.total ?? 0
      transfer.bytes.total = bytes.total ?? 0
      transfer.progress(files.done - shown.files, bytes.done - shown.bytes)
      shown.files = files.done
      shown.bytes = bytes.done
    }
    const result = await this.whileAppending(() =>
      this.publisher.publish(
        { ignore: ignore(), dataFolder, named, notice: toldFor, assertRoom: () => space.assertRoom() },
        signal,
        onProgress,
      ),
    )
    await this.takeOver(signal)
    this.finishSoon()
    return result
  }

  private async finish(): Promise<void> {
    const { signal } = this.options
    throwIfAborted(signal)
    await this.whileAppending(() => this.publisher.finish(signal))
    await this.takeOver(signal)
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
    const { drive, onVersion } = this.options
    await onVersion(drive.paths.length)
    const change = await drive.refresh(signal, this.publisher.version)
    if (change !== undefined) this.published.emit(change)
    this.clearing.look()
  }
}
