/**
 * Requests that concern more than one part of the peer, and what clients are told unasked. It knows nothing of sockets:
 * server.ts and rpc.ts speak for it.
 */
import { realpath } from 'node:fs/promises'
import type { PeerId, ShareId } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { parseLink, shareIdOf } from '../../common/link'
import type { PeerState } from '../../common/model'
import type { Notifications, Params } from '../../common/protocol'
import { Signal } from '../../common/signal'
import type { Settings } from '../store/catalog'
import type { PeerParts } from './parts'
import { stateOf } from './state'

export class PeerService {
  /** Something in `state` changed. */
  readonly changed = new Signal<void>()
  readonly entriesChanged = new Signal<Notifications['changed']>()
  readonly notices = new Signal<Notifications['notice']>()
  private readonly earlyNotices: Notifications['notice'][] = []
  private revision = 0

  constructor(
    readonly parts: PeerParts,
    private readonly handle: {
      /** To be called with every error that nobody expected. */
      readonly checkForDamage: (error: unknown) => void
      /** See `PeerContext`. */
      readonly explain: (error: unknown) => unknown
      readonly log: (line: string) => void
    },
  ) {
    const { network, transfers, shares, budget, live } = parts
    for (const part of [network, transfers, shares, live]) part.changed.on(() => this.changed.emit())
    shares.updated.on(change => this.entriesChanged.emit(change))
    budget.passed.on(() => {
      for (const { served } of shares.followed()) served.clearSoon()
    })
    for (const short of [budget.passed, budget.wanted])
      short.on(() => {
        this.makeRoom().catch(error => handle.log(`making room: ${String(error)}`))
      })
  }

  get state(): PeerState {
    return stateOf(this.parts, ++this.revision)
  }

  get keepRunning(): boolean {
    return this.parts.settings.keepRunning
  }

  checkForDamage(error: unknown): void {
    this.handle.checkForDamage(error)
  }

  explain(error: unknown): unknown {
    return this.handle.explain(error)
  }

  /** See `copy.start`. A folder that a live copy keeps in step is written by the live copy alone. */
  async copy(what: Params<'copy.start'>): Promise<string> {
    const folder = await realpath(what.folder).catch(() => what.folder)
    if (this.parts.live.isIn(what.id, folder)) throw new PeerfoldError('live-there', what.folder)
    return this.parts.copies.start(what)
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
    if (this.parts.shares.find(id)?.publishing !== undefined) return { id, own: true }
    await this.parts.links.open(parsed.link, keep)
    await this.makeRoom()
    return { id, own: false }
  }

  async removeOpened(id: ShareId): Promise<void> {
    this.parts.copies.cancelAllOf(id)
    await this.parts.live.stopAllOf(id)
    await this.parts.links.remove(id)
  }

  async set(change: Settings): Promise<void> {
    const { settings, network, shares, budget, live } = this.parts
    const changed = await settings.set(change)
    if (changed === undefined) return
    if (changed.name) network.nameChanged()
    if (changed.directTcp) await network.tcpChanged()
    if (changed.limits) {
      for (const { following } of shares.followed()) following.limitsChanged()
      budget.limitChanged()
      network.limitsChanged()
      await live.kept.prune()
    }
    if (changed.ignore)
      for (const { publishing, replication } of shares.published()) if (replication) publishing.rescan()
    this.changed.emit()
  }

  async block(peer: PeerId): Promise<void> {
    await this.parts.blocked.add(peer)
    this.parts.network.disconnect(peer)
    this.changed.emit()
  }

  async unblock(peer: PeerId): Promise<void> {
    const { blocked, network } = this.parts
    await blocked.delete(peer)
    network.unban(peer)
    network.refresh()
    this.changed.emit()
  }

  /** Releases shares that are neither kept nor held by a client. Called when a client is gone, or a copy is over. */
  async releaseUnkept(isHeld: (id: ShareId) => boolean): Promise<void> {
    const { links, folders, copies, live, budget } = this.parts
    await live.releaseUnkept(isHeld)
    await links.releaseUnkept(id => isHeld(id) || copies.isBusy(id) || live.follows(id))
    await folders.releaseUnkept(isHeld)
    if (budget.isWaitedFor) await this.makeRoom()
  }

  /** Throws `store-limit` when nothing more may be fetched of opened shares. */
  assertRoom(): void {
    this.parts.budget.assertRoom()
  }

  /**
   * Deletes what was fetched of shares in no list while the limit of the store is passed, as far as it is not in use.
   */
  async makeRoom(): Promise<void> {
    if (this.parts.budget.shortage !== undefined) await this.parts.links.forgetUnlisted()
  }

  notice(level: Notifications['notice']['level'], message: string, share?: ShareId): void {
    this.notices.emit({ level, message, ...(share ? { share } : {}) })
  }

  /** Keeps an error for the first client: nobody is there yet. */
  noticeLater(error: PeerfoldError): void {
    this.handle.log(error.message)
    this.earlyNotices.push({ level: 'error', message: error.message })
  }

  /** What happened before any client was there to be told. */
  takeEarlyNotices(): Notifications['notice'][] {
    return this.earlyNotices.splice(0)
  }
}
