/** What the catalog keeps of a share that is published here. */
import type { ShareRecord } from '../store/catalog'
import type { ServedShare } from './servedShare'

export class PublishedRecord {
  constructor(
    private readonly share: ServedShare,
    private record: ShareRecord,
  ) {}

  get now(): ShareRecord {
    return this.record
  }

  /** Resolves when the change is in the catalog. Whoever reads the record sees it at once. */
  async save(change: Partial<ShareRecord>): Promise<void> {
    if (this.share.signal.aborted) return // removed, or the process ends
    this.record = { ...this.record, ...change }
    await this.share.context.catalog.put('share', this.record.seed, this.record)
  }

  /** Notes that the share is being removed, so that the next start continues if this is cut off. */
  async purging(): Promise<void> {
    await this.share.context.catalog.put('share', this.record.seed, { ...this.record, removed: true })
  }

  /** Forgets it and all that was noted of its files. The key is never used again. */
  async purged(): Promise<void> {
    const { catalog } = this.share.context
    const { seed } = this.record
    await catalog.deleteAll('published', `${seed}/`)
    await catalog.delete('indexed', seed)
    await catalog.delete('share', seed)
  }
}
