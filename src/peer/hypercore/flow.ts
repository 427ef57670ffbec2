/**
 * What one peer is given, over whatever streams and of whatever logs: what waits for its turn, what is on its way to it,
 * and how fast it takes that.
 */

/** A peer, over whatever streams. */
export interface Taker {
  /** Bytes that were written to it and have not arrived, as far as is known. */
  readonly unsent: number
  readonly isGone: boolean
  /** Says to it that others are given the same, and how many of its requests wait for their turn. */
  tellCrowd(waiting: number): void
}

/** A block that a peer asked for. */
export interface Wanted {
  /** About. */
  readonly bytes: number
  /** Makes the answer; done when it is written. Does not reject. */
  readonly give: () => Promise<void>
  /** Less comes first. */
  readonly urgency: () => number
  /** Whether it would be answered now, and not wait behind others. */
  readonly canGive: () => boolean
}

/** What a peer takes in this many milliseconds may be on its way to it while it is given more; at least this many bytes. */
const ON_ITS_WAY = 400
const LEAST_ON_ITS_WAY = 256 * 1024
/** Milliseconds over which rates are measured, about. */
const MEASURED = 1_000
/** Milliseconds between two looks; after more nobody knows when what arrived arrived. */
const LONGEST_LOOK = 250
/** Milliseconds for which a peer that cannot take more is not waited for, at first and at most. */
const EXCUSED = 2_000
const LONGEST_EXCUSED = 32_000

/** Bytes a second over the last while, of the time in which any were on their way. */
export class Meter {
  private bytes = 0
  private time = 0

  /** @param ms how long they took */
  add(bytes: number, ms: number): void {
    const kept = Math.exp(-ms / MEASURED)
    this.bytes = this.bytes * kept + bytes
    this.time = this.time * kept + ms
  }

  /** Undefined as long as nothing was measured. */
  get rate(): number | undefined {
    return this.time === 0 ? undefined : (this.bytes * 1_000) / this.time
  }
}

export class Flow {
  readonly waiting: Wanted[] = []
  /** Bytes of answers that are being made, about. */
  making = 0
  /** Bytes it was given, or has no claim to any more. */
  given = 0
  /** Milliseconds of the clock: when it began to wait, and when it was given something last. */
  askedSince = Number.NEGATIVE_INFINITY
  gaveAt = Number.NEGATIVE_INFINITY
  /** It is not waited for until then. */
  excusedUntil = Number.NEGATIVE_INFINITY
  private excuseFor = EXCUSED
  private readonly meter = new Meter()
  /** Bytes of all answers so far, and how many of them had arrived at the last look. */
  private made = 0
  private arrived = 0
  private lookedAt = Number.NEGATIVE_INFINITY
  private wasBusy = false

  constructor(readonly taker: Taker) {}

  /** Bytes a second; undefined as long as nothing arrived. */
  get rate(): number | undefined {
    return this.meter.rate
  }

  /** Whether it is waiting for anything, or being given something. */
  get isAsking(): boolean {
    return this.waiting.length > 0 || this.onItsWay >= LEAST_ON_ITS_WAY
  }

  /** Bytes that are on their way to it or about to be. */
  get onItsWay(): number {
    return this.taker.unsent + this.making
  }

  /** Whether it may be given another block before the last one is there. */
  get hasRoom(): boolean {
    const most = Math.max(LEAST_ON_ITS_WAY, ((this.rate ?? 0) * ON_ITS_WAY) / 1_000)
    return this.onItsWay < most && this.first !== undefined
  }

  /** Bytes it has had, with those that are being made. */
  get share(): number {
    return this.given + this.making
  }

  /** What it is to be given next. */
  get first(): Wanted | undefined {
    let first: Wanted | undefined
    let least = Number.POSITIVE_INFINITY
    for (const wanted of this.waiting) {
      if (!wanted.canGive()) continue
      const urgency = wanted.urgency()
      if (urgency >= least) continue
      first = wanted
      least = urgency
    }
    return first
  }

  takeBack(wanted: Wanted): void {
    const at = this.waiting.indexOf(wanted)
    if (at >= 0) this.waiting.splice(at, 1)
  }

  gave(bytes: number): void {
    this.given += bytes
    this.made += bytes
  }

  /** It is not waited for for a while, and has no claim to what others had meanwhile. */
  excuse(now: number, given: number): void {
    this.excusedUntil = now + this.excuseFor
    this.excuseFor = Math.min(LONGEST_EXCUSED, 2 * this.excuseFor)
    this.given = Math.max(this.given, given)
  }

  /** Takes note of what arrived. @returns how many bytes, and of how many milliseconds in which it was owed some */
  look(now: number): { readonly bytes: number; readonly ms: number } {
    const arrived = Math.max(this.arrived, this.made - this.taker.unsent)
    const bytes = arrived - this.arrived
    const ms = this.wasBusy && now - this.lookedAt <= LONGEST_LOOK ? now - this.lookedAt : 0
    if (ms > 0) this.meter.add(bytes, ms)
    this.arrived = arrived
    this.lookedAt = now
    this.wasBusy = this.taker.unsent > 0
    return { bytes, ms }
  }
}
