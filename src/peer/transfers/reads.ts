/**
 * Files that are fetched to be shown. One that takes longer than a moment is listed among the transfers until it is
 * here. A window asks for a large file part by part, so a read lasts from one request to the next. The outcome shows
 * where the file was opened, so an ended read leaves the list.
 */
import type { ShareId } from '../../common/brand'
import type { Transfer } from '../transfer'
import type { Transfers } from './transfers'

/** Milliseconds before a read is listed. */
const SHOWN_AFTER = 700
/** Milliseconds to wait for the next request: a window that is gone sends none. */
const NEXT_WITHIN = 10_000

export interface ReadFile {
  readonly share: ShareId
  /** Of the file, as the share has it. */
  readonly name: string
  /** Bytes. */
  readonly size: number
}

/** What one request does. `came`: this many more bytes of the file are read. */
type Work<T> = (signal: AbortSignal, came: (bytes: number) => void) => Promise<T>

export class Reads {
  private readonly all = new Map<string, Read>()

  constructor(private readonly transfers: Transfers) {}

  /** @param job as in the protocol; undefined: it is not shown */
  async during<T>(job: string | undefined, file: ReadFile, signal: AbortSignal, work: Work<T>): Promise<T> {
    if (job === undefined) return work(signal, () => {})
    const read = this.all.get(job) ?? new Read(job, file, this.transfers, () => this.all.delete(job))
    this.all.set(job, read)
    return read.during(signal, work)
  }
}

class Read {
  private readonly cancelled = new AbortController()
  private readonly showing: NodeJS.Timeout
  private ending: NodeJS.Timeout | undefined
  private transfer: Transfer | undefined
  private done = 0
  /** Requests under way. */
  private requests = 0

  constructor(
    private readonly job: string,
    private readonly file: ReadFile,
    private readonly transfers: Transfers,
    private readonly onEnd: () => void,
  ) {
    this.showing = setTimeout(() => this.show(), SHOWN_AFTER)
  }

  async during<T>(signal: AbortSignal, work: Work<T>): Promise<T> {
    clearTimeout(this.ending)
    this.requests++
    let isOver = true
    try {
      const result = await work(AbortSignal.any([signal, this.cancelled.signal]), bytes => this.came(bytes))
      isOver = this.done >= this.file.size
      return result
    } finally {
      this.requests--
      if (this.requests === 0 && isOver) this.end()
      else if (this.requests === 0) this.ending = setTimeout(() => this.end(), NEXT_WITHIN)
    }
  }

  private came(bytes: number): void {
    const counted = Math.min(bytes, this.file.size - this.done)
    this.done += counted
    this.transfer?.progress(0, counted)
  }

  private show(): void {
    const { share, name, size } = this.file
    const transfer = this.transfers.add(this.job, 'read', name)
    transfer.share = share
    transfer.files = { done: 0, total: 1 }
    transfer.bytes = { done: this.done, total: size }
    transfer.abort.signal.addEventListener('abort', () => this.cancelled.abort(), { once: true })
    this.transfer = transfer
  }

  private end(): void {
    clearTimeout(this.showing)
    clearTimeout(this.ending)
    this.onEnd()
    if (this.transfer !== undefined) this.transfers.remove(this.job)
  }
}
