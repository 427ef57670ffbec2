/**
 * The peer: one store, one swarm, one catalog, and everything that is shared, opened and transferred on this machine.
 * It knows nothing of sockets or windows; rpc.ts speaks for it.
 */
import { realpath, stat } from 'node:fs/promises'
import { basename, resolve, sep } from 'node:path'
import type { KeyPair } from '@hyperswarm/secret-stream'
import Corestore from 'corestore'
import { randomBytes } from 'hypercore-crypto'
import type { DrivePath, PeerId, ShareId } from '../common/brand'
import { PeerfoldError } from '../common/errors'
import { parseLink, shareIdOf } from '../common/link'
import type { PeerState, RemotePeer, TransferResult } from '../common/model'
import type { Notifications, ShareAdded, ShareSource } from '../common/protocol'
import { Signal } from '../common/signal'
import type { DataFolderPaths } from '../wire/dataFolder'
import { Catalog, type CopyRecord, type Settings, type ShareRecord } from './catalog'
import type { IndexChange, ShareDrive } from './drive/shareDrive'
import { peerIdOf } from './keys'
import { Network } from './network/swarm'
import { OpenedShare } from './openedShare'
import { newEncryptionKey, OwnShare, type OwnShareContext } from './ownShare'
import { runCopy } from './receive/copy'
import { runSeed } from './receive/seed'
import { delay, throwIfAborted } from './time'
import { type Transfer, Transfers } from './transfers'

export interface PeerOptions {
  readonly paths: DataFolderPaths
  readonly keyPair: KeyPair
  readonly bootstrap: readonly string[]
  readonly tcp: boolean
  readonly defaultName: string
  readonly log: (line: string) => void
}

export class Peer {
  /** Something in `state` changed. */
  readonly changed = new Signal<void>()
  readonly entriesChanged = new Signal<Notifications['changed']>()
  readonly notices = new Signal<Notifications['notice']>()
  readonly transfers = new Transfers()
  private readonly own = new Map<ShareId, OwnShare>()
  private readonly opened = new Map<ShareId, OpenedShare>()
  private readonly opening = new Map<ShareId, Promise<OpenedShare>>()
  private readonly adding = new Map<string, Promise<unknown>>()
  private readonly blocked = new Set<PeerId>()
  private readonly closing = new AbortController()
  private settings: Settings = {}
  private revision = 0

  private constructor(
    private readonly options: PeerOptions,
    private readonly store: Corestore,
    private readonly catalog: Catalog,
    private readonly network: Network,
  ) {
    network.changed.on(() => this.changed.emit())
    this.transfers.changed.on(() => this.changed.emit())
  }

  static async open(options: PeerOptions): Promise<Peer> {
    const catalog = await Catalog.open(options.paths.catalog)
    const store = new Corestore(options.paths.store)
    await store.ready()
    const network = new Network({
      keyPair: options.keyPair,
      bootstrap: options.bootstrap,
      tcp: options.tcp,
      name: () => peer.name,
      isBlocked: id => peer.blocked.has(id),
      log: options.log,
    })
    const peer: Peer = new Peer(options, store, catalog, network)
    await peer.restore()
    return peer
  }

  get name(): string {
    return this.settings.name || this.options.defaultName
  }

  get keepRunning(): boolean {
    return this.settings.keepRunning === true
  }

  get bootstrap(): readonly string[] {
    return this.options.bootstrap
  }

  get state(): PeerState {
    const shares = [...this.own.values()].map(share => share.state)
    const opened = [...this.opened.values()].map(share => share.state)
    const all = [...shares, ...opened]
    return {
      revision: ++this.revision,
      me: { id: peerIdOf(this.options.keyPair.publicKey), name: this.name },
      network: this.network.state,
      keepRunning: this.keepRunning,
      rates: {
        down: all.reduce((sum, share) => sum + share.rates.down, 0),
        up: all.reduce((sum, share) => sum + share.rates.up, 0),
      },
      shares,
      opened,
      peers: this.peers(),
      transfers: this.transfers.states,
    }
  }

  // Own shares

  /** Finds the share of a source, when it is shared already. */
  async shareOf(source: string): Promise<OwnShare | undefined> {
    const real = await realSource(source)
    return [...this.own.values()].find(share => share.record.source === real && !share.isLost)
  }

