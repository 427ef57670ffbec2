/**
 * Somebody else's share on this machine: joined, its index kept at the newest version known here, its bytes fetched
 * when they are wanted and served to whoever asks.
 */
import type { ShareId } from '../../common/brand'
import { PeerfoldError, toUserError, type UserError } from '../../common/errors'
import { explainSearch } from '../../common/explain'
import { fingerprint, formatLink, type ShareLink } from '../../common/link'
import { english } from '../../common/localizer'
import type { FileEntry, OpenedShareState, OpenedStatus, SearchReason, SilentPeer } from '../../common/model'
import { Signal } from '../../common/signal'
import type { DriveEntry } from '../drive/format/entry'
import { type FolderPart, listNewest, listSoFar } from '../drive/listFolder'
import { ShareDrive } from '../drive/shareDrive'
import type { VersionChange } from '../drive/version'
import type { ShareLimits } from '../limits'
import { Clearing } from '../retention/clearing'
import type { OpenedRecord } from '../store/catalog'
import { breathe, delay, slicer, throwIfAborted, unlessAborted } from '../time'
import type { PeerContext } from './context'
import { HEAR_WITHIN } from './hearing'
import { ShareReplication } from './replication'

const REFRESH_RETRY = 1_000
/** With nobody connected once the network was asked, and something known, this long is waited for more (milliseconds). */
const SETTLE = 1_500

/** What is known of the newest version. */
export interface Known {
  readonly version: number
  /** Nobody told what is newest. */
  readonly stale: boolean
  /** Who may know a newer one, and did not tell in time. */
  readonly silent: readonly SilentPeer[]
}

export class OpenedShare {
  readonly changed = new Signal<void>()
  readonly updated = new Signal<VersionChange>()
  private joined: ShareReplication | undefined
  private failure: UserError | undefined
  /** The limits at the time of the failure: with others, it may not be one. */
  private limitsThen: ShareLimits | undefined
  private readonly closing = new AbortController()
  private refreshing = false
  private refreshAgain = false
  /** When the path log got longer last, or was opened; milliseconds of `performance.now()`. */
  private grewAt = performance.now()
  private bytesHereAt = { base: 0, downloaded: 0 }
  private readonly clearing: Clearing

  private constructor(
    public record: OpenedRecord,
    readonly drive: ShareDrive,
    private readonly context: PeerContext,
  ) {
    drive.grew.on(() => this.changed.emit())
    this.clearing = new Clearing({
      share: drive,
      grace: context.grace,
      entries: () => [],
      inTurn: work => work(),
      beforeClear: () => {},
      onCleared: async bytes => {
        context.compaction.add(bytes)
        await context.budget.cleared(this.id, bytes)
      },
      signal: this.closing.signal,
      onError: error => {
        context.checkForDamage(error)
        context.log(`clearing: ${String(error)}`)
      },
    })
  }

  static async open(record: OpenedRecord, context: PeerContext): Promise<OpenedShare> {
    const drive = await ShareDrive.open(context.store, record.key, record.encryptionKey, context.limits)
    return new OpenedShare(record, drive, context)
  }

  get id(): ShareId {
    return this.drive.id
  }

  get replication(): ShareReplication | undefined {
    return this.joined
  }

  get link(): string {
    const { key, encryptionKey, isFile } = this.record
    const link: ShareLink = {
      key,
      isFile,
      name: this.name,
      ...(encryptionKey === undefined ? {} : { encryptionKey }),
    }
    return formatLink(link)
  }

  get name(): string {
    return this.drive.version?.info?.name ?? this.record.name
  }

  /** Its list of files could be read: the key that is here decrypts it. */
  get isReadable(): boolean {
    return this.drive.version !== undefined
  }

