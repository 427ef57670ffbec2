/**
 * One share of this machine: its log, its publisher, its watcher, its place in the network.
 *
 * Publishing is one loop: whatever asks for it (the first import, the watcher, the user) sets a flag, and the loop
 * runs until no flag is set, so that two publishes never overlap and no change is missed.
 */
import { basename } from 'node:path'
import type { DrivePath, ShareId } from '../../common/brand'
import { PeerfoldError, toUserError } from '../../common/errors'
import { formatKey, formatLink, type ShareLink } from '../../common/link'
import type { HeldFiles, ShareState, ShareStatus, SkippedEntry } from '../../common/model'
import { Signal } from '../../common/signal'
import { ShareDrive } from '../drive/shareDrive'
import type { VersionChange } from '../drive/version'
import { unportable } from '../names/foretell'
import type { PublishResult } from '../publish/version/publisher'
import type { ChangedPaths } from '../publish/watch/burst'
import { SourceWatch } from '../publish/watch/sourceWatch'
import type { ShareRecord } from '../store/catalog'
import { delay, throwIfAborted, unlessAborted } from '../time'
import type { Transfer } from '../transfer'
import type { PeerContext } from './context'
import { ShareReplication } from './replication'
import { OwnVersions } from './turns'

/** Files that kept changing while they were read are looked at again after this long (milliseconds). */
const AGAIN_AFTER = 1_000
/** Files that may have changed are compared part by part, with such a pause in between (milliseconds). */
const COMPARE_AFTER = 1_000
const FAILED_RETRY = 5_000
/** After a loss of power readers that were found have so long (milliseconds) to say what they have. */
const PEERS_SETTLE = 1_500
/** When looking for them takes longer than this (milliseconds), the user is told. */
const PEERS_SOON = 10_000

/** A timer of Node's that is longer ends at once. */
const LONGEST_TIMER = 60 * 60_000

export class OwnShare {
  readonly changed = new Signal<void>()
  readonly published: Signal<VersionChange>
  status: ShareStatus = { kind: 'publishing' }
  last: PublishResult | undefined
  private readonly versions: OwnVersions
  private joined: ShareReplication | undefined
  private readonly watch: SourceWatch
  private readonly closing = new AbortController()
  private wanted = false
  /** What the watcher says has changed since the last publish began. */
  private named = new Set<DrivePath>()
  private running: Promise<void> | undefined
  private retryIsDue = false
  private looking: NodeJS.Timeout | undefined
  private toldSecrets = new Set<string>()

  private constructor(
    public record: ShareRecord,
    readonly drive: ShareDrive,
    private readonly context: PeerContext,
  ) {
    this.watch = new SourceWatch({
      onChange: changes => this.rescan(changes),
      onError: error => this.setFailed(error),
      log: context.log,
    })
    this.versions = new OwnVersions({
      drive,
      context,
      record: () => this.record,
      onVersion: version => this.saveRecord({ version }),
      sent: () => this.joined?.up.total ?? 0,
      signal: this.closing.signal,
    })
    this.published = this.versions.published
    this.published.on(() => this.changed.emit())
  }

  static async open(record: ShareRecord, context: PeerContext): Promise<OwnShare> {
    const drive = await ShareDrive.create(context.store, record.seed, record.encryptionKey)
    const withKeys = { ...record, id: drive.id, key: drive.key }
    if (drive.paths.length > 0) await drive.bytesReady(context.closing)
    const share = new OwnShare(withKeys, drive, context)
    if (record.lost) share.setStatus({ kind: 'failed', error: lostError(record).toUserError() })
    else if (record.key !== undefined && record.key !== drive.key)
      await share.giveUpLog() // another store
    else if (record.id !== drive.id) await context.catalog.put('share', record.seed, withKeys)
    return share
  }

  get id(): ShareId {
    return this.drive.id
  }

  get replication(): ShareReplication | undefined {
    return this.joined
  }

  /** Throws `log-lost`: a link that leads nowhere is none. */
  get link(): string {
    if (this.isLost) throw lostError(this.record)
    const { key, encryptionKey, name, isFile } = this.record
    if (key === undefined) throw new PeerfoldError('unknown-share')
    const link: ShareLink = { key, name, isFile, ...(encryptionKey === undefined ? {} : { encryptionKey }) }
    return formatLink(link)
  }