  /** See `share.add`. The share of the same source is taken up again. */
  async addShare(params: ShareSource, job: string, signal: AbortSignal): Promise<ShareAdded> {
    const source = await realSource(params.source)
    for (let other = this.adding.get(source); other !== undefined; other = this.adding.get(source)) {
      await other.catch(() => {}) // the other one told its own client
    }
    const adding = this.addShareNow({ ...params, source }, job, signal)
    this.adding.set(source, adding)
    try {
      return await adding
    } finally {
      this.adding.delete(source)
    }
  }

  async removeShare(id: ShareId): Promise<void> {
    const share = this.ownShare(id)
    this.own.delete(id)
    await share.purge()
    this.changed.emit()
  }

  ownShare(id: ShareId): OwnShare {
    const share = this.own.get(id)
    if (share === undefined) throw new PeerfoldError('unknown-share')
    return share
  }

  // Opened shares

  /** Joins a share; `keep`: it stays after the client is gone. */
  async openLink(text: string, keep: boolean): Promise<{ id: ShareId; own: boolean }> {
    const parsed = parseLink(text)
    if (!parsed.ok) throw new PeerfoldError('bad-link', parsed.message)
    const { link } = parsed
    const id = shareIdOf(link.key)
    if (this.own.has(id)) return { id, own: true }
    const share = await this.openShare(id, {
      id,
      key: link.key,
      name: link.name ?? 'Shared folder',
      isFile: link.isFile,
      keep,
      stopped: false,
      ...(link.encryptionKey === undefined ? {} : { encryptionKey: link.encryptionKey }),
    })
    if ((keep && !share.record.keep) || share.record.stopped) {
      await share.save({ keep: keep || share.record.keep, stopped: false })
    }
    share.start()
    this.changed.emit()
    return { id, own: false }
  }

  openedShare(id: ShareId): OpenedShare {
    const share = this.opened.get(id)
    if (share === undefined) throw new PeerfoldError('unknown-share')
    return share
  }

  async removeOpened(id: ShareId): Promise<void> {
    const share = this.openedShare(id)
    for (const transfer of this.transfers.states)
      if (transfer.share === id) this.transfers.cancel(transfer.id)
    this.opened.delete(id)
    await share.purge()
    this.changed.emit()
  }

  /** A share's logs, own or opened. */
  drive(id: ShareId): ShareDrive {
    const drive = this.own.get(id)?.drive ?? this.opened.get(id)?.drive
    if (drive === undefined) throw new PeerfoldError('unknown-share')
    return drive
  }

  // Copies and seeding

  /** See `copy.start`. */
  async startCopy(id: ShareId, path: DrivePath, folder: string, job: string): Promise<string> {
    this.drive(id)
    const target = resolve(folder)
    for (const share of this.own.values()) {
      if (share.id === id && isInside(target, share.record.source))
        throw new PeerfoldError('target-overlaps', folder)
    }
    for await (const [old, copy] of this.catalog.list('copy')) {
      const running = this.transfers.get(old)
      const same = copy.share === id && copy.path === path && copy.folder === target
      if (same && running?.isActive) return old
      if (same) await this.forgetCopy(old)
    }
    const record: CopyRecord = { job, share: id, path, folder: target }
    await this.catalog.put('copy', job, record)
    this.runCopyJob(record)
    return job
  }

  /** See `copy.wait`. */
  async waitForCopy(job: string, timeout: number, signal: AbortSignal): Promise<TransferResult> {
    const transfer = this.transfers.get(job)
    if (transfer === undefined) {
      const record = await this.catalog.get('copy', job)
      if (record?.result !== undefined) return record.result
      throw record?.failure === undefined
        ? new PeerfoldError('cancelled')
        : PeerfoldError.from(record.failure)
    }
    return this.waitFor(transfer, timeout, signal)
  }

  async retryTransfer(job: string): Promise<void> {
    const record = await this.catalog.get('copy', job)
    if (record === undefined || this.transfers.get(job)?.isActive) return
    const { job: _, result: __, failure: ___, ...rest } = record
    this.runCopyJob({ job, ...rest })
  }

