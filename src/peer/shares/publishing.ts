/**
 * Publishing: a folder or file of this machine becomes versions of a share, for as long as it is followed.
 *
 * It is one loop: whatever asks for it (the first import, the watcher, the user) sets a flag, and the loop runs until
 * no flag is set, so that two publishes never overlap and no change is missed.
 */
import { basename } from 'node:path'
import type { DrivePath } from '../../common/brand'
import { PeerfoldError, toUserError } from '../../common/errors'
import { keepingOf, type VersionKeeping } from '../../common/keptVersions'
import type { HeldFiles, ShareState, ShareStatus, SkippedEntry } from '../../common/model'
import type { BlockRuns } from '../hypercore/blockRuns'
import { unportable } from '../names/foretell'
import type { PublishResult } from '../publish/version/publisher'
import { type ChangedPaths, FEW_PATHS } from '../publish/watch/burst'
import { SourceWatch } from '../publish/watch/sourceWatch'
import type { Named } from '../retention/clearing'
import type { ShareRecord } from '../store/catalog'
import { delay, throwIfAborted, unlessAborted } from '../time'
import type { Transfer } from '../transfer'
import { Appending } from './appending'
import { afterChoice, afterLook } from './heldChoices'
import type { ShareReplication } from './replication'
import type { ServedShare, SharePart } from './servedShare'

/** Files that kept changing while they were read are looked at again after this long (milliseconds). */
const AGAIN_AFTER = 1_000
/** Files that may have changed are compared part by part, with such a pause in between (milliseconds). */
const COMPARE_AFTER = 1_000
const FAILED_RETRY = 5_000
/** Files that cannot be had where they were published from may be there again after so long (milliseconds). */
const LOST_AGAIN = 60_000
/** After a loss of power readers that were found have so long (milliseconds) to say what they have. */
const PEERS_SETTLE = 1_500
/** When looking for them takes longer than this (milliseconds), the user is told. */
const PEERS_SOON = 10_000

/** A timer of Node's that is longer ends at once. */
const LONGEST_TIMER = 60 * 60_000

export class Publishing implements SharePart {
  status: ShareStatus = { kind: 'publishing' }
  last: PublishResult | undefined
  private readonly versions: Appending
  private readonly watch: SourceWatch
  private wanted = false
  /** What the watcher says has changed since the last publish began. */
  private named = new Set<DrivePath>()
  /** More than that may have changed. */
  private anything = true
  private running: Promise<void> | undefined
  private retryIsDue = false
  private looking: NodeJS.Timeout | undefined
  private readonly toldSecrets = new Set<string>()

  private constructor(
    private readonly share: ServedShare,
    public record: ShareRecord,
  ) {
    const { context } = share
    this.watch = new SourceWatch({
      onChange: changes => this.rescan(changes),
      onError: error => this.setFailed(error),
      log: context.log,
    })
    this.versions = new Appending(
      share,
      () => this.record,
      change => this.saveRecord(change),
      paths => this.lost(paths),
    )
  }