  /** Joins the network; what is here already is served and shown at once. */
  start(): void {
    if (this.joined !== undefined) return
    const joined = new ShareReplication(this.drive, this.context.network)
    this.joined = joined
    joined.changed.on(() => {
      this.changed.emit()
      this.refresh()
    })
    joined.moved.on(() => this.changed.emit())
    joined.appended.on(() => {
      this.grewAt = performance.now()
      this.refresh()
    })
    joined.came.on(bytes => this.context.budget.add(this.id, bytes))
    joined.forked.on(() => this.fail(new PeerfoldError('log-forked', this.name)))
    this.refresh()
  }

  leave(): void {
    this.joined?.leave()
    this.joined = undefined
    this.changed.emit()
  }

  async close(): Promise<void> {
    this.closing.abort()
    this.leave()
    await this.clearing.settle()
    await this.drive.close()
  }

  /** Deletes what is here of it. Its record goes last: when this is cut off, what is left is of a share in no list. */
  async purge(): Promise<void> {
    this.closing.abort()
    this.leave()
    await this.clearing.settle()
    await this.context.catalog.put('opened', this.id, { ...this.record, keep: false })
    await this.drive.purge()
    await this.context.budget.forget(this.id)
    await this.context.catalog.delete('opened', this.id)
  }

  async save(change: Partial<OpenedRecord>): Promise<void> {
    this.record = { ...this.record, ...change }
    await this.context.catalog.put('opened', this.id, this.record)
    this.changed.emit()
  }

  /** Looks for peers now, and tries again what failed. Two histories stay two, however often they are looked at. */
  retry(): void {
    this.joined?.membership.search()
    if (this.failure === undefined || this.failure.code === 'log-forked') return
    this.failure = undefined
    this.changed.emit()
    this.refresh()
  }

  /** The limits were changed: what passed the old ones may not pass these. */
  limitsChanged(): void {
    if (this.failure?.code !== 'limit-passed') return
    this.failure = undefined
    this.changed.emit()
    this.refresh()
  }

  /** See `open.ready` in the protocol. */
  async ready(
    { newest, begun = false, timeout }: { newest: boolean; begun?: boolean; timeout: number },
    signal: AbortSignal,
  ): Promise<Known> {
    const end = new AbortController()
    const timer = setTimeout(() => end.abort(), timeout)
    const either = AbortSignal.any([signal, end.signal, this.closing.signal])
    let mayTellUntil: number | undefined
    try {
      for (;;) {
        if (this.failure !== undefined) throw PeerfoldError.from(this.failure)
        const { version, coming } = this.drive
        const { length } = this.drive.paths
        const current = version !== undefined && version.length === length
        const { joined } = this
        const peers = joined?.peers ?? 0
        if (version !== undefined && !newest) return this.known(version.length)
        if (peers > 0) mayTellUntil ??= performance.now() + HEAR_WITHIN
        const isPending = joined?.hearing.isPending === true && performance.now() < (mayTellUntil ?? 0)
        if (peers > 0 && !isPending && begun && coming?.length === length) return this.known(length)
        if (peers > 0 && !isPending && current) return this.known(length)
        if (current && peers === 0) {
          if (await this.nobodyThere(either)) return this.known(version.length)
        } else if (isPending) await joined.hearing.next(either, this.changed)
        else await this.changed.next(either)
      }
    } catch (error) {
      if (!end.signal.aborted || signal.aborted) throw signal.aborted ? new PeerfoldError('cancelled') : error
      const { version } = this.drive
      if (version !== undefined) return { ...this.known(version.length), stale: true }
      throw new PeerfoldError('nobody-found', notFound(this.joined?.reason))
    } finally {
      clearTimeout(timer)
    }
  }