  async clearTransfers(): Promise<void> {
    for (const { id, status } of this.transfers.states) {
      if (status.kind !== 'running' && status.kind !== 'paused') await this.catalog.delete('copy', id)
    }
    this.transfers.clear()
  }

  /** See `seed.wait`. */
  async seed(id: ShareId, job: string, signal: AbortSignal): Promise<TransferResult> {
    const share = this.openedShare(id)
    const transfer = this.transfers.add(job, 'seed', share.name)
    transfer.share = id
    signal.addEventListener('abort', () => transfer.abort.abort(), { once: true })
    try {
      const result = await runSeed(share.drive, transfer, () => share.joinedShare?.down.total ?? 0)
      await share.countBytesHere()
      transfer.finish(result)
      return result
    } catch (error) {
      transfer.fail(error)
      throw error
    }
  }

  // Settings and peers

  async set(change: Settings): Promise<void> {
    this.settings = { ...this.settings, ...change }
    await this.catalog.put('settings', '', this.settings)
    if (change.ignore !== undefined)
      for (const share of this.own.values()) if (share.joinedShare) share.rescan()
    this.changed.emit()
  }

  get ignore(): readonly string[] {
    return this.settings.ignore ?? []
  }

  async block(peer: PeerId): Promise<void> {
    this.blocked.add(peer)
    await this.catalog.put('blocked', peer, { since: Date.now() })
    this.network.disconnect(peer)
    this.changed.emit()
  }

  async unblock(peer: PeerId): Promise<void> {
    this.blocked.delete(peer)
    await this.catalog.delete('blocked', peer)
    this.network.unban(peer)
    this.network.refresh()
    this.changed.emit()
  }

  refreshNetwork(): void {
    this.network.refresh()
  }

  /** Lets go of what commands alone held: called when the last command is gone but windows remain. */
  async releaseUnkept(): Promise<void> {
    for (const [id, share] of this.opened) {
      if (
        share.record.keep ||
        this.transfers.states.some(({ share: of, status }) => of === id && isActive(status))
      )
        continue
      this.opened.delete(id)
      await share.close()
    }
    for (const share of this.own.values()) {
      if (!share.record.keep && share.joinedShare !== undefined) await share.stop()
    }
    this.changed.emit()
  }

  /** Whether something is shared or opened that should go on when VS Code is closed. */
  get isServing(): boolean {
    return [...this.own.values(), ...this.opened.values()].some(share => share.joinedShare !== undefined)
  }

  async close(): Promise<void> {
    this.closing.abort()
    for (const { id } of this.transfers.states) this.transfers.get(id)?.abort.abort()
    await this.network.close()
    await Promise.allSettled([...this.own.values(), ...this.opened.values()].map(share => share.close()))
    await Promise.allSettled(this.adding.values())
    await this.store.close()
    await this.catalog.close()
  }

