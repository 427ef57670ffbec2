/**
 * The peer: one store, one swarm, one catalog, and everything that is shared, opened and transferred on this machine.
 * It knows nothing of sockets or windows; rpc.ts speaks for it.
 */

import type { KeyPair } from '@hyperswarm/secret-stream'
import type Corestore from 'corestore'
import type { PeerId, ShareId } from '../common/brand'
import { PeerfoldError } from '../common/errors'
import { peerName } from '../common/explain'
import { parseLink, shareIdOf } from '../common/link'
import { english } from '../common/localizer'
import type { PeerState, RemotePeer } from '../common/model'
import type { Notifications } from '../common/protocol'
import { Signal } from '../common/signal'
import type { DataFolderPaths } from '../wire/dataFolder'
import type { ShareDrive } from './drive/shareDrive'
import { peerIdOf } from './keys'
import { DEFAULT_LIMITS, type Limits, type PeerLimit } from './limits'
import { Network } from './network/swarm'
import { HOLD } from './publish/version/held'
import { NOTICE } from './publish/version/newlyHidden'
import { GRACE } from './retention/clearing'
import type { PeerContext } from './shares/context'
import { OpenedShares } from './shares/openedShares'
import { OwnShares } from './shares/ownShares'
import { bootId, mayHaveLostWrites } from './store/boot'
import { StoreBudget } from './store/budget'
import type { Catalog, Settings } from './store/catalog'
import { StoreCompaction } from './store/compaction'
import { StoreSpace } from './store/space'
import { isDamage, openDatabases, syncStore } from './store/store'
import { explainStoreTrouble } from './store/trouble'
import { Copies } from './transfers/copies'
import { Reads } from './transfers/reads'
import { Transfers } from './transfers/transfers'

export interface PeerOptions {
  readonly paths: DataFolderPaths
  readonly keyPair: KeyPair
  readonly bootstrap: readonly string[]
  readonly tcp: boolean
  /** Milliseconds superseded bytes stay; `GRACE` when absent. */
  readonly grace?: number
  /** Milliseconds vanished files are held; `HOLD` when absent. */
  readonly hold?: number
  /** Milliseconds what newer rules hide stays after the user was told; `NOTICE` when absent. */
  readonly toldFor?: number
  readonly log: (line: string) => void
  /** The store turned out to be damaged: end, and let the next process set it aside. */
  readonly onDamage: (error: unknown) => void
  /** A write had failed on a full disk, and now there is room: end, and let the next process go on. */
  readonly onRoomAgain: () => void
}

export class Peer {
  /** Something in `state` changed. */
  readonly changed = new Signal<void>()
  readonly entriesChanged = new Signal<Notifications['changed']>()
  readonly notices = new Signal<Notifications['notice']>()
  /** Emits bytes. */
  readonly longestMessageChanged = new Signal<number>()
  readonly transfers = new Transfers()
  readonly reads = new Reads(this.transfers)
  readonly own: OwnShares
  readonly opened: OpenedShares
  readonly copies: Copies
  private readonly catalog: Catalog
  private readonly network: Network
  private readonly blocked = new Set<PeerId>()
  private readonly closing = new AbortController()
  private settings: Settings = {}
  private limits: Limits = DEFAULT_LIMITS
  private readonly budget: StoreBudget
  private readonly space: StoreSpace
  private readonly compaction: StoreCompaction
  private readonly earlyNotices: Notifications['notice'][] = []
  private readonly toldLimits = new Set<PeerLimit>()
  private lostWrites = false
  private revision = 0