  /**
   * Brings the index to the newest version that connected peers tell, as far as that takes no longer than `HEAR_WITHIN`
   * each for hearing and for fetching it: at once, when it is there. For who answers with what is newest.
   */
  async freshen(signal: AbortSignal): Promise<Known> {
    const begun = performance.now()
    for (;;) {
      const { joined, failure } = this
      const isDone = joined === undefined || failure !== undefined || this.closing.signal.aborted
      const isWaiting = !isDone && performance.now() - begun < HEAR_WITHIN && joined.hearing.isStarting
      if (isDone || !(isWaiting || this.isCatchingUp)) return this.known(this.drive.version?.length ?? 0)
      try {
        await joined.hearing.next(AbortSignal.any([signal, this.closing.signal]), this.changed)
      } catch {
        throwIfAborted(signal)
      }
    }
  }

  /** Waits for a part of a folder that is on its way, or `soFar` for any of it. Throws as `listFolder`, and `not-listed`
   *  after `timeout` ms. */
  async list(
    part: FolderPart,
    { timeout, soFar = false }: { timeout: number; soFar?: boolean },
    signal: AbortSignal,
  ): Promise<readonly FileEntry[]> {
    const end = new AbortController()
    const timer = setTimeout(() => end.abort(), timeout)
    try {
      for (;;) {
        const children = soFar ? listSoFar(this.drive, part) : listNewest(this.drive, part)
        if (children !== undefined) return children
        if (this.failure !== undefined) throw PeerfoldError.from(this.failure)
        await this.changed.next(AbortSignal.any([signal, end.signal, this.closing.signal]))
      }
    } catch (error) {
      if (signal.aborted) throw new PeerfoldError('cancelled')
      throw end.signal.aborted ? new PeerfoldError('not-listed') : error
    } finally {
      clearTimeout(timer)
    }
  }

  /** Resolves when somebody who has it is connected, or may be. */
  async peerCame(signal: AbortSignal): Promise<void> {
    while ((this.joined?.peers ?? 0) === 0) await this.changed.next(signal)
  }

  get state(): OpenedShareState {
    const { record, drive, joined } = this
    const { version } = drive
    return {
      id: drive.id,
      name: this.name,
      fingerprint: fingerprint(drive.id),
      isFile: version?.info?.isFile ?? record.isFile,
      isPublic: record.encryptionKey === undefined,
      status: this.status,
      ...(version === undefined
        ? {}
        : { contents: { version: version.length, files: version.index.files, bytes: version.index.bytes } }),
      bytesHere: this.bytesHere,
      peers: joined?.peerKeys().length ?? 0,
      rates: joined?.rates ?? { down: 0, up: 0 },
      stopped: record.stopped,
    }
  }

  /** Counts what is here of the newest version, from the log's own record of its blocks. */
  async countBytesHere(): Promise<void> {
    const { version, bytes } = this.drive
    if (version === undefined || bytes === undefined) return
    const { bitfield } = bytes.core
    const due = slicer(6)
    const downloaded = this.joined?.down.total ?? 0
    let base = 0
    // At first only the listing is here, and there is nothing to be counted.
    if (bitfield.count(0, bytes.length, true) > (version.listing?.chunks.blockLength ?? 0)) {
      for (const entry of version.index.entries()) {
        base += bytesHereOf(entry, bitfield)
        if (due()) await breathe()
      }
    }
    this.bytesHereAt = { base, downloaded }
    this.clearing.look()
    this.changed.emit()
  }

  private get bytesHere(): number {
    const { base, downloaded } = this.bytesHereAt
    const since = Math.max(0, (this.joined?.down.total ?? 0) - downloaded)
    return Math.min(this.drive.version?.index.bytes ?? 0, base + since)
  }

  private get status(): OpenedStatus {
    if (this.failure !== undefined) return { kind: 'failed', error: this.failure }
    const { joined } = this
    if ((joined?.peerKeys().length ?? 0) > 0) return { kind: 'connected' }
    const why = joined?.reason ?? 'just-started'
    return this.drive.version === undefined ? { kind: 'searching', why } : { kind: 'offline', why }
  }

  /** The log became longer a moment ago, and the index follows. */
  private get isCatchingUp(): boolean {
    const { version, coming, paths } = this.drive
    if (version === undefined && coming !== undefined) return false // whose first parts can be had already
    return (
      paths.length > 0 && version?.length !== paths.length && performance.now() - this.grewAt < HEAR_WITHIN
    )
  }

