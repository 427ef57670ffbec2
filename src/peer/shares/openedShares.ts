/** The shares of other people on this machine: opening, finding and removing them. Each is an OpenedShare. */
import type { ShareId } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { type ShareLink, shareIdOf } from '../../common/link'
import { Signal } from '../../common/signal'
import type { VersionChange } from '../drive/version'
import { byAge, type OpenedRecord } from '../store/catalog'
import type { PeerContext } from './context'
import { OpenedShare } from './openedShare'

export class OpenedShares {
  readonly changed = new Signal<void>()
  readonly updated = new Signal<VersionChange & { readonly id: ShareId }>()
  private readonly shares = new Map<ShareId, OpenedShare>()
  private readonly opening = new Map<ShareId, Promise<OpenedShare>>()
  private readonly purging = new Map<ShareId, Promise<void>>()
  private forgetting: Promise<void> | undefined

  constructor(private readonly context: PeerContext) {}

  /** Takes up what is kept, and what `isNeeded` by unfinished work. */
  async restore(isNeeded: (id: ShareId) => boolean): Promise<void> {
    for await (const [, record] of this.context.catalog.list('opened')) {
      if (!record.keep && !isNeeded(record.id)) continue
      try {
        const share = await this.opened(record)
        if (!record.stopped) share.start()
      } catch (error) {
        this.context.checkForDamage(error)
        this.context.log(`opened share ${record.id.slice(0, 6)} cannot be opened: ${String(error)}`)
      }
    }
  }

  /** In the order in which they were opened. */
  all(): OpenedShare[] {
    return [...this.shares.values()].sort(byAge)
  }

  find(id: ShareId): OpenedShare | undefined {
    return this.shares.get(id)
  }

  get(id: ShareId): OpenedShare {
    const share = this.shares.get(id)
    if (share === undefined) throw new PeerfoldError('unknown-share')
    return share
  }

  /** Joins the share of a link; `keep`: it stays in the list after the client is gone. */
  async open(link: ShareLink, keep: boolean): Promise<OpenedShare> {
    const id = shareIdOf(link.key)
    const share = await this.opened({
      id,
      key: link.key,
      name: link.name ?? 'Shared folder',
      isFile: link.isFile,
      keep,
      stopped: false,
      ...(link.encryptionKey === undefined ? {} : { encryptionKey: link.encryptionKey }),
    })
    // A command looks into a share that the user stopped without starting it for good.
    if (keep && (!share.record.keep || share.record.stopped)) await share.save({ keep, stopped: false })
    share.start()
    return share
  }

  async remove(id: ShareId): Promise<void> {
    const share = this.get(id)
    this.shares.delete(id)
    this.changed.emit()
    const purging = share.purge().finally(() => this.purging.delete(id))
    this.purging.set(id, purging)
    await purging
  }

  /** Closes what is neither kept nor needed; what is here of it stays in the store. */
  async releaseUnkept(isNeeded: (id: ShareId) => boolean): Promise<void> {
    for (const share of this.all()) {
      if (isNeeded(share.id)) continue
      if (share.record.keep) {
        if (share.record.stopped) share.leave()
        continue
      }
      this.shares.delete(share.id)
      await share.close()
    }
    this.changed.emit()
  }

  /** Deletes what was fetched of shares that stand in no list: commands opened them, and ended. One at a time. */
  forgetUnlisted(): Promise<void> {
    this.forgetting ??= this.forgetNow().finally(() => {
      this.forgetting = undefined
    })
    return this.forgetting
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.opening.values())
    await Promise.allSettled(this.all().map(share => share.close()))
  }

  private async forgetNow(): Promise<void> {
    for await (const [id, record] of this.context.catalog.list('opened')) {
      if (record.keep || this.shares.has(record.id) || this.opening.has(record.id)) continue
      try {
        const share = await this.opened(record)
        if (share.record.keep || share.replication !== undefined) continue // somebody opened it meanwhile
        await this.remove(share.id)
        this.context.log(`what was fetched of ${id.slice(0, 6)} is deleted: it is in no list any more`)
      } catch (error) {
        this.context.checkForDamage(error)
        this.context.log(`what was fetched of ${id.slice(0, 6)} cannot be deleted: ${String(error)}`)
      }
    }
  }

  private async opened(record: OpenedRecord): Promise<OpenedShare> {
    const pending = this.opening.get(record.id)
    if (pending !== undefined) {
      await pending.catch(() => {}) // whoever asked for that one is told
      return this.opened(record)
    }
    await this.purging.get(record.id)?.catch(() => {}) // whoever removed it is told
    const open = this.shares.get(record.id)
    // Another key is tried only where the one that is here does not decrypt it.
    const hasKey =
      record.encryptionKey === undefined ||
      record.encryptionKey === open?.record.encryptionKey ||
      open?.isReadable === true
    if (open !== undefined && hasKey) return open
    const opening = this.openNow(record).finally(() => this.opening.delete(record.id))
    this.opening.set(record.id, opening)
    return opening
  }

  private async openNow(wanted: OpenedRecord): Promise<OpenedShare> {
    // It was opened by a key that does not decrypt it, and now its whole link is here.
    await this.shares.get(wanted.id)?.close()
    const { catalog } = this.context
    const known = await catalog.get('opened', wanted.id)
    const encryptionKey = wanted.encryptionKey ?? known?.encryptionKey
    const record = {
      ...wanted,
      keep: wanted.keep || known?.keep === true,
      since: known?.since ?? Date.now(),
      ...(encryptionKey === undefined ? {} : { encryptionKey }),
    }
    await catalog.put('opened', record.id, record)
    const share = await OpenedShare.open(record, this.context)
    this.shares.set(share.id, share)
    share.changed.on(() => this.changed.emit())
    share.updated.on(change => this.updated.emit({ id: share.id, ...change }))
    this.changed.emit()
    return share
  }
}
