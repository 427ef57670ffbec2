/**
 * The newest version of an own share and what is noted of its files. The path log is the truth: the notes are saved in
 * the catalog after a version is whole, and made from the path log again when that was cut off.
 */
import type { DrivePath } from '../../../common/brand'
import { endOf } from '../../drive/format/listing'
import type { ShareDrive } from '../../drive/shareDrive'
import type { Version } from '../../drive/version'
import type { BlockRuns } from '../../hypercore/blockRuns'
import type { Catalog, PublishedFile } from '../../store/catalog'
import { delay } from '../../time'
import type { OwnLogs } from './ownLogs'
import { Published } from './published'

/** With more files to note than this, saving waits so long (milliseconds): readers that get the link go first. */
const INDEX_AT_ONCE = 1_000
const INDEX_AFTER = 3_000

export class NewestPublished {
  private published: Published | undefined
  /** The version that `published` describes: the newest that was read or appended here. */
  private newest: Version | undefined
  private saving: Promise<void> = Promise.resolve()
  /** Aborted when somebody waits for the notes to be saved: they are saved at once. */
  private saveNow = new AbortController()

  /** @param onLost the notes could not be saved, which harms nothing but says something about the disk */
  constructor(
    private readonly share: ShareDrive,
    private readonly catalog: Catalog,
    private readonly seed: () => string,
    private readonly logs: OwnLogs,
    private readonly onLost: (error: unknown) => void,
  ) {}

  /** The newest version that was appended here, or read to append to it. */
  get version(): Version | undefined {
    return this.newest
  }

  /**
   * What is noted of the newest version, read from the catalog or the path log where it is not known yet.
   * Throws `log-behind` when less of the logs is here than the notes say.
   */
  async load(signal: AbortSignal): Promise<Published> {
    const { length } = this.share.paths
    if (this.published !== undefined && this.isAt(length)) return this.published
    await this.settle()
    const published = await Published.load(this.catalog, this.seed())
    if (length > 0) await this.share.refresh(signal)
    const version = length === 0 ? undefined : this.share.version
    if (length > 0) {
      // The path log is the truth; the index lags behind it after an unclean end, or when peers gave it back its end.
      if (!(await published.describes(length))) {
        await published.adopt(version?.index.entries() ?? [], length)
      }
      const bytes = await this.share.bytesReady(signal)
      const listing = version?.listing
      const isListingFirst = version?.isListingFirst === true
      const listed = listing === undefined ? 0 : endOf(listing.chunks).blockOffset
      this.logs.assertBytes(isListingFirst ? listed : Math.max(published.bytesLength, listed))
      // What is left for later is made of what is here. Without that, everything is published again.
      if (!isListingFirst) published.doubtMissing(bytes)
      else if (!published.areSmallHere(bytes)) published.forgetAll()
    }
    this.logs.assertLength(length)
    this.published = published
    this.newest = version
    return published
  }

  /** What is published, once it is saved. Nothing may change before; afterwards only changes need to be saved. */
  async saved(signal: AbortSignal): Promise<Published> {
    await this.settle()
    return this.load(signal) // the same, unless it could not be kept
  }

  /** A version was appended. @param changed paths whose notes are to be saved */
  appended(version: Version, published: Published, changed: readonly DrivePath[]): void {
    this.newest = version
    this.saving = this.save(published, changed)
  }

  /** Saves how files look now, after whatever is being saved already. */
  saveAfter(published: Published, paths: readonly DrivePath[]): void {
    if (paths.length === 0) return
    const { saving } = this
    this.saving = saving.then(() => this.save(published, paths))
  }

  /** These notes tell more than the path log has: they are read again. */
  forget(published: Published): void {
    if (this.published === published) this.published = undefined
  }

  /** Resolves when the notes are saved that a publish left to be saved after it. */
  async settle(): Promise<void> {
    this.saveNow.abort()
    await this.saving
    this.saveNow = new AbortController()
  }

  /** All files of the newest version, with packs that no listing names yet. Undefined while they are not known. */
  files(): Iterable<PublishedFile> | undefined {
    return this.isAt(this.share.paths.length) ? this.published?.values() : undefined
  }

  /** All blocks beyond these are about to be cleared. Not while a publish is under way. */
  keepContent(used: BlockRuns): void {
    this.published?.keepContent(used)
  }

  /**
   * Not waited for: the version is whole without it. If it fails or is cut off, the next publish makes the notes from
   * the path log.
   */
  private async save(published: Published, changed: readonly DrivePath[]): Promise<void> {
    const version = this.newest?.length ?? 0
    try {
      if (changed.length > INDEX_AT_ONCE) await delay(INDEX_AFTER, this.saveNow.signal).catch(() => {}) // waited for
      await published.save(changed, version)
    } catch (error) {
      this.published = undefined
      this.onLost(error)
    }
  }

  /** Whether what is known here describes the path log of this length. */
  private isAt(length: number): boolean {
    return (this.newest?.length ?? 0) === length
  }
}