  private constructor(
    private readonly options: PeerOptions,
    private readonly store: Corestore,
    catalog: Catalog,
  ) {
    const { keyPair, bootstrap, log, paths } = options
    const tcp = () => options.tcp && this.settings.directTcp !== false
    this.catalog = catalog
    this.space = new StoreSpace(paths.root, options.onRoomAgain, log)
    this.budget = new StoreBudget(catalog, () => this.limits.storeBytes, log)
    const checkForDamage = (error: unknown) => this.checkForDamage(error)
    this.compaction = new StoreCompaction(store.storage, paths.root, this.closing.signal, error => {
      checkForDamage(error)
      log(`giving room back: ${String(error)}`)
    })
    const isBlocked = (id: PeerId) => this.blocked.has(id)
    this.network = new Network({
      keyPair,
      bootstrap,
      tcp,
      name: () => this.name,
      isBlocked,
      limits: () => this.limits,
      onLimit: (limit, peer, what) =>
        this.tellLimit(limit, `${peerName(peer, english)} is turned away for a while: ${what}`),
      log,
      onError: checkForDamage,
    })
    const context: PeerContext = {
      store,
      catalog,
      network: this.network,
      dataFolder: paths.root,
      ignore: () => this.ignore,
      limits: () => this.limits,
      notice: (level, message, share) => this.notices.emit({ level, message, ...(share ? { share } : {}) }),
      log,
      checkForDamage,
      explain: error => this.explain(error),
      space: this.space,
      budget: this.budget,
      compaction: this.compaction,
      grace: options.grace ?? GRACE,
      hold: options.hold ?? HOLD,
      toldFor: options.toldFor ?? NOTICE,
      syncStore: () => syncStore(paths),
      mayHaveLostWrites: () => this.lostWrites,
      closing: this.closing.signal,
    }
    this.own = new OwnShares(context, this.transfers)
    this.opened = new OpenedShares(context)
    this.copies = new Copies(context, this.own, this.opened, this.transfers)
    for (const part of [this.network, this.transfers, this.own, this.opened]) {
      part.changed.on(() => this.changed.emit())
    }
    this.own.published.on(change => this.entriesChanged.emit(change))
    this.opened.updated.on(change => this.entriesChanged.emit(change))
    this.budget.passed.on(() => {
      this.makeRoom().catch(error => log(`making room: ${String(error)}`))
    })
  }

  static async open(options: PeerOptions): Promise<Peer> {
    const { store, catalog, storeAside, catalogAside } = await openDatabases(options.paths, options.log)
    const peer = new Peer(options, store, catalog)
    await peer.space.start()
    if (storeAside !== undefined) peer.tell(new PeerfoldError('store-damaged', storeAside))
    if (catalogAside !== undefined) peer.tell(new PeerfoldError('catalog-damaged', catalogAside))
    await peer.restore()
    peer.makeRoom().catch(error => options.log(`making room: ${String(error)}`))
    return peer
  }

  /** What happened before any client was there to be told. */
  takeEarlyNotices(): Notifications['notice'][] {
    return this.earlyNotices.splice(0)
  }

  /** What other people see; empty until the user chooses one. */
  get name(): string {
    return this.settings.name ?? ''
  }

  /** Bytes of the longest request and answer. */
  get longestMessage(): number {
    return this.limits.requestBytes
  }

  get keepRunning(): boolean {
    return this.settings.keepRunning === true
  }

  get bootstrap(): readonly string[] {
    return this.options.bootstrap
  }

  get ignore(): readonly string[] {
    return this.settings.ignore ?? []
  }

