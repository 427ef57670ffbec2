/**
 * Measures how fast a stream delivers what it owes, from bytes that arrive while something is owed. That decides
 * how much is asked for ahead. A stream that was asked for little shows only a lower bound of its speed.
 */
import type { NoiseStream, RawUdxStream } from '@hyperswarm/secret-stream'
import { type Counting, receivedBytes } from '../rate'

/** Length of the measured past (milliseconds). */
const WINDOW = 2_000
/** Shortest time for a rate (milliseconds), for the first one and for later ones. Held-up bytes come all at once. */
const SHORTEST_FIRST = 40
const SHORTEST = 300
/** How long a stream must have owed (milliseconds) before it is compared with others. */
const SURE = 600
/** Milliseconds between two samples. */
const SAMPLE_EVERY = 20
/** The longest time between two looks that counts (milliseconds). In more, this process did something else. */
const LONGEST_LOOK = 200
/** Fewer bytes may be no part of a block. */
const PART_OF_BLOCK = 1_024

const paces = new WeakMap<NoiseStream, Pace>()

export class Pace {
  /** Bytes a second while it owes; undefined until measured. */
  rate: number | undefined
  /** Whether the rate was measured long enough to judge the stream by it. */
  isSure = false
  private samples: { readonly at: number; readonly bytes: number }[] = []
  private heardBytes: number
  private lookedAt = 0
  private isOwing = false
  private tripBeside: () => number = () => 0
  /** How many questions with short answers are open. */
  private short = 0
  /**
   * Milliseconds since anything came, or since it began to owe; 0 when it owes nothing. Time in which this process
   * did not look does not count, since bytes that came then are not read yet.
   */
  silence = 0

  /** @param clock milliseconds that never go back */
  constructor(
    private readonly stream: Counting & { readonly rawStream: Pick<RawUdxStream, 'rtt'> },
    private readonly clock: () => number = () => performance.now(),
  ) {
    this.heardBytes = receivedBytes(stream)
  }

  /** The pace of a stream, for all logs that come over it. */
  static of(stream: NoiseStream): Pace {
    const known = paces.get(stream)
    if (known !== undefined) return known
    const pace = new Pace(stream)
    paces.set(stream, pace)
    return pace
  }

  /** Bytes that came so far. */
  get bytes(): number {
    return receivedBytes(this.stream)
  }

  /** Round-trip time in milliseconds; 0 where unknown. */
  get roundTrip(): number {
    return this.stream.rawStream.rtt ?? this.tripBeside()
  }

  /** Takes the round-trip time of another stream on the same way, for a stream that does not tell its own (TCP). */
  goesAs({ rawStream }: { readonly rawStream: Pick<RawUdxStream, 'rtt'> }): void {
    this.tripBeside = () => rawStream.rtt ?? 0
  }

  /**
   * Notes what came.
   * @param owes whether anything was asked for that has not come
   * @param isFull whether so much was asked for that the stream need never have paused
   */
  look(owes: boolean, isFull: boolean): void {
    const now = this.clock()
    const { bytes } = this
    if (!owes || this.short > 0) {
      this.isOwing = false
      this.silence = 0
      this.samples = []
      this.heardBytes = bytes
      return
    }
    if (this.isOwing) this.silence += Math.min(LONGEST_LOOK, now - this.lookedAt)
    this.isOwing = true
    this.lookedAt = now
    if (bytes - this.heardBytes < PART_OF_BLOCK) {
      // Time before the answer begins is not time of delivering.
      if (this.samples.length === 1) this.samples = [{ at: now, bytes }]
    } else {
      this.heardBytes = bytes
      this.silence = 0
    }
    const last = this.samples.at(-1)
    if (last !== undefined && now - last.at < SAMPLE_EVERY) return
    this.samples.push({ at: now, bytes })
    while (now - (this.samples[1]?.at ?? now) >= WINDOW) this.samples.shift()
    this.measure(now, bytes, isFull)
  }

  /**
   * Pauses measuring while a question with a short answer is open, whose bytes tell nothing about the line. → ends
   * the pause
   */
  asksShort(): () => void {
    this.short++
    let isOpen = true
    return () => {
      if (isOpen) this.short--
      isOpen = false
    }
  }

  /** Milliseconds until this many more bytes are here; undefined while unknown. */
  timeFor(bytes: number): number | undefined {
    return this.rate === undefined ? undefined : (bytes * 1_000) / Math.max(1, this.rate)
  }

  private measure(now: number, bytes: number, isFull: boolean): void {
    const first = this.samples[0]
    const shortest = this.rate === undefined ? SHORTEST_FIRST : SHORTEST
    if (first === undefined || now - first.at < shortest) return
    const rate = ((bytes - first.bytes) * 1_000) / (now - first.at)
    if (now - first.at >= SURE) this.isSure = true
    if (this.rate === undefined ? rate > 0 : isFull || rate > this.rate) this.rate = rate
  }
}
