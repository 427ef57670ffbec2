/** The peer: builds its parts, joins them, and closes them in order. What clients ask of it is in service/. */
import { join } from 'node:path'
import type { KeyPair } from '@hyperswarm/secret-stream'
import type Corestore from 'corestore'
import { PeerfoldError } from '../common/errors'
import { DEFAULT_KEEPING } from '../common/keptVersions'
import type { DataFolderPaths } from '../wire/dataFolder'
import { KeptFiles } from './live/keptFiles'
import { LiveCopies } from './live/liveCopies'
import { Network } from './network/swarm'
import { HOLD } from './publish/version/held'
import { NOTICE } from './publish/version/newlyHidden'
import { GRACE } from './retention/clearing'
import { BlockedPeers } from './service/blockedPeers'
import { PeerService } from './service/service'
import { PeerSettings } from './service/settings'
import type { PeerContext } from './shares/context'
import { OpenedLinks } from './shares/openedLinks'
import { SharedFolders } from './shares/sharedFolders'
import { Shares } from './shares/shares'
import { Bases } from './store/bases'
import { bootId, mayHaveLostWrites } from './store/boot'
import { StoreBudget } from './store/budget'
import type { Catalog } from './store/catalog'
import { StoreCompaction } from './store/compaction'
import { StoreSpace } from './store/space'
import { isDamage, openDatabases } from './store/store'
import { StoreSync } from './store/sync'
import { explainStoreTrouble } from './store/trouble'
import { throwIfAborted } from './time'
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
  /** False: former versions are kept only where the user chose so. */
  readonly keepVersions?: boolean
  /** Milliseconds vanished files are held; `HOLD` when absent. */
  readonly hold?: number
  /** Milliseconds that files which newer rules hide stay published after the user was told; `NOTICE` when absent. */
  readonly toldFor?: number
  readonly log: (line: string) => void
  /** The store turned out to be damaged: end, and let the next process set it aside. */
  readonly onDamage: (error: unknown) => void
  /** A write had failed on a full disk, and now there is room: end, and let the next process go on. */
  readonly onRoomAgain: () => void
}

export class Peer {
  readonly service: PeerService
  private readonly closing = new AbortController()
  private readonly space: StoreSpace
  private readonly sync: StoreSync
  private readonly bases: Bases
  private readonly compaction: StoreCompaction
  private lostWrites = false

  private constructor(
    private readonly options: PeerOptions,
    private readonly store: Corestore,
    private readonly catalog: Catalog,
  ) {
    const { keyPair, bootstrap, log, paths } = options
    const settings = new PeerSettings(catalog)
    const blocked = new BlockedPeers(catalog)
    const checkForDamage = (error: unknown) => this.checkForDamage(error)
    const explain = (error: unknown) => explainStoreTrouble(error, paths.root)
    this.bases = new Bases(catalog)
    this.sync = new StoreSync(join(paths.store, 'db'), paths.root, async () => {
      throwIfAborted(this.closing.signal) // the store may be closed already
      await store.storage.db.flush()
    })
    this.space = new StoreSpace(paths.root, options.onRoomAgain, log)
    const budget = new StoreBudget(catalog, () => settings.limits.storeBytes, log)
    this.compaction = new StoreCompaction(store.storage, paths.root, this.closing.signal, error => {
      checkForDamage(error)
      log(`giving room back: ${String(error)}`)
    })
    const network = new Network({
      keyPair,
      bootstrap,
      tcp: () => options.tcp && settings.directTcp,
      name: () => settings.name,
      isBlocked: id => blocked.has(id),
      limits: () => settings.limits,
      log,
      onError: checkForDamage,
    })
    const context: PeerContext = {
      store,
      catalog,
      bases: this.bases,
      network,
      dataFolder: paths.root,
      clones: paths.clones,
      ignore: () => settings.ignore,
      limits: () => settings.limits,
      notice: (level, message, share) => this.service.notice(level, message, share),
      log,
      checkForDamage,
      explain,
      space: this.space,
      budget,
      compaction: this.compaction,
      grace: options.grace ?? GRACE,
      keeping:
        options.keepVersions === false ? { ...DEFAULT_KEEPING, rule: { kind: 'none' } } : DEFAULT_KEEPING,
      hold: options.hold ?? HOLD,
      toldFor: options.toldFor ?? NOTICE,
      syncStore: () => this.sync.sync(),
      mayHaveLostWrites: () => this.lostWrites,
      closing: this.closing.signal,
    }
    const transfers = new Transfers()
    const shares = new Shares()
    const folders = new SharedFolders(context, shares, transfers)
    const links = new OpenedLinks(context, shares)
    const copies = new Copies(context, shares, transfers)
    const kept = new KeptFiles(catalog, paths.kept, () => settings.limits, log)
    const live = new LiveCopies(context, shares, kept)
    const reads = new Reads(transfers)
    const { publicKey } = keyPair
    this.service = new PeerService(
      {
        publicKey,
        bootstrap,
        network,
        shares,
        folders,
        links,
        copies,
        live,
        transfers,
        reads,
        settings,
        blocked,
        budget,
      },
      { checkForDamage, explain, log },
    )
  }

  static async open(options: PeerOptions): Promise<Peer> {
    const { store, catalog, storeAside, catalogAside } = await openDatabases(options.paths, options.log)
    const peer = new Peer(options, store, catalog)
    const { service } = peer
    await peer.space.start()
    if (storeAside !== undefined) service.noticeLater(new PeerfoldError('store-damaged', storeAside))
    if (catalogAside !== undefined) service.noticeLater(new PeerfoldError('catalog-damaged', catalogAside))
    await peer.restore()
    service.makeRoom().catch(error => options.log(`making room: ${String(error)}`))
    return peer
  }

  /** To be called with every error that nobody expected. */
  checkForDamage(error: unknown): void {
    this.space.note(error)
    if (isDamage(error)) this.options.onDamage(error)
  }

  async close(): Promise<void> {
    const { transfers, network, shares, folders, links, live, budget } = this.service.parts
    this.closing.abort()
    this.space.close()
    await live.close()
    for (const { id } of transfers.states) transfers.cancel(id)
    await network.close()
    await folders.settle()
    await links.settle()
    await shares.close()
    await this.compaction.settle()
    await this.store.close()
    await budget.close()
    try {
      await this.sync.sync()
      await this.catalog.put('run', '', { boot: bootId(), endedInOrder: true })
    } catch (error) {
      this.options.log(`the last writes may not be on the disk: ${String(error)}`)
    }
    await this.catalog.close()
  }

  private async restore(): Promise<void> {
    const { settings, blocked, budget, folders, links, copies, live } = this.service.parts
    const boot = bootId()
    this.lostWrites = mayHaveLostWrites(await this.catalog.get('run', ''), boot)
    await this.catalog.put('run', '', { boot, endedInOrder: false })
    await settings.load()
    await blocked.load()
    await budget.load()
    await this.bases.load()
    await folders.restore()
    const unfinished = await copies.restore()
    const following = await live.restore()
    await links.restore(id => [...unfinished, ...following].some(({ share }) => share === id))
    copies.resume(unfinished)
    live.resume(following)
  }
}