  get state(): PeerState {
    const shares = this.own.all().map(share => share.state)
    const opened = this.opened.all().map(share => share.state)
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
      peers: [...this.connectedPeers(), ...this.blockedPeers()],
      transfers: this.transfers.states,
    }
  }

  /** See `open.add`. */
  async openLink(
    text: string,
    keep: boolean,
    hold: (id: ShareId) => void,
  ): Promise<{ id: ShareId; own: boolean }> {
    const parsed = parseLink(text)
    if (!parsed.ok) throw new PeerfoldError('bad-link', parsed.message)
    const id = shareIdOf(parsed.link.key)
    hold(id)
    if (this.own.has(id)) return { id, own: true }
    await this.opened.open(parsed.link, keep)
    await this.makeRoom()
    return { id, own: false }
  }

  async removeOpened(id: ShareId): Promise<void> {
    this.copies.cancelAllOf(id)
    await this.opened.remove(id)
  }

  /** A share's logs, own or opened. */
  drive(id: ShareId): ShareDrive {
    return this.own.find(id)?.drive ?? this.opened.get(id).drive
  }

  async set(change: Settings): Promise<void> {
    const before = JSON.stringify(this.settings)
    const nameBefore = this.name
    const ignoreBefore = JSON.stringify(this.ignore)
    this.settings = { ...this.settings, ...change }
    if (JSON.stringify(this.settings) === before) return // every window says this once
    await this.catalog.put('settings', '', this.settings)
    const limitsBefore = this.limits
    this.limits = { ...DEFAULT_LIMITS, ...this.settings.limits }
    if (this.name !== nameBefore) this.network.nameChanged()
    if (change.directTcp !== undefined) await this.network.tcpChanged()
    if (change.limits !== undefined) {
      for (const share of this.opened.all()) share.limitsChanged()
      this.budget.limitChanged()
      this.network.limitsChanged(limitsBefore)
      this.toldLimits.clear()
      if (this.longestMessage !== limitsBefore.requestBytes)
        this.longestMessageChanged.emit(this.longestMessage)
    }
    if (JSON.stringify(this.ignore) !== ignoreBefore)
      for (const share of this.own.all()) if (share.replication) share.rescan()
    this.changed.emit()
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

  /** Lets go of what is not kept and no client holds any more: called when a client is gone, or a copy is over. */
  async releaseUnkept(isHeld: (id: ShareId) => boolean): Promise<void> {
    await this.opened.releaseUnkept(id => isHeld(id) || this.copies.isBusy(id))
    await this.own.releaseUnkept(isHeld)
  }

  async close(): Promise<void> {
    this.closing.abort()
    this.space.close()
    for (const { id } of this.transfers.states) this.transfers.cancel(id)
    await this.network.close()
    await this.own.close()
    await this.opened.close()
    await this.compaction.settle()
    await this.store.close()
    await this.budget.close()
    await syncStore(this.options.paths)
    await this.catalog.put('run', '', { boot: bootId(), endedInOrder: true })
    await this.catalog.close()
  }

  /** Throws `store-limit` when nothing more may be fetched of opened shares. */
  assertRoom(): void {
    this.budget.assertRoom()
  }

  /** To be called with every error that nobody expected. */
  checkForDamage(error: unknown): void {
    this.space.note(error)
    if (isDamage(error)) this.options.onDamage(error)
  }

  /** See `PeerContext`. */
  explain(error: unknown): unknown {
    return explainStoreTrouble(error, this.options.paths.root)
  }

  /** What was still being used when the limit was passed may be used no more by now. */
  private async makeRoom(): Promise<void> {
    if (this.budget.shortage !== undefined) await this.opened.forgetUnlisted()
  }

  /** Once for each limit until it is changed: keys of peers cost nothing, and a crowd of them must not cover the screen. */
  private tellLimit(limit: PeerLimit, detail: string): void {
    if (this.toldLimits.has(limit)) return
    this.toldLimits.add(limit)
    const { message } = new PeerfoldError('peer-limit', detail)
    this.notices.emit({ level: 'warning', message })
  }

  private tell(error: PeerfoldError): void {
    this.options.log(error.message)
    this.earlyNotices.push({ level: 'error', message: error.message })
  }

  private async restore(): Promise<void> {
    const boot = bootId()
    this.lostWrites = mayHaveLostWrites(await this.catalog.get('run', ''), boot)
    await this.catalog.put('run', '', { boot, endedInOrder: false })
    this.settings = (await this.catalog.get('settings', '')) ?? {}
    this.limits = { ...DEFAULT_LIMITS, ...this.settings.limits }
    for await (const [peer] of this.catalog.list('blocked')) this.blocked.add(peer as PeerId)
    await this.budget.load()
    await this.own.restore()
    const copies = await this.copies.restore()
    await this.opened.restore(id => copies.some(copy => copy.share === id))
    this.copies.resume(copies)
  }

  private connectedPeers(): RemotePeer[] {
    const shares = new Map<string, ShareId[]>()
    const owned = new Map<string, ShareId[]>()
    const { links, replication } = this.network
    for (const share of [...this.own.all(), ...this.opened.all()]) {
      for (const key of share.replication?.peerKeys() ?? []) {
        shares.set(key, [...(shares.get(key) ?? []), share.id])
        const link = links.get(key)
        if (link !== undefined && replication.owns(link, share.drive.paths))
          owned.set(key, [...(owned.get(key) ?? []), share.id])
      }
    }
    return [...links.values()].map(link => ({
      id: link.id,
      name: link.name,
      transport: link.transport,
      blocked: false,
      shares: shares.get(link.key) ?? [],
      owns: owned.get(link.key) ?? [],
      rates: { down: link.down.value, up: link.up.value },
      downBytes: link.down.total,
      upBytes: link.up.total,
      ...(link.address === undefined ? {} : { address: link.address }),
    }))
  }

  private blockedPeers(): RemotePeer[] {
    const nothing = { shares: [], rates: { down: 0, up: 0 }, downBytes: 0, upBytes: 0 }
    return [...this.blocked].map(id => ({ id, name: '', transport: 'udx', blocked: true, ...nothing }))
  }
}