  private known(version: number): Known {
    const { joined } = this
    return { version, stale: joined?.hearing.isHeard !== true, silent: joined?.hearing.silent ?? [] }
  }

  /** Whether still nobody is connected once the network was asked; answers at once when somebody comes. */
  private async nobodyThere(signal: AbortSignal): Promise<boolean> {
    const end = new AbortController()
    const either = AbortSignal.any([signal, end.signal])
    const asked = (this.joined?.membership.asked ?? Promise.resolve()).then(() => delay(SETTLE, either))
    try {
      await unlessAborted(Promise.race([asked, this.peerCame(either)]), signal)
    } finally {
      end.abort()
      asked.catch(() => {}) // ended because somebody came
    }
    return (this.joined?.peers ?? 0) === 0
  }

  /** Follows the log until the index is at its newest version; tries again while blocks cannot be had. */
  private refresh(): void {
    this.refreshAgain = true
    if (this.refreshing) return
    this.refreshing = true
    this.refreshLoop()
      .catch(error => this.context.log(`opened share: ${String(error)}`))
      .finally(() => {
        this.refreshing = false
        if (this.refreshAgain && !this.closing.signal.aborted) this.refresh()
      })
  }

  private async refreshLoop(): Promise<void> {
    const { signal } = this.closing
    for (let failures = 0; this.refreshAgain && !signal.aborted; failures++) {
      this.refreshAgain = false
      if (this.isPaused) return
      try {
        const change = await this.drive.refresh(signal)
        if (this.isPaused) return
        this.failure = undefined
        failures = 0
        if (change === undefined) continue
        this.updated.emit(change)
        this.changed.emit()
        await this.countBytesHere()
      } catch (error) {
        if (signal.aborted) return
        this.note(error)
        const pause = this.failure === undefined ? REFRESH_RETRY : REFRESH_RETRY * 2 ** Math.min(failures, 6)
        await delay(pause, signal).catch(() => {}) // closed: the loop ends
        this.refreshAgain ||= (this.joined?.peers ?? 0) > 0
      }
    }
  }

  /** Trying again would end the same. */
  private get isPaused(): boolean {
    const code = this.failure?.code
    return code === 'log-forked' || (code === 'limit-passed' && this.limitsThen === this.context.limits())
  }

  private note(error: unknown): void {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'offline' || code === 'REQUEST_TIMEOUT') return
    if (code === 'SESSION_CLOSED' || code === 'REQUEST_CANCELLED') return
    const damaged = code === 'DECODING_ERROR' || error instanceof SyntaxError
    this.fail(damaged ? new PeerfoldError('not-readable') : error)
  }

  private fail(error: unknown): void {
    this.context.checkForDamage(error)
    const failure = toUserError(this.context.explain(error))
    if (failure.message !== this.failure?.message)
      this.context.log(`opened share ${this.id.slice(0, 6)}: ${String(error)}`)
    this.failure = failure
    this.limitsThen = this.context.limits()
    this.changed.emit()
  }
}

function bytesHereOf(
  entry: DriveEntry,
  bitfield: { get(index: number): boolean; count(start: number, length: number, value: boolean): number },
): number {
  const { blob, pack, size } = entry
  if (blob === undefined) return size
  if (pack !== undefined && bitfield.get(pack.block)) return size
  if (blob.blockLength === 1) return bitfield.get(blob.blockOffset) ? size : 0
  const here = bitfield.count(blob.blockOffset, blob.blockLength, true)
  return here === blob.blockLength ? size : Math.floor((size * here) / blob.blockLength)
}

/** Why nobody was found, and what to do. */
function notFound(why: SearchReason = 'just-started'): string {
  return why === 'just-started' ? 'The search had only begun: try again.' : explainSearch(why, english)
}