  /** @param share whose log of bytes is open, if it has one */
  static async on(share: ServedShare, record: ShareRecord): Promise<Publishing> {
    const { drive, context } = share
    const publishing = new Publishing(share, { ...record, id: drive.id, key: drive.key })
    share.add(publishing)
    if (record.lost) publishing.setStatus({ kind: 'failed', error: lostError(record).toUserError() })
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
    const before = this.status
    const wasJoined = this.share.replication !== undefined
    this.setStatus({ kind: 'publishing' })
    try {
      // Announcing takes as long as publishing does. After an accident only others know what is missing here.
      if (!wasJoined) this.join()
      const signal = AbortSignal.any([transfer.abort.signal, this.share.signal])
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
    throwIfAborted(this.share.signal)
    if (this.isLost || this.watch.isOn) return
    await this.saveRecord({ stopped: false })
    this.join()
    this.setStatus({ kind: 'sharing' })
    const { drive, context, signal } = this.share
    if (!this.record.once) this.startWatching()
    const listed = drive.refresh(signal).then(() => this.versions.finishSoon())
    this.stayAsItIs().catch(error => this.share.told(error, 'storing what the folder has'))
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
    return keepingOf(this.record.versions, this.share.context.keeping)
  }

  /** The disk alone limits it. */
  get roomForPast(): number {
    return Number.POSITIVE_INFINITY
  }

  /** From now on these former versions are kept. */
  async setKeeping(versions: VersionKeeping): Promise<void> {
    await this.saveRecord({ versions })
    this.share.clearSoon()
  }

  inUse(): Iterable<Named> | undefined {
    return this.versions.inUse()
  }

  beforeClear(used: BlockRuns): void {
    this.versions.beforeClear(used)
  }

  async cleared(): Promise<void> {}

  /** Whether blocks may be missing at the end of the logs that others have. */
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

  /**
   * After a loss of power this log may have lost its end, which readers may have: they are looked for before anything
   * is appended, and the publisher asks them (see publish/version/ownLogs.ts). Without a network nobody can be asked, and
   * nobody would get what is published.
   */
  private waitForPeersFirst(joined: ShareReplication): void {
    const { signal } = this.share
    const found = unlessAborted(joined.membership.askedOnline, signal).then(() => delay(PEERS_SETTLE, signal))
    this.share.after(found)
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
    if (this.isLost || this.share.replication === undefined) return this.start()
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
    this.list()
  }

  private list(): void {
    const { drive, context, signal } = this.share
    drive.refresh(signal).catch(error => context.log(`index: ${String(error)}`))
  }

  /** Follows the folder from now on, or no longer. */
  async setOnce(once: boolean): Promise<void> {
    if (this.record.once === once) return
    await this.saveRecord({ once })
    if (once) {
      await this.watch.stop()
      await this.stayAsItIs()
    } else if (this.share.replication !== undefined) this.startWatching()
  }

  /** What is not followed stays as it was published, whatever becomes of the folder. */
  private async stayAsItIs(): Promise<void> {
    if (this.record.once && this.record.inPlace !== undefined) await this.versions.storeAll()
  }

  /** See `share.settle`. */
  async settleHeld(kind: HeldFiles['kind'], keep: boolean): Promise<void> {
    const change = afterChoice(kind, keep, this.record, this.last)
    if (kind !== 'update' && !keep) this.versions.releaseRemoval()
    if (change !== undefined) await this.saveRecord(change)
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
    this.note(changes)
    this.publishSoon()
  }

  /** Large files that are served out of the folder do not hold any more what was published of them. */
  private lost(paths: ChangedPaths): void {
    if (this.share.replication !== undefined && !this.record.once) this.rescan(paths)
  }

  /** The next publish looks at these. The watcher may have missed some of many. */
  private note(changes: ChangedPaths): void {
    if (changes === 'rescan' || changes.length > FEW_PATHS) this.anything = true
    if (changes !== 'rescan') for (const path of changes) this.named.add(path)
  }

  private publishSoon(): void {
    this.wanted = true
    this.running ??= this.publishLoop().finally(() => {
      this.running = undefined
    })
  }

  /** Resolves when no publish is under way or due. */
  async whenPublished(): Promise<void> {
    await this.running
  }

  private async leave(): Promise<void> {
    clearTimeout(this.looking)
    this.share.leave()
    await this.watch.stop()
  }

  async settle(): Promise<void> {
    clearTimeout(this.looking)
    await this.watch.stop()
    await this.running?.catch(() => {}) // it told what stopped it
    await this.versions.settle()
  }

  async purging(): Promise<void> {
    await this.share.context.catalog.put('share', this.record.seed, { ...this.record, removed: true })
  }

  /** The key is never used again. */
  async purged(): Promise<void> {
    const { catalog } = this.share.context
    const { seed } = this.record
    await catalog.deleteAll('published', `${seed}/`)
    await catalog.delete('indexed', seed)
    await catalog.delete('share', seed)
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
      status,
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

  private startWatching(): void {
    const { source, isFile } = this.record
    this.watch.start(source, isFile, this.last?.ignoredFolders ?? [])
  }

  private async publishLoop(): Promise<void> {
    const { signal } = this.share
    while (this.wanted && !signal.aborted && !this.isLost) {
      this.wanted = false
      try {
        const { busy, inDoubt } = await this.publishOnce(signal)
        if (this.share.replication !== undefined) this.setStatus({ kind: 'sharing' })
        if (busy.length > 0) this.retryAfter(AGAIN_AFTER, busy)
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
  private retryAfter(milliseconds: number, changes: ChangedPaths = 'rescan'): void {
    this.note(changes)
    if (this.retryIsDue) return
    this.retryIsDue = true
    delay(milliseconds, this.share.signal).then(
      () => {
        this.retryIsDue = false
        if (this.share.replication !== undefined) this.publishSoon()
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
      if (this.share.replication !== undefined) this.rescan()
    }, atMost).unref()
  }

  private async publishOnce(signal: AbortSignal, transfer?: Transfer): Promise<PublishResult> {
    const { named } = this
    const { boundaries } = this.record
    const onlyNamed = transfer === undefined && !this.anything
    this.named = new Set()
    this.anything = false
    const result = await this.versions.publish(signal, { named, onlyNamed }, transfer).catch(error => {
      for (const path of named) this.named.add(path)
      this.anything = true
      throw error
    })
    this.last = result
    this.tellSecrets(result)
    const remembered = afterLook(result, boundaries, this.record)
    if (remembered !== undefined) await this.saveRecord(remembered)
    this.watch.follow(result)
    this.lookAfter(
      this.versions.hasLost ? Math.min(result.lookAfter ?? LOST_AGAIN, LOST_AGAIN) : result.lookAfter,
    )
    await this.watch.ignoreFolders(result.ignoredFolders)
    this.watch.followHardLinks(result.hardLinked)
    this.share.changed.emit()
    return result
  }

  /** A file that was shared and now holds a key is not published any further: say so, once. */
  private tellSecrets(result: PublishResult): void {
    for (const { path, reason, detail } of result.skipped) {
      if (reason !== 'secret-content' || this.toldSecrets.has(path)) continue
      this.toldSecrets.add(path)
      const message = `“${basename(path)}” in “${this.record.name}” is not published: ${detail}`
      this.share.context.notice('warning', message, this.share.id)
    }
  }

  private async giveUpLog(): Promise<void> {
    await this.saveRecord({ lost: true })
    await this.leave()
    this.setFailed(lostError(this.record))
  }

  private async saveRecord(change: Partial<ShareRecord>): Promise<void> {
    if (this.share.signal.aborted) return // removed, or the process ends
    this.record = { ...this.record, ...change }
    await this.share.context.catalog.put('share', this.record.seed, this.record)
  }

  private setFailed(error: unknown): void {
    const { id, context } = this.share
    context.checkForDamage(error)
    const userError = toUserError(context.explain(error))
    const known = this.status.kind === 'failed' && this.status.error.message === userError.message
    if (!known) {
      context.log(`share ${id.slice(0, 6)}: ${userError.message}`)
      context.notice('warning', userError.message, id)
    }
    this.setStatus({ kind: 'failed', error: userError })
  }

  private setStatus(status: ShareStatus): void {
    this.status = status
    this.share.changed.emit()
  }
}

function lostError({ name }: ShareRecord): PeerfoldError {
  return new PeerfoldError('log-lost', name)
}