  private async addShareNow(params: ShareSource, job: string, signal: AbortSignal): Promise<ShareAdded> {
    const existing = await this.shareOf(params.source)
    const transfer = this.transfers.add(job, 'import', params.name || basename(params.source), params.source)
    const abort = () => transfer.abort.abort()
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    try {
      const share = existing ?? (await this.createShare(params))
      transfer.share = share.id
      let finished = false
      try {
        const result = await share.publishFirst(transfer)
        throwIfAborted(transfer.abort.signal)
        if (existing === undefined) this.adopt(share)
        if (params.keep) await share.keep()
        await share.setOnce(params.once && !(existing?.record.keep === true && !existing.record.once))
        await share.start()
        finished = true
        transfer.finish({ ...EMPTY_RESULT, files: result.files, bytes: result.bytes })
        const skippedCount = Object.values(result.skippedCounts).reduce((sum, count) => sum + count, 0)
        return {
          id: share.id,
          link: share.link,
          key: share.driveKey,
          files: result.files,
          bytes: result.bytes,
          skipped: result.skipped,
          skippedCount,
        }
      } finally {
        // A share that never became one leaves nothing, and its key is never used again. A crash is no cancellation:
        // the record stays, and the same key goes on with the same log.
        if (!finished && existing === undefined && !this.closing.signal.aborted) await share.purge()
      }
    } catch (error) {
      transfer.fail(error)
      throw error
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  private async createShare(params: ShareSource): Promise<OwnShare> {
    const info = await stat(params.source)
    const unfinished = await this.unfinished(params)
    const record: ShareRecord = unfinished ?? {
      seed: randomBytes(16).toString('hex'),
      source: params.source,
      name: params.name || basename(params.source) || params.source,
      isFile: info.isFile(),
      once: params.once,
      keep: params.keep,
      stopped: false,
      allow: params.allow,
      version: 0,
      ...(params.isPublic ? {} : { encryptionKey: newEncryptionKey(randomBytes(32)) }),
    }
    await this.catalog.put('share', record.seed, record)
    return OwnShare.open(record, this.ownContext())
  }

  /** A first publish that a crash cut off: its log exists, so its key goes on. */
  private async unfinished(params: ShareSource): Promise<ShareRecord | undefined> {
    for await (const [, record] of this.catalog.list('share')) {
      const same = record.source === params.source && (record.encryptionKey === undefined) === params.isPublic
      if (
        same &&
        record.version === 0 &&
        !record.lost &&
        (record.id === undefined || !this.own.has(record.id))
      ) {
        return { ...record, once: params.once, keep: params.keep || record.keep, allow: params.allow }
      }
    }
    return undefined
  }

  private adopt(share: OwnShare): void {
    this.own.set(share.id, share)
    share.changed.on(() => this.changed.emit())
    share.published.on(change => this.tellChange(share.id, change))
    this.changed.emit()
  }

  private openShare(id: ShareId, record: OpenedShare['record']): Promise<OpenedShare> {
    const open = this.opened.get(id)
    if (open !== undefined) return Promise.resolve(open)
    const pending = this.opening.get(id)
    if (pending !== undefined) return pending
    const opening = this.openShareNow(record).finally(() => this.opening.delete(id))
    this.opening.set(id, opening)
    return opening
  }

  private async openShareNow(wanted: OpenedShare['record']): Promise<OpenedShare> {
    const known = await this.catalog.get('opened', wanted.id)
    const { encryptionKey = known?.encryptionKey } = wanted
    const record = {
      ...wanted,
      keep: wanted.keep || known?.keep === true,
      ...(encryptionKey ? { encryptionKey } : {}),
    }
    await this.catalog.put('opened', record.id, record)
    const { store, catalog, network } = this
    const share = await OpenedShare.open(record, { store, catalog, network, log: this.options.log })
    this.opened.set(share.id, share)
    share.changed.on(() => this.changed.emit())
    share.updated.on(change => this.tellChange(share.id, change))
    return share
  }

  private tellChange(id: ShareId, { version, paths }: IndexChange): void {
    this.entriesChanged.emit({ id, version, ...(paths === undefined ? {} : { paths }) })
  }

  private runCopyJob(record: CopyRecord): void {
    const { job, share: id, path, folder } = record
    const share = this.opened.get(id)
    const transfer = this.transfers.add(
      job,
      'copy',
      share?.name ?? this.own.get(id)?.record.name ?? '',
      folder,
    )
    transfer.share = id
    const { signal } = transfer.abort
    runCopy({
      share: this.drive(id),
      id,
      path,
      folder,
      catalog: this.catalog,
      transfer,
      fetched: () => share?.joinedShare?.down.total ?? 0,
      peerCame: () => share?.peerCame(signal) ?? delay(1_000, signal),
      stale: () => share !== undefined && (share.joinedShare?.peers ?? 0) === 0,
    })
      .then(
        async result => {
          await this.catalog.put('copy', job, { ...record, result })
          transfer.finish(result)
          await share?.countBytesHere()
        },
        async error => {
          if (this.closing.signal.aborted) return // it goes on with the next peer process
          const { code, message } =
            error instanceof PeerfoldError ? error : new PeerfoldError('internal', String(error))
          if (code === 'cancelled') await this.catalog.delete('copy', job)
          else await this.catalog.put('copy', job, { ...record, failure: { code, message } })
          transfer.fail(error)
        },
      )
      .catch(error => this.options.log(`copy ${job}: ${String(error)}`))
  }

  private async waitFor(transfer: Transfer, timeout: number, signal: AbortSignal): Promise<TransferResult> {
    const stalled = new AbortController()
    let timer: NodeJS.Timeout | undefined
    const watch = this.transfers.changed.on(() => {
      const waiting = transfer.status.kind === 'paused' && transfer.status.error.code === 'stalled'
      if (waiting && timer === undefined) timer = setTimeout(() => stalled.abort(), timeout)
      if (!waiting) {
        clearTimeout(timer)
        timer = undefined
      }
    })
    try {
      let { status } = transfer
      while (status.kind === 'running' || status.kind === 'paused') {
        status = await transfer.ended.next(AbortSignal.any([signal, stalled.signal]))
      }
      if (status.kind === 'done') return status.result
      throw status.kind === 'failed' ? PeerfoldError.from(status.error) : new PeerfoldError('cancelled')
    } catch (error) {
      if (stalled.signal.aborted) throw new PeerfoldError('stalled')
      throw signal.aborted ? new PeerfoldError('cancelled') : error
    } finally {
      clearTimeout(timer)
      watch()
    }
  }

  private async forgetCopy(job: string): Promise<void> {
    await this.catalog.delete('copy', job)
    this.transfers.remove(job)
  }

  private ownContext(): OwnShareContext {
    const { store, catalog, network } = this
    return {
      store,
      catalog,
      network,
      ignore: () => this.ignore,
      dataFolder: this.options.paths.root,
      notice: (level, message, share) => this.notices.emit({ level, message, ...(share ? { share } : {}) }),
      log: this.options.log,
    }
  }

  private peers(): RemotePeer[] {
    const shares = new Map<string, ShareId[]>()
    for (const share of [...this.own.values(), ...this.opened.values()]) {
      for (const key of share.joinedShare?.peerKeys() ?? [])
        shares.set(key, [...(shares.get(key) ?? []), share.id])
    }
    const connected = [...this.network.links.values()].map(link => ({
      id: link.id,
      name: link.name,
      transport: link.transport,
      blocked: false,
      shares: shares.get(link.key) ?? [],
      rates: { down: link.down.value, up: link.up.value },
      downBytes: link.down.total,
      upBytes: link.up.total,
      ...(link.address === undefined ? {} : { address: link.address }),
    }))
    const blocked = [...this.blocked].map(id => ({
      id,
      name: '',
      transport: 'udx' as const,
      blocked: true,
      shares: [],
      rates: { down: 0, up: 0 },
      downBytes: 0,
      upBytes: 0,
    }))
    return [...connected, ...blocked]
  }

  /** Takes up everything the catalog holds. What a command alone had stays at rest until a command asks for it. */
  private async restore(): Promise<void> {
    this.settings = (await this.catalog.get('settings', '')) ?? {}
    for await (const [peer] of this.catalog.list('blocked')) this.blocked.add(peer as PeerId)
    for await (const [, record] of this.catalog.list('share')) {
      if (record.version === 0 && !record.keep) continue
      const share = await OwnShare.open(record, this.ownContext())
      this.adopt(share)
      if (record.keep && !record.stopped) await share.start()
      else if (!share.isLost) share.rest()
    }
    const copies: CopyRecord[] = []
    for await (const [, copy] of this.catalog.list('copy')) copies.push(copy)
    for await (const [id, record] of this.catalog.list('opened')) {
      const needed = copies.some(copy => copy.share === id && !copy.result && !copy.failure)
      if (!record.keep && !needed) continue
      const share = await this.openShare(id as ShareId, record)
      if (!record.stopped) share.start()
    }
    for (const copy of copies) {
      const known = this.own.has(copy.share) || this.opened.has(copy.share)
      if (known && copy.result === undefined && copy.failure === undefined) this.runCopyJob(copy)
    }
  }
}

const EMPTY_RESULT: TransferResult = {
  files: 0,
  bytes: 0,
  fetched: 0,
  skipped: [],
  skippedCount: 0,
  conflicts: [],
  warnings: [],
  stale: false,
}

async function realSource(source: string): Promise<string> {
  try {
    return await realpath(source)
  } catch {
    throw new PeerfoldError('not-a-folder', source)
  }
}

function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep)
}

function isActive(status: { readonly kind: string }): boolean {
  return status.kind === 'running' || status.kind === 'paused'
}
