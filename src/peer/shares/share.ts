/**
 * A share on this machine: its logs, served to and fetched from peers, and what is done with them here. It can be
 * published, followed, or both. Whoever does not care which asks the share itself.
 */
import type { ShareId } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import type { VersionKeeping } from '../../common/keptVersions'
import { formatLink, type ShareLink } from '../../common/link'
import type { FileEntry, Rates } from '../../common/model'
import { type FolderPart, listFolder } from '../drive/listFolder'
import { ShareDrive } from '../drive/shareDrive'
import type { OpenedRecord, ShareRecord } from '../store/catalog'
import type { PeerContext } from './context'
import { Following } from './following'
import type { Known } from './newestKnown'
import { Publishing } from './publishing'
import type { ShareReplication } from './replication'
import { ServedShare } from './servedShare'

/** What the catalog keeps of a share, whatever is done with it. */
type AnyRecord = Pick<ShareRecord & OpenedRecord, 'name' | 'isFile' | 'keep' | 'stopped'> &
  Pick<ShareRecord, 'since' | 'encryptionKey'>

export type PublishedShare = Share & { readonly publishing: Publishing }
export type FollowedShare = Share & { readonly following: Following }

export class Share {
  readonly publishing: Publishing | undefined
  readonly following: Following | undefined

  private constructor(readonly served: ServedShare) {}

  /** A folder or file of this machine. */
  static async published(record: ShareRecord, context: PeerContext): Promise<PublishedShare> {
    const drive = await ShareDrive.create(context.store, record.seed, record.encryptionKey)
    if (drive.paths.length > 0) await drive.bytesReady(context.closing)
    const share = new Share(new ServedShare(drive, context))
    return Object.assign(share, { publishing: await Publishing.on(share.served, record) })
  }

  /** What somebody else publishes. */
  static async followed(record: OpenedRecord, context: PeerContext): Promise<FollowedShare> {
    const drive = await ShareDrive.open(context.store, record.key, record.encryptionKey, context.limits)
    const share = new Share(new ServedShare(drive, context))
    return Object.assign(share, { following: new Following(share.served, record) })
  }

  get id(): ShareId {
    return this.served.id
  }

  get drive(): ShareDrive {
    return this.served.drive
  }

  get record(): AnyRecord {
    const record = this.publishing?.record ?? this.following?.record
    if (record === undefined) throw new PeerfoldError('unknown-share')
    return record
  }

  get name(): string {
    return this.following?.name ?? this.record.name
  }

  /** Throws `log-lost`. */
  get link(): string {
    this.publishing?.assertNotLost()
    const { isFile, encryptionKey } = this.record
    const { name, drive } = this
    const link: ShareLink = {
      key: drive.key,
      name,
      isFile,
      ...(encryptionKey === undefined ? {} : { encryptionKey }),
    }
    return formatLink(link)
  }

  get replication(): ShareReplication | undefined {
    return this.served.replication
  }

  get rates(): Rates {
    return this.served.rates
  }

  /** Bytes of content that came so far. */
  get fetched(): number {
    return this.replication?.down.total ?? 0
  }

  /** See `NewestKnown`. A share that is published here knows its newest version. */
  async freshen(signal: AbortSignal): Promise<Known> {
    if (this.following !== undefined) return this.following.newest.freshen(signal)
    return { version: this.drive.version?.length ?? 0, stale: false, silent: [] }
  }

  /**
   * A part of a folder. Where others publish the share, it is waited for: see `NewestKnown`.
   * @param wait undefined: answers at once with what is here
   */
  async list(
    part: FolderPart,
    wait: { readonly timeout: number; readonly soFar?: boolean } | undefined,
    signal: AbortSignal,
  ): Promise<readonly FileEntry[]> {
    if (wait !== undefined && this.following !== undefined)
      return this.following.newest.list(part, wait, signal)
    if (this.drive.version === undefined) throw new PeerfoldError('not-listed')
    return listFolder(this.drive.version.index, part)
  }

  /** Resolves when its files are known. @param onWait called when they have to come from peers, who may not be there */
  async listed(signal: AbortSignal, onWait: () => void): Promise<void> {
    if (this.following === undefined) {
      await this.drive.refresh(signal)
      if (this.drive.version === undefined) throw new PeerfoldError('offline', '/')
    }
    while (this.drive.version === undefined) {
      onWait()
      await this.served.changed.next(signal).catch(() => {
        if (signal.aborted) throw new PeerfoldError('cancelled')
      })
    }
  }

  /** This many bytes of its content were found on this machine, and are in the store. */
  found(bytes: number): void {
    this.following?.found(bytes)
  }

  /** To be called when much of it was fetched. */
  async fetchedMuch(): Promise<void> {
    await this.following?.countBytesHere()
  }

  /** Which former versions are kept here. */
  get keeping(): VersionKeeping {
    const part = this.publishing ?? this.following
    return part?.keeping ?? this.served.context.keeping
  }

  async setKeeping(keeping: VersionKeeping): Promise<void> {
    await (this.publishing ?? this.following)?.setKeeping(keeping)
    this.served.changed.emit()
  }

  close(): Promise<void> {
    return this.served.close()
  }

  purge(): Promise<void> {
    return this.served.purge()
  }
}
