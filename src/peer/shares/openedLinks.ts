/** Links to shares of other people: opening them, taking them up again, and removing them. */
import type { ShareId } from '../../common/brand'
import { type ShareLink, shareIdOf } from '../../common/link'
import type { OpenedRecord } from '../store/catalog'
import type { PeerContext } from './context'
import { type FollowedShare, Share } from './share'
import type { Shares } from './shares'

export class OpenedLinks {
  private readonly opening = new Map<ShareId, Promise<FollowedShare>>()
  private readonly purging = new Map<ShareId, Promise<void>>()
  private forgetting: Promise<void> | undefined
  private forgetAgain = false

  constructor(
    private readonly context: PeerContext,
    private readonly shares: Shares,
  ) {}

  /** Opens the shares again that are kept, and those that unfinished work needs. */
  async restore(isNeeded: (id: ShareId) => boolean): Promise<void> {
    for await (const [, record] of this.context.catalog.list('opened')) {
      if (!record.keep && !isNeeded(record.id)) continue
      try {
        const { following } = await this.opened(record)
        if (!record.stopped) following.start()
      } catch (error) {
        this.context.checkForDamage(error)
        this.context.log(`opened share ${record.id.slice(0, 6)} cannot be opened: ${String(error)}`)
      }
    }
  }

  /** Joins the share of a link; `keep`: it stays in the list after the client is gone. */
  async open(link: ShareLink, keep: boolean): Promise<FollowedShare> {
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
    const { following } = share
    if (keep && (!following.record.keep || following.record.stopped))
      await following.save({ keep, stopped: false })
    following.start()
    return share
  }

  async remove(id: ShareId): Promise<void> {
    const share = this.shares.get(id)
    this.shares.remove(id)
    const purging = share.purge().finally(() => this.purging.delete(id))
    this.purging.set(id, purging)
    await purging
  }

  /** Closes what is neither kept nor needed; what is here of it stays in the store. */
  async releaseUnkept(isNeeded: (id: ShareId) => boolean): Promise<void> {
    for (const share of this.shares.followed()) {
      if (isNeeded(share.id)) continue
      const { keep, stopped } = share.following.record
      if (keep && stopped) share.served.leave()
      if (keep) continue
      this.shares.remove(share.id)
      await share.close()
    }
  }

  /** Deletes what was fetched of shares that stand in no list: commands opened them, and ended. One at a time. */
  forgetUnlisted(): Promise<void> {
    this.forgetAgain = true // what was released since the last look began was passed over by it
    this.forgetting ??= this.forgetWhileAsked().finally(() => {
      this.forgetting = undefined
      if (this.forgetAgain) return this.forgetUnlisted() // asked for just after the last look
    })
    return this.forgetting
  }

  /** Resolves when none is being opened or deleted. */
  async settle(): Promise<void> {
    await this.forgetting?.catch(() => {}) // whoever asked for it is told
    await Promise.allSettled([...this.opening.values(), ...this.purging.values()])
  }

  private async forgetWhileAsked(): Promise<void> {
    while (this.forgetAgain) {
      this.forgetAgain = false
      await this.forgetNow()
    }
  }

  private async forgetNow(): Promise<void> {
    const { closing } = this.context
    if (closing.aborted) return
    for await (const [id, record] of this.context.catalog.list('opened')) {
      if (closing.aborted) return // it is in no list at the next start either
      if (record.keep || this.shares.has(record.id) || this.opening.has(record.id)) continue
      try {
        const share = await this.opened(record)
        if (share.following.record.keep || share.replication !== undefined) continue // somebody opened it meanwhile
        await this.remove(share.id)
        this.context.log(`what was fetched of ${id.slice(0, 6)} is deleted: it is in no list any more`)
      } catch (error) {
        this.context.checkForDamage(error)
        this.context.log(`what was fetched of ${id.slice(0, 6)} cannot be deleted: ${String(error)}`)
      }
    }
  }

  private async opened(record: OpenedRecord): Promise<FollowedShare> {
    const pending: Promise<unknown> | undefined = this.opening.get(record.id) ?? this.purging.get(record.id)
    if (pending !== undefined) {
      await pending.catch(() => {}) // whoever asked for that is told
      return this.opened(record)
    }
    const open = this.shares.followed().find(({ id }) => id === record.id)
    // Another key is tried only where the one that is here does not decrypt it.
    const hasKey =
      record.encryptionKey === undefined ||
      record.encryptionKey === open?.following.record.encryptionKey ||
      open?.following.isReadable === true
    if (open !== undefined && hasKey) return open
    const opening = this.openNow(record).finally(() => this.opening.delete(record.id))
    this.opening.set(record.id, opening)
    return opening
  }

  private async openNow(wanted: OpenedRecord): Promise<FollowedShare> {
    // A share that was opened by a key that does not decrypt it is opened again with that of its whole link.
    await this.shares.find(wanted.id)?.close()
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
    return this.shares.add(await Share.followed(record, this.context))
  }
}