  get driveKey(): string {
    return formatKey(this.drive.key)
  }

  get isLost(): boolean {
    return this.record.lost === true
  }

  /** The first publish, watched as a transfer. Throws what stopped it. */
  async publishFirst(transfer: Transfer): Promise<PublishResult> {
    const before = this.status
    const wasJoined = this.joined !== undefined
    this.setStatus({ kind: 'publishing' })
    try {
      // Announcing takes as long as publishing does. After an accident only others know what is missing here.
      if (!wasJoined) this.join()
      const signal = AbortSignal.any([transfer.abort.signal, this.closing.signal])
      const result = await this.publishOnce(signal, transfer)
      if (result.files === 0) throw this.nothingToShare(result)
      this.setStatus({ kind: 'sharing' })
      return result
    } catch (error) {
      if (!wasJoined && !this.isDoubtful) await this.leave()
      this.setStatus(before)
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
    throwIfAborted(this.closing.signal)
    if (this.isLost || this.watch.isOn) return
    await this.saveRecord({ stopped: false })
    if (this.joined === undefined) this.join()
    this.setStatus({ kind: 'sharing' })
    const { signal } = this.closing
    if (!this.record.once) this.startWatching()
    const listed = this.drive.refresh(signal).then(() => this.versions.finishSoon())
    if (this.record.once) await listed
    else listed.catch(error => this.context.log(`index: ${String(error)}`)) // publishing says so as well
  }

  private join(): void {
    const joined = new ShareReplication(this.drive, this.context.network)
    this.joined = joined
    if (this.context.mayHaveLostWrites() && this.record.version > 0) this.waitForPeersFirst(joined)
    joined.changed.on(() => this.changed.emit())
    joined.appended.on(() => {
      if (!this.versions.isAppending) this.takeBack()
    })
    joined.forked.on(() =>
      this.giveUpLog().catch(error => this.context.log(`giving up a forked log: ${String(error)}`)),
    )
    joined.moved.on(() => this.changed.emit())
  }

  /** Whether blocks may be missing at the end of the logs that others have. */
  private get isDoubtful(): boolean {
    const { version } = this.record
    return version > 0 && (this.context.mayHaveLostWrites() || version > this.drive.paths.length)
  }

  /** A peer had versions of this share that are missing here, and gave them back. */
  private takeBack(): void {
    this.context.log(`share ${this.id.slice(0, 6)}: a peer gave versions back`)
    if (!this.record.once) this.rescan()
    else this.drive.refresh(this.closing.signal).catch(error => this.context.log(`index: ${String(error)}`))
  }

  /**
   * After a loss of power this log may have lost its end, which readers may have: they are looked for before anything
   * is appended, and the publisher asks them (see publish/version/ownLogs.ts). Without a network nobody can be asked, and
   * nobody would get what is published.
   */
  private waitForPeersFirst(joined: ShareReplication): void {
    const { signal } = this.closing
    const found = unlessAborted(joined.membership.askedOnline, signal).then(() => delay(PEERS_SETTLE, signal))
    this.versions.after(found)
    const tell = setTimeout(
      () => this.setFailed(new PeerfoldError('log-unchecked', this.record.name)),
      PEERS_SOON,
    )
    const onFound = () => {
      clearTimeout(tell)
      // One that is not followed is not published now, which would say so.
      if (this.record.once && this.status.kind === 'failed') this.setStatus({ kind: 'sharing' })
    }
    found.then(onFound, () => clearTimeout(tell))
  }

  /** Starts it; one that is served already scans its folder again, and after a failure follows it anew as well. */
  async startAgain(): Promise<void> {
    if (this.isLost || this.joined === undefined) return this.start()
    if (this.record.once) return
    const hasFailed = this.status.kind === 'failed'
    if (hasFailed) {
      this.setStatus({ kind: 'publishing' })
      await this.watch.stop()
    }
    if (!this.watch.isOn) this.startWatching()
    else this.rescan()
  }

  async stop(): Promise<void> {
    await this.saveRecord({ stopped: true })
    await this.leave()
    if (!this.isLost) this.setStatus({ kind: 'stopped' })
  }

  /** Shown, and served to nobody, until it is started. */
  rest(): void {
    this.setStatus({ kind: 'stopped' })
    this.drive.refresh(this.closing.signal).catch(error => this.context.log(`index: ${String(error)}`))
  }

  /** Follows the folder from now on, or no longer. */
  async setOnce(once: boolean): Promise<void> {
    if (this.record.once === once) return
    await this.saveRecord({ once })
    if (this.joined === undefined) return
    if (once) await this.watch.stop()
    else this.startWatching()
  }

  /** See `share.settle`. */
  async settleHeld(kind: HeldFiles['kind'], keep: boolean): Promise<void> {
    const { hidden, allow, boundaries } = this.record
    const gone = new Set(kind === 'disk' ? this.last?.vanished : [])
    if (kind !== 'update' && !keep) this.versions.releaseRemoval()
    if (kind === 'disk' && !keep)
      await this.saveRecord({ boundaries: (boundaries ?? []).filter(path => !gone.has(path)) })
    else if (kind === 'update' && hidden !== undefined) {
      const { paths, contents } = hidden
      await this.saveRecord(
        keep
          ? { allow: [...new Set([...allow, ...contents, ...paths])] }
          : { hidden: { ...hidden, toldAt: 0 } },
      )
    }
    this.rescan()
    await this.whenPublished()
  }

  /** The user knows what an update hides. */
  async noteTold(): Promise<void> {
    const { hidden } = this.record
    if (hidden === undefined || hidden.toldAt !== undefined) return
    await this.saveRecord({ hidden: { ...hidden, toldAt: Date.now() } })
    this.rescan()
  }

  /** The paths let in by name from now on. */
  async setAllow(allow: readonly DrivePath[]): Promise<void> {
    await this.saveRecord({ allow })
  }

  async keep(): Promise<void> {
    if (!this.record.keep) await this.saveRecord({ keep: true })
  }

  /** Scans and publishes soon. Of what changed by name the content is looked at, even if it looks the same. */
  rescan(changes: ChangedPaths = 'rescan'): void {
    this.wanted = true
    if (changes !== 'rescan') for (const path of changes) this.named.add(path)
    this.running ??= this.publishLoop().finally(() => {
      this.running = undefined
    })
  }

  /** Resolves when no publish is under way or due. */
  async whenPublished(): Promise<void> {
    await this.running
  }

  async leave(): Promise<void> {
    clearTimeout(this.looking)
    this.joined?.leave()
    this.joined = undefined
    await this.watch.stop()
  }

  async close(): Promise<void> {
    this.closing.abort()
    await this.settle()
    await this.drive.close()
  }

  /** Deletes the log; its key is never used again. The record goes last: when this is cut off, the next start goes on. */
  async purge(): Promise<void> {
    this.closing.abort()
    await this.settle()
    const { catalog } = this.context
    const { seed } = this.record
    await catalog.put('share', seed, { ...this.record, removed: true })
    await this.drive.purge()
    await catalog.deleteAll('published', `${seed}/`)
    await catalog.delete('indexed', seed)
    await catalog.delete('share', seed)
  }

  /** Resolves when nothing of it is under way any more; nothing is begun once `closing` is aborted. */
  private async settle(): Promise<void> {
    await this.leave()
    await this.running?.catch(() => {}) // it told what stopped it
    await this.versions.settle()
  }

  get skipped(): readonly SkippedEntry[] {
    return this.last?.skipped ?? []
  }

  get state(): ShareState {
    const { record, drive, last, joined, status } = this
    return {
      id: drive.id,
      name: record.name,
      source: record.source,
      isFile: record.isFile,
      isPublic: record.encryptionKey === undefined,
      status,
      files: last?.files ?? drive.version?.index.files ?? 0,
      bytes: last?.bytes ?? drive.version?.index.bytes ?? 0,
      version: drive.paths.length,
      skipped: last?.skippedCounts ?? {},
      unportable: unportable(last?.foretold ?? []).unportableCount,
      peers: joined?.peers ?? 0,
      rates: joined?.rates ?? { down: 0, up: 0 },
      ...(last === undefined || last.held.length === 0 ? {} : { held: last.held }),
    }
  }

  private startWatching(): void {
    const { source, isFile } = this.record
    this.watch.start(source, isFile, this.last?.ignoredFolders ?? [])
  }

  private async publishLoop(): Promise<void> {
    const { signal } = this.closing
    while (this.wanted && !signal.aborted && !this.isLost) {
      this.wanted = false
      try {
        const { again, inDoubt } = await this.publishOnce(signal)
        if (this.joined !== undefined) this.setStatus({ kind: 'sharing' })
        if (again) this.retryAfter(AGAIN_AFTER)
        else if (inDoubt) this.retryAfter(COMPARE_AFTER)
      } catch (error) {
        if (signal.aborted) return
        this.setFailed(error)
        const { code } = toUserError(error)
        if (code === 'log-lost') await this.giveUpLog()
        else this.retryAfter(FAILED_RETRY)
      }
    }
  }

  /** One retry at a time is due: an attempt that takes as long as the pause would otherwise never let the next end. */
  private retryAfter(milliseconds: number): void {
    if (this.retryIsDue) return
    this.retryIsDue = true
    delay(milliseconds, this.closing.signal).then(
      () => {
        this.retryIsDue = false
        if (this.joined !== undefined) this.rescan()
      },
      () => {}, // closed meanwhile
    )
  }

  /** Something held may leave then. A later answer takes the place of an earlier one. */
  private lookAfter(milliseconds: number | undefined): void {
    clearTimeout(this.looking)
    if (milliseconds === undefined || this.record.once) return
    const atMost = Math.min(milliseconds, LONGEST_TIMER)
    this.looking = setTimeout(() => {
      if (this.joined !== undefined) this.rescan()
    }, atMost).unref()
  }

  private async publishOnce(signal: AbortSignal, transfer?: Transfer): Promise<PublishResult> {
    const { named } = this
    const { boundaries } = this.record
    this.named = new Set()
    const result = await this.versions.publish(signal, named, transfer).catch(error => {
      for (const path of named) this.named.add(path)
      throw error
    })
    this.last = result
    this.tellSecrets(result)
    await this.rememberLook(result, boundaries)
    this.watch.follow(result)
    this.lookAfter(result.lookAfter)
    await this.watch.ignoreFolders(result.ignoredFolders)
    this.watch.followHardLinks(result.hardLinked)
    this.changed.emit()
    return result
  }

  /** @param before the disks that were known when the look began: what the user gave up meanwhile stays given up */
  private async rememberLook({ remember }: PublishResult, before: ShareRecord['boundaries']): Promise<void> {
    const { boundaries, rules, hidden } = this.record
    const told = hidden?.toldAt === undefined ? {} : { toldAt: hidden.toldAt }
    const givenUp = new Set(before?.filter(path => boundaries?.includes(path) !== true))
    const now = {
      ...remember,
      boundaries: (remember.boundaries ?? []).filter(path => !givenUp.has(path)),
      hidden: remember.hidden && { ...remember.hidden, ...told },
    }
    if (JSON.stringify(now) !== JSON.stringify({ boundaries, rules, hidden })) await this.saveRecord(now)
  }

  /** A file that was shared and now holds a key is not published any further: say so, once. */
  private tellSecrets(result: PublishResult): void {
    for (const { path, reason, detail } of result.skipped) {
      if (reason !== 'secret-content' || this.toldSecrets.has(path)) continue
      this.toldSecrets.add(path)
      const message = `“${basename(path)}” in “${this.record.name}” is not published: ${detail}`
      this.context.notice('warning', message, this.id)
    }
  }

  private async giveUpLog(): Promise<void> {
    await this.saveRecord({ lost: true })
    await this.leave()
    this.setFailed(lostError(this.record))
  }

  private async saveRecord(change: Partial<ShareRecord>): Promise<void> {
    if (this.closing.signal.aborted) return // removed, or the process ends
    this.record = { ...this.record, ...change }
    await this.context.catalog.put('share', this.record.seed, this.record)
  }

  private setFailed(error: unknown): void {
    this.context.checkForDamage(error)
    const userError = toUserError(this.context.explain(error))
    const known = this.status.kind === 'failed' && this.status.error.message === userError.message
    if (!known) {
      this.context.log(`share ${this.id.slice(0, 6)}: ${userError.message}`)
      this.context.notice('warning', userError.message, this.id)
    }
    this.setStatus({ kind: 'failed', error: userError })
  }

  private setStatus(status: ShareStatus): void {
    this.status = status
    this.changed.emit()
  }
}

function lostError({ name }: ShareRecord): PeerfoldError {
  return new PeerfoldError('log-lost', name)
}
