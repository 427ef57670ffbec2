/**
 * Two ends of a line on which time is counted in trips: `trip()` delivers all that both ends have written, at once. How
 * many trips something takes is the same on any machine, however busy.
 */
import { Duplex } from 'node:stream'
import { delay } from '../../src/peer/time'

/** Milliseconds without a write after which both ends count as waiting. */
const QUIET = 150

export class LineInTrips {
  trips = 0
  readonly ends: readonly [End, End]
  private wroteAt = performance.now()

  /** @param pause milliseconds that each trip takes at least */
  constructor(private readonly pause = 0) {
    const wrote = () => {
      this.wroteAt = performance.now()
    }
    this.ends = [new End(wrote, 2 * pause), new End(wrote, 2 * pause)]
  }

  /** Waits until neither end writes any more, and delivers what they have written. */
  async trip(): Promise<void> {
    await this.settle()
    const [first, second] = this.ends
    const parts = [first.taken(), second.taken()] as const
    if (parts.every(part => part.length === 0)) return
    if (this.pause > 0) await delay(this.pause, new AbortController().signal)
    this.trips++
    second.receive(parts[0])
    first.receive(parts[1])
  }

  /** Makes trips until `done` is. @returns how many it took */
  async until(done: Promise<unknown>): Promise<number> {
    const before = this.trips
    let isDone = false
    const seen = done.finally(() => {
      isDone = true
    })
    seen.catch(() => {}) // rejects again below
    for (;;) {
      await this.settle()
      if (isDone) break
      await this.trip()
    }
    await seen
    return this.trips - before
  }

  private async settle(): Promise<void> {
    this.wroteAt = performance.now()
    for (let quiet = 0; quiet < QUIET; quiet = performance.now() - this.wroteAt)
      await delay(QUIET - quiet + 1, new AbortController().signal)
  }
}

/** Looks like a UDX stream to what goes over it. */
class End extends Duplex {
  readonly remoteHost = '192.0.2.1'
  readonly remotePort = 1
  private parts: Buffer[] = []

  /** @param rtt milliseconds of a round trip, as a UDX stream tells it */
  constructor(
    private readonly wrote: () => void,
    readonly rtt: number,
  ) {
    super()
  }

  taken(): Buffer[] {
    return this.parts.splice(0)
  }

  receive(parts: readonly Buffer[]): void {
    for (const part of parts) this.push(part)
  }

  override _read(): void {}

  override _write(part: Buffer, _encoding: string, done: () => void): void {
    this.parts.push(part)
    this.wrote()
    done()
  }
}
