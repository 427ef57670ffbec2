/**
 * The bytes that opened shares keep in the store, and the limit for all of them together. They are counted as they
 * arrive, so that asking costs nothing. The counts are noted in the catalog every few seconds; a crash forgets what
 * came since the last note. Own shares do not count: they are as large as the user's folders.
 *
 * With the limit passed nothing more is fetched of the content of any opened share; lists of files still are (each has
 * a limit of its own), and what is here is read, copied and served as before.
 */
import type { ShareId } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { formatBytes } from '../../common/format'
import { Signal } from '../../common/signal'
import type { Catalog } from './catalog'

/** Milliseconds between notes in the catalog while something arrives. */
const NOTE_EVERY = 2_000

export class StoreBudget {
  /** The limit was passed just now. */
  readonly passed = new Signal<void>()
  /** Somebody begins to wait for room. */
  readonly wanted = new Signal<void>()
  private readonly changed = new Signal<void>()
  private readonly kept = new Map<ShareId, number>()
  private readonly unnoted = new Set<ShareId>()
  private timer: NodeJS.Timeout | undefined
  private total = 0
  private waiting = 0

  /** @param limit bytes; asked for again and again */
  constructor(
    private readonly catalog: Catalog,
    private readonly limit: () => number,
    private readonly log: (line: string) => void,
  ) {}

  /** Takes up what was noted. */
  async load(): Promise<void> {
    for await (const [id, { bytes }] of this.catalog.list('kept')) {
      this.kept.set(id as ShareId, bytes)
      this.total += bytes
    }
  }

  /** This many bytes of a share arrived. */
  add(id: ShareId, bytes: number): void {
    const wasWithin = this.isWithin
    this.kept.set(id, (this.kept.get(id) ?? 0) + bytes)
    this.total += bytes
    this.unnoted.add(id)
    this.timer ??= setTimeout(() => {
      this.note().catch(error => this.log(`bytes kept: ${String(error)}`))
    }, NOTE_EVERY).unref()
    if (!wasWithin || this.isWithin) return
    this.changed.emit()
    this.tellPassed()
  }

  /** What was fetched of a share is deleted. */
  async forget(id: ShareId): Promise<void> {
    this.total -= this.kept.get(id) ?? 0
    this.kept.delete(id)
    this.unnoted.delete(id)
    await this.catalog.delete('kept', id)
    this.changed.emit()
  }

  /** This many bytes of a share were cleared. */
  async cleared(id: ShareId, bytes: number): Promise<void> {
    const kept = this.kept.get(id) ?? 0
    const less = Math.min(kept, bytes)
    this.kept.set(id, kept - less)
    this.total -= less
    this.unnoted.add(id)
    await this.note()
    this.changed.emit()
  }

  limitChanged(): void {
    this.changed.emit()
    if (!this.isWithin) this.tellPassed()
  }

  /** What to tell whoever wants to fetch; undefined while there is room. */
  get shortage(): PeerfoldError | undefined {
    if (this.isWithin) return undefined
    const limit = this.limit()
    return new PeerfoldError('store-limit', `${formatBytes(this.total)} of ${formatBytes(limit)}`)
  }

  /** Throws `store-limit`. */
  assertRoom(): void {
    const { shortage } = this
    if (shortage !== undefined) throw shortage
  }

  /** Resolves when there is room; throws `cancelled`. */
  async room(signal: AbortSignal): Promise<void> {
    if (this.isWithin) return
    this.waiting++
    try {
      this.wanted.emit()
      while (!this.isWithin) await this.next(signal)
    } finally {
      this.waiting--
    }
  }

  /** Whether anybody waits for room. */
  get isWaitedFor(): boolean {
    return this.waiting > 0
  }

  /** Resolves when there is none; throws `cancelled`. */
  async none(signal: AbortSignal): Promise<void> {
    while (this.isWithin) await this.next(signal)
  }

  /** Resolves when the limit or what is kept was changed; throws `cancelled`. */
  async next(signal: AbortSignal): Promise<void> {
    try {
      await this.changed.next(signal)
    } catch {
      throw new PeerfoldError('cancelled')
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.timer)
    await this.note()
  }

  private get isWithin(): boolean {
    return this.total < this.limit()
  }

  private tellPassed(): void {
    this.log(`opened shares keep ${formatBytes(this.total)}: nothing more of them is fetched`)
    this.passed.emit()
  }

  private async note(): Promise<void> {
    clearTimeout(this.timer)
    this.timer = undefined
    const ids = [...this.unnoted]
    this.unnoted.clear()
    try {
      await this.catalog.write(
        ids.map(id => ({ table: 'kept', key: id, value: { bytes: this.kept.get(id) ?? 0 } })),
      )
    } catch (error) {
      for (const id of ids) if (this.kept.has(id)) this.unnoted.add(id) // with the next note
      throw error
    }
  }
}
