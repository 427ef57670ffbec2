/**
 * Following: a share that others publish. The newest version is kept known here; its bytes are fetched when they are
 * wanted and served to whoever asks.
 */
import { PeerfoldError, toUserError, type UserError } from '../../common/errors'
import { systemCode } from '../../common/fileErrors'
import { keepingOf, type VersionKeeping } from '../../common/keptVersions'
import { fingerprint } from '../../common/link'
import type { OpenedShareState, OpenedStatus } from '../../common/model'
import { type BlockRuns, isInRuns } from '../hypercore/blockRuns'
import { CopiedFiles } from '../inPlace/copiedFiles'
import type { ShareLimits } from '../limits'
import type { OpenedRecord } from '../store/catalog'
import { delay } from '../time'
import { BytesHere } from './bytesHere'
import { NewestKnown } from './newestKnown'
import type { ServedShare, SharePart } from './servedShare'

const REFRESH_RETRY = 1_000
/** Milliseconds. */
const COUNT_AFTER = 500

export class Following implements SharePart {
  readonly newest: NewestKnown
  /** Large files are served out of copies. */
  readonly copied: CopiedFiles
  private readonly bytesHere: BytesHere
  private failure: UserError | undefined
  /** The limits at the time of the failure: with others, it may not be one. */
  private limitsThen: ShareLimits | undefined
  private refreshing = false
  private isCounting = false
  /** What stayed in use when something was cleared last. */
  private used: BlockRuns = []
  private refreshAgain = false

  constructor(
    private readonly share: ServedShare,
    public record: OpenedRecord,
  ) {
    this.newest = new NewestKnown(share, () => this.failure)
    this.bytesHere = new BytesHere(share)
    const { drive, context, signal } = share
    this.copied = new CopiedFiles({
      drive,
      catalog: context.catalog,
      onStored: bytes => this.stored(bytes),
      onChanged: () => this.countSoon(),
      onError: error => share.told(error, 'files of copies'),
      signal,
    })
    share.add(this)
  }

  get name(): string {
    return this.share.drive.version?.info?.name ?? this.record.name
  }

  /** Its list of files could be read: the key that is here decrypts it. */
  get isReadable(): boolean {
    return this.share.drive.version !== undefined
  }

  /** What keeps its newest version from being read. */
  get trouble(): UserError | undefined {
    return this.failure
  }

  /** Joins the network; what is here already is served and shown at once. */
  start(): void {
    if (this.share.replication !== undefined) return
    this.share.join()
    this.refresh()
  }

  async save(change: Partial<OpenedRecord>): Promise<void> {
    this.record = { ...this.record, ...change }
    await this.share.context.catalog.put('opened', this.share.id, this.record)
    this.share.changed.emit()
  }

  /** Looks for peers now, and tries again what failed. A log with two histories is final and not tried again. */
  retry(): void {
    this.share.replication?.membership.search()
    if (this.failure === undefined || this.failure.code === 'log-forked') return
    this.failure = undefined
    this.share.changed.emit()
    this.refresh()
  }

  /** The limits were changed: what passed the old ones may be within these. */
  limitsChanged(): void {
    if (this.failure?.code !== 'limit-passed') return
    this.failure = undefined
    this.share.changed.emit()
    this.refresh()
  }

  /** Counts what is here of the newest version, and clears what that does not use any more. */
  async countBytesHere(): Promise<void> {
    const { version, bytes } = this.share.drive
    if (version === undefined || bytes === undefined) return
    await this.bytesHere.count()
    this.share.clearSoon()
    this.share.changed.emit()
  }

  peersChanged(): void {
    this.refresh()
  }

  appended(): void {
    this.newest.grew()
    this.refresh()
  }

  came(bytes: number): void {
    this.share.context.budget.add(this.share.id, this.copied.incoming.countStored(bytes))
  }

  /** This many bytes of content came into the store that no peer sent. */
  found(bytes: number): void {
    this.came(bytes)
    this.bytesHere.addFound(bytes)
  }

  forked(): void {
    this.fail(new PeerfoldError('log-forked', this.name))
  }

  get keeping(): VersionKeeping {
    return keepingOf(this.record.versions, this.share.context.keeping)
  }

  /** None while opened shares have reached the limit of what they may keep: what is new goes first. */
  get roomForPast(): number {
    return this.share.context.budget.shortage === undefined ? Number.POSITIVE_INFINITY : 0
  }

  /** From now on these former versions are kept, as far as they are here. */
  async setKeeping(versions: VersionKeeping): Promise<void> {
    await this.save({ versions })
    this.share.clearSoon()
  }

  inUse(): [] {
    return []
  }

  beforeClear(used: BlockRuns): void {
    this.used = used
  }

