import type { NoiseStream } from '@hyperswarm/secret-stream'

/** Bytes a second over the last few seconds: a ring of one-second buckets. */
const WINDOW_SECONDS = 4

export class Rate {
  private readonly buckets = new Float64Array(WINDOW_SECONDS + 1)
  private second = 0
  total = 0

  add(bytes: number): void {
    this.turn()
    const at = this.second % this.buckets.length
    this.buckets[at] = (this.buckets[at] ?? 0) + bytes
    this.total += bytes
  }

  /** Bytes a second; 0 once nothing moved for the length of the window. */
  get value(): number {
    this.turn()
    let sum = 0
    for (const bytes of this.buckets) sum += bytes
    return Math.round(sum / WINDOW_SECONDS)
  }

  private turn(): void {
    const now = Math.floor(performance.now() / 1_000)
    const steps = Math.min(now - this.second, this.buckets.length)
    for (let i = 1; i <= steps; i++) this.buckets[(now - steps + i) % this.buckets.length] = 0
    this.second = now
  }
}

/** Bytes that came over a stream so far, parts of messages included (the stream itself counts whole ones only). */
export function receivedBytes({ rawStream }: NoiseStream): number {
  return rawStream.bytesReceived ?? rawStream.bytesRead ?? 0
}
