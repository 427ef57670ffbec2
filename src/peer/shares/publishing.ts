/**
 * Publishing: a folder or file of this machine becomes versions of a share, for as long as it is followed. What it
 * is made from is looked at in followedFolder.ts; what the user chooses about it is in publishChoices.ts.
 */
import { PeerfoldError } from '../../common/errors'
import type { VersionKeeping } from '../../common/keptVersions'
import type { ShareState, SkippedEntry } from '../../common/model'
import type { BlockRuns } from '../hypercore/blockRuns'
import { unportable } from '../names/foretell'
import type { PublishResult } from '../publish/version/publishResult'
import type { ChangedPaths } from '../publish/watch/burst'
import type { Named } from '../retention/clearing'
import type { ShareRecord } from '../store/catalog'
import { throwIfAborted } from '../time'
import type { Transfer } from '../transfer'
import { Appending } from './appending'
import { FollowedFolder } from './followedFolder'
import { peersFirst } from './peersFirst'
import { PublishChoices } from './publishChoices'
import { PublishedRecord } from './publishedRecord'
import { PublishStatus } from './publishStatus'
import type { ShareReplication } from './replication'
import type { ServedShare, SharePart } from './servedShare'

export class Publishing implements SharePart {
  readonly choices: PublishChoices
  private readonly versions: Appending
  private readonly folder: FollowedFolder
  private readonly kept: PublishedRecord
  private readonly status: PublishStatus

  private constructor(
    private readonly share: ServedShare,
    record: ShareRecord,
  ) {
    this.kept = new PublishedRecord(share, record)
    this.status = new PublishStatus(share)
    this.versions = new Appending(
      share,
      () => this.record,
      change => this.kept.save(change),
      () => this.keeping,
      paths => this.lost(paths),
    )
    const { kept, status, versions } = this
    const onLogLost = () => this.giveUpLog()
    this.folder = new FollowedFolder({ share, kept, status, versions, onLogLost })
    this.choices = new PublishChoices(share, kept, versions, this.folder)
  }

  get record(): ShareRecord {
    return this.kept.now
  }

  /** What the last publish told. */
  get last(): PublishResult | undefined {
    return this.folder.last
  }

  /** @param share whose log of bytes is open, if it has one */
  static async on(share: ServedShare, record: ShareRecord): Promise<Publishing> {
    const { drive, context } = share
    const publishing = new Publishing(share, { ...record, id: drive.id, key: drive.key })
    share.add(publishing)
    if (record.lost) publishing.status.set({ kind: 'failed', error: lostError(record).toUserError() })
    else if (record.key !== undefined && record.key !== drive.key)
      await publishing.giveUpLog() // another store
    else if (record.id !== drive.id) await context.catalog.put('share', record.seed, publishing.record)
    return publishing
  }

  /** Throws `log-lost`: what is lost is not shared any further, and a link to it leads nowhere. */
  assertNotLost(): void {
    if (this.isLost) throw lostError(this.record)
  }

  get isLost(): boolean {
    return this.record.lost === true
  }

  /** The first publish, watched as a transfer. Throws what stopped it. */
  async publishFirst(transfer: Transfer): Promise<PublishResult> {
    const before = this.status.now
    const wasJoined = this.share.replication !== undefined
    this.status.set({ kind: 'publishing' })
    try {
      // Joins first: announcing takes as long as publishing, and after an accident only others know what is missing
      // here.
      if (!wasJoined) this.join()
      const signal = AbortSignal.any([transfer.abort.signal, this.share.signal])
      const result = await this.folder.publishAll(signal, transfer)
      if (result.files === 0) throw this.nothingToShare(result)
      this.status.set({ kind: 'sharing' })
      return result
    } catch (error) {
      if (!wasJoined && !this.isDoubtful) await this.leave()
      this.status.set(before)
      throw error
    }
  }

  private nothingToShare({ skippedCounts }: PublishResult): PeerfoldError {
    const { name, source } = this.record
    return Object.keys(skippedCounts).length === 0
      ? new PeerfoldError('source-empty', name)
      : new PeerfoldError('nothing-to-share', source)
  }

  /** Serves it, and follows the folder unless it was shared once. */
  async start(): Promise<void> {
    throwIfAborted(this.share.signal)
    if (this.isLost || this.folder.isWatched) return
    await this.kept.save({ stopped: false })
    this.join()
    this.status.set({ kind: 'sharing' })
    const { drive, context, signal } = this.share
    if (!this.record.once) this.folder.startWatching()
    const listed = drive.refresh(signal).then(() => this.versions.finishSoon())
    this.choices.storeAllIfMeant().catch(error => this.share.told(error, 'storing what the folder has'))
    if (this.record.once) await listed
    else listed.catch(error => context.log(`index: ${String(error)}`)) // publishing says so as well
  }

