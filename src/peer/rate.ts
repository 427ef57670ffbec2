import type { RawUdxStream } from '@hyperswarm/secret-stream'

/** Milliseconds of one bucket, and how many are looked back on. */
const BUCKET = 250
const BUCKETS = 16
const WINDOW = BUCKET * BUCKETS
/** The shortest duration of a flow, milliseconds: one message alone has none. */
const SHORTEST = 250
/** Milliseconds without a byte after which a flow is over, unless its messages came further apart than half of that. */
const SILENCE = 1_000

/**
 * Bytes a second over the last few seconds, or since the flow began if that is more recent. A flow that is over has no
 * rate.
 */
export class Rate {
  total = 0
  /** One more than are looked back on: the newest is still being filled. */
  private readonly buckets = new Float64Array(BUCKETS + 1)
  private newest = 0
  private began = 0
  private last = Number.NEGATIVE_INFINITY
  private longestPause = 0

  /** @param clock milliseconds that never go back */
  constructor(private readonly clock: () => number = () => performance.now()) {}

  add(bytes: number): void {
    if (bytes === 0) return
    const now = this.clock()
    if (this.isOver(now)) {
      this.buckets.fill(0)
      this.began = now
      this.longestPause = 0
    } else this.longestPause = Math.max(this.longestPause, now - this.last)
    this.turn(now)
    const at = this.newest % this.buckets.length
    this.buckets[at] = (this.buckets[at] ?? 0) + bytes
    this.total += bytes
    this.last = now
  }

  /** Bytes a second; 0 when nothing flows. */
  get value(): number {
    const now = this.clock()
    if (this.isOver(now)) return 0
    this.turn(now)
    let sum = 0
    for (const bytes of this.buckets) sum += bytes
    const lookedBack = WINDOW + (now % BUCKET)
    return Math.round((sum * 1_000) / Math.max(SHORTEST, Math.min(now - this.began, lookedBack)))
  }

  /** Milliseconds since the flow began; 0 when nothing flows. */
  get lasted(): number {
    const now = this.clock()
    return this.isOver(now) ? 0 : now - this.began
  }

  private isOver(now: number): boolean {
    return now - this.last > Math.max(SILENCE, Math.min(WINDOW, 2 * this.longestPause))
  }

  private turn(now: number): void {
    const bucket = Math.floor(now / BUCKET)
    const steps = Math.min(bucket - this.newest, this.buckets.length)
    for (let step = 0; step < steps; step++) this.buckets[(bucket - step) % this.buckets.length] = 0
    this.newest = bucket
  }
}

/** A stream that counts what it receives. */
export interface Counting {
  readonly rawStream: Pick<RawUdxStream, 'bytesReceived' | 'bytesRead'>
}

/** Bytes that came over a stream so far, parts of messages included (the stream itself counts whole ones only). */
export function receivedBytes({ rawStream }: Counting): number {
  return rawStream.bytesReceived ?? rawStream.bytesRead ?? 0
}