  async cleared(bytes: number): Promise<void> {
    const inFiles = await this.copied.cleared((first, blocks) => isInRuns(this.used, first, blocks))
    await this.share.context.budget.cleared(this.share.id, Math.max(0, bytes - inFiles))
  }

  settle(): Promise<void> {
    return this.copied.settle()
  }

  /** Takes the share off the list. If the removal is cut off, what is left is deleted as that of a share in no list. */
  async purging(): Promise<void> {
    await this.share.context.catalog.put('opened', this.share.id, { ...this.record, keep: false })
  }

  async purged(): Promise<void> {
    const { id, context } = this.share
    await this.copied.forget()
    await context.budget.forget(id)
    await context.catalog.delete('opened', id)
  }

  get state(): OpenedShareState {
    const { record } = this
    const { id, drive, replication, rates } = this.share
    const { version } = drive
    return {
      id,
      name: this.name,
      fingerprint: fingerprint(id),
      isFile: version?.info?.isFile ?? record.isFile,
      isPublic: record.encryptionKey === undefined,
      status: this.status,
      ...(version === undefined
        ? {}
        : { contents: { version: version.length, files: version.index.files, bytes: version.index.bytes } }),
      bytesHere: this.bytesHere.bytes,
      peers: replication?.peerKeys().length ?? 0,
      rates,
      stopped: record.stopped,
    }
  }

  private get status(): OpenedStatus {
    if (this.failure !== undefined) return { kind: 'failed', error: this.failure }
    const { drive, replication } = this.share
    if ((replication?.peerKeys().length ?? 0) > 0) return { kind: 'connected' }
    const why = replication?.reason ?? 'just-started'
    return drive.version === undefined ? { kind: 'searching', why } : { kind: 'offline', why }
  }

  /** This many bytes came into the store, or left it, since a file of a copy has them. */
  private stored(bytes: number): void {
    const { id, context } = this.share
    if (bytes > 0) {
      context.budget.add(id, bytes)
      return
    }
    context.compaction.add(-bytes)
    context.budget.cleared(id, -bytes).catch(error => this.share.told(error, 'bytes kept'))
  }

  /** Counts once for changes that come together. */
  private countSoon(): void {
    if (this.isCounting) return
    this.isCounting = true
    delay(COUNT_AFTER, this.share.signal)
      .then(() => {
        this.isCounting = false
        return this.countBytesHere()
      })
      .catch(error => this.share.told(error, 'what is here'))
  }

  /** Follows the log until the index is at its newest version; tries again while blocks cannot be had. */
  private refresh(): void {
    this.refreshAgain = true
    if (this.refreshing) return
    this.refreshing = true
    this.refreshLoop()
      .catch(error => this.share.context.log(`opened share: ${String(error)}`))
      .finally(() => {
        this.refreshing = false
        if (this.refreshAgain && !this.share.signal.aborted) this.refresh()
      })
  }

  private async refreshLoop(): Promise<void> {
    const { signal } = this.share
    for (let failures = 0; this.refreshAgain && !signal.aborted; failures++) {
      this.refreshAgain = false
      if (this.isPaused) return
      try {
        const change = await this.share.drive.refresh(signal)
        if (this.isPaused) return
        this.failure = undefined
        failures = 0
        if (change === undefined) continue
        this.share.updated.emit(change)
        await this.countBytesHere()
      } catch (error) {
        if (signal.aborted) return
        this.note(error)
        const pause = this.failure === undefined ? REFRESH_RETRY : REFRESH_RETRY * 2 ** Math.min(failures, 6)
        await delay(pause, signal).catch(() => {}) // closed: the loop ends
        this.refreshAgain ||= this.share.peers > 0
      }
    }
  }

  /** Trying again would end the same. */
  private get isPaused(): boolean {
    const code = this.failure?.code
    return (
      code === 'log-forked' || (code === 'limit-passed' && this.limitsThen === this.share.context.limits())
    )
  }

  private note(error: unknown): void {
    const code = systemCode(error)
    if (code === 'offline' || code === 'REQUEST_TIMEOUT') return
    if (code === 'SESSION_CLOSED' || code === 'REQUEST_CANCELLED') return
    const damaged = code === 'DECODING_ERROR' || error instanceof SyntaxError
    this.fail(damaged ? new PeerfoldError('not-readable') : error)
  }

  private fail(error: unknown): void {
    this.share.context.checkForDamage(error)
    const failure = toUserError(this.share.context.explain(error))
    if (failure.message !== this.failure?.message)
      this.share.context.log(`opened share ${this.share.id.slice(0, 6)}: ${String(error)}`)
    this.failure = failure
    this.limitsThen = this.share.context.limits()
    this.share.changed.emit()
  }
}