  private join(): void {
    if (this.share.replication !== undefined) return
    const joined = this.share.join()
    if (this.share.context.mayHaveLostWrites() && this.record.version > 0) this.waitForPeersFirst(joined)
  }

  appended(): void {
    if (!this.versions.isAppending) this.takeBack()
  }

  forked(): void {
    this.giveUpLog().catch(error => this.share.context.log(`giving up a forked log: ${String(error)}`))
  }

  peersChanged(): void {}

  came(): void {}

  get keeping(): VersionKeeping {
    return this.choices.keeping
  }

  setKeeping(versions: VersionKeeping): Promise<void> {
    return this.choices.setKeeping(versions)
  }

  /** The disk alone limits it. */
  get roomForPast(): number {
    return Number.POSITIVE_INFINITY
  }

  inUse(): Iterable<Named> | undefined {
    return this.versions.inUse()
  }

  beforeClear(used: BlockRuns): void {
    this.versions.beforeClear(used)
  }

  cleared(): Promise<void> {
    return this.versions.cleared()
  }

  /** Whether the logs here may lack blocks at their end that others have. */
  private get isDoubtful(): boolean {
    const { version } = this.record
    return version > 0 && (this.share.context.mayHaveLostWrites() || version > this.share.drive.paths.length)
  }

  /** A peer had versions of this share that are missing here, and gave them back. */
  private takeBack(): void {
    this.share.context.log(`share ${this.share.id.slice(0, 6)}: a peer gave versions back`)
    if (!this.record.once) this.rescan()
    else this.list()
  }

  private waitForPeersFirst(joined: ShareReplication): void {
    peersFirst(this.share, joined, {
      onLate: () => this.status.fail(new PeerfoldError('log-unchecked', this.record.name)),
      // A followed share is published now, which sets its status.
      onFound: () => {
        if (this.record.once && this.status.now.kind === 'failed') this.status.set({ kind: 'sharing' })
      },
    })
  }

  /** Starts it. One that is served already scans its folder again; after a failure it is watched again, too. */
  async startAgain(): Promise<void> {
    if (this.isLost || this.share.replication === undefined) return this.start()
    if (this.record.once) return
    const hasFailed = this.status.now.kind === 'failed'
    if (hasFailed) {
      this.status.set({ kind: 'publishing' })
      await this.folder.stopWatching()
    }
    if (!this.folder.isWatched) this.folder.startWatching()
    else this.rescan()
  }

  async stop(): Promise<void> {
    await this.kept.save({ stopped: true })
    await this.leave()
    if (!this.isLost) this.status.set({ kind: 'stopped' })
  }

  /** Shown, and served to nobody, until it is started. */
  rest(): void {
    this.status.set({ kind: 'stopped' })
    this.list()
  }

  private list(): void {
    const { drive, context, signal } = this.share
    drive.refresh(signal).catch(error => context.log(`index: ${String(error)}`))
  }

  /** See `FollowedFolder`. */
  rescan(changes: ChangedPaths = 'rescan'): void {
    this.folder.rescan(changes)
  }

  /** Large files that are served out of the folder do not hold any more what was published of them. */
  private lost(paths: ChangedPaths): void {
    if (this.share.replication !== undefined && !this.record.once) this.rescan(paths)
  }

  private async leave(): Promise<void> {
    this.share.leave()
    await this.folder.rest()
  }

  async settle(): Promise<void> {
    await this.folder.rest()
    await this.folder.whenPublished().catch(() => {}) // it told what stopped it
    await this.versions.settle()
  }

  purging(): Promise<void> {
    return this.kept.purging()
  }

  async purged(): Promise<void> {
    await this.versions.purged()
    await this.kept.purged()
  }

  get skipped(): readonly SkippedEntry[] {
    return this.last?.skipped ?? []
  }

  get state(): ShareState {
    const { record, last, status } = this
    const { drive, peers, rates } = this.share
    return {
      id: drive.id,
      name: record.name,
      source: record.source,
      isFile: record.isFile,
      isPublic: record.encryptionKey === undefined,
      status: status.now,
      files: last?.files ?? drive.version?.index.files ?? 0,
      bytes: last?.bytes ?? drive.version?.index.bytes ?? 0,
      version: drive.paths.length,
      skipped: last?.skippedCounts ?? {},
      unportable: unportable(last?.foretold ?? []).unportableCount,
      peers,
      rates,
      ...(last === undefined || last.held.length === 0 ? {} : { held: last.held }),
    }
  }

  private async giveUpLog(): Promise<void> {
    await this.kept.save({ lost: true })
    await this.leave()
    this.status.fail(lostError(this.record))
  }
}

function lostError({ name }: ShareRecord): PeerfoldError {
  return new PeerfoldError('log-lost', name)
}
