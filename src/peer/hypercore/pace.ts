/**
 * How fast a stream delivers what it owes, measured from what arrives while something is owed: so much is asked for
 * ahead. A stream that was asked for little tells only that it is at least that fast.
 */
import type { NoiseStream, RawUdxStream } from '@hyperswarm/secret-stream'
import { type Counting, receivedBytes } from '../rate'

/** Milliseconds that are looked back on. */
const WINDOW = 2_000
/** Milliseconds that a rate needs: at first, and later, since what was held up comes all at once. */
const SHORTEST_FIRST = 40
const SHORTEST = 300
/** Milliseconds that it must have owed for others to be compared with it. */
const SURE = 600
/** Milliseconds between two samples. */
const SAMPLE_EVERY = 20
/** Milliseconds between two looks; what is more was time in which this process did something else. */
const LONGEST_LOOK = 200
/** Fewer bytes may be no part of a block. */
const PART_OF_BLOCK = 1_024

const paces = new WeakMap<NoiseStream, Pace>()

export class Pace {
  /** Bytes a second while it owes; undefined until it was measured. */
  rate: number | undefined
  /** Whether that was measured long enough to blame it for. */
  isSure = false
  private samples: { readonly at: number; readonly bytes: number }[] = []
  private heardBytes: number
  private lookedAt = 0
  private isOwing = false
  private tripBeside: () => number = () => 0
  /** Questions that are open and have short answers. */
  private short = 0
  /**
   * Milliseconds since anything came, or since it began to owe; 0 when it owes nothing. Time in which this process did
   * not look does not count: what came then is not read yet.
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

  /** That came so far. */
  get bytes(): number {
    return receivedBytes(this.stream)
  }

  /** Milliseconds there and back; 0 where it is not known. */
  get roundTrip(): number {
    return this.stream.rawStream.rtt ?? this.tripBeside()
  }

  /** A stream that does not tell (TCP) goes the same way as this one. */
  goesAs({ rawStream }: { readonly rawStream: Pick<RawUdxStream, 'rtt'> }): void {
    this.tripBeside = () => rawStream.rtt ?? 0
  }

  /**
   * Takes note of what came.
   * @param owes whether anything was asked for that has not come
   * @param isFull whether so much was asked for that it need never have paused
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
      // What came before the answer begins is no time of delivering.
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

  /** Something with a short answer is asked: until it is here, what comes tells nothing of the line. → to be called then */
  asksShort(): () => void {
    this.short++
    let isOpen = true
    return () => {
      if (isOpen) this.short--
      isOpen = false
    }
  }

  /** Milliseconds until this many bytes more are here; undefined as long as nothing is known. */
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
