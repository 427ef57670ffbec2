/** What the user chooses about a share of this machine: each choice is kept with it, and takes effect. */
import type { DrivePath } from '../../common/brand'
import { keepingOf, type VersionKeeping } from '../../common/keptVersions'
import type { HeldFiles } from '../../common/model'
import { type ShareRecord, storesAll } from '../store/catalog'
import type { Appending } from './appending'
import type { FollowedFolder } from './followedFolder'
import { afterChoice } from './heldChoices'
import type { PublishedRecord } from './publishedRecord'
import type { ServedShare } from './servedShare'

export class PublishChoices {
  constructor(
    private readonly share: ServedShare,
    private readonly kept: PublishedRecord,
    private readonly versions: Appending,
    private readonly folder: FollowedFolder,
  ) {}

  /** Keeps the share in the list. */
  async keep(): Promise<void> {
    if (!this.record.keep) await this.kept.save({ keep: true })
  }

  /** Sets the paths that the user let in by name. */
  async setAllow(allow: readonly DrivePath[]): Promise<void> {
    await this.kept.save({ allow })
  }

  /** Follows the folder from now on, or no longer. */
  async setOnce(once: boolean): Promise<void> {
    if (this.record.once === once) return
    await this.kept.save({ once })
    if (once) {
      await this.folder.stopWatching()
      await this.storeAllIfMeant()
    } else if (this.isServed) this.folder.startWatching()
  }

  get keeping(): VersionKeeping {
    return keepingOf(this.record.versions, this.share.context.keeping)
  }

  /** From now on these former versions are kept. */
  async setKeeping(versions: VersionKeeping): Promise<void> {
    const stored = storesAll(this.record)
    await this.kept.save({ versions })
    this.share.clearSoon()
    await this.storeAllIfMeant()
    const isGivenBack = stored && !storesAll(this.record)
    if (isGivenBack && this.isServed) this.folder.rescan() // the publish gives the bytes back at its end
  }

  /**
   * Puts all bytes into the store if the record says so. A share that is not followed stays as it was published,
   * whatever becomes of the folder. Former versions of large files stay if the user chose that.
   */
  async storeAllIfMeant(): Promise<void> {
    if (storesAll(this.record) && this.record.inPlace !== undefined) await this.versions.storeAll()
  }

  /** See `share.settle`. */
  async decideHeld(kind: HeldFiles['kind'], keep: boolean): Promise<void> {
    const change = afterChoice(kind, keep, this.record, this.folder.last)
    if (kind !== 'update' && !keep) this.versions.releaseRemoval()
    if (change !== undefined) await this.kept.save(change)
    this.folder.rescan()
    await this.folder.whenPublished()
  }

  /** Notes that the user was told what newer rules hide. */
  async noteTold(): Promise<void> {
    const { hidden } = this.record
    if (hidden === undefined || hidden.toldAt !== undefined) return
    await this.kept.save({ hidden: { ...hidden, toldAt: Date.now() } })
    this.folder.rescan()
  }

  private get record(): ShareRecord {
    return this.kept.now
  }

  private get isServed(): boolean {
    return this.share.replication !== undefined
  }
}
