/**
 * What one peer is given, over all streams and of all logs: the blocks that wait for their turn, the bytes on their
 * way to it, and how fast it takes them.
 */

/** A peer, over all of its streams. */
export interface Taker {
  /** Bytes that were written to it and have not arrived, as far as known. */
  readonly unsent: number
  readonly isGone: boolean
  /** Tells it that others are given the same, and how many of its requests wait for their turn. */
  tellCrowd(waiting: number): void
}

/** A block that a peer asked for. */
export interface Wanted {
  /** Expected length. */
  readonly bytes: number
  /** Sends the answer. Resolves when it is written. Does not reject. */
  readonly give: () => Promise<void>
  /** Lower values come first. */
  readonly urgency: () => number
  /** Whether it would be answered at once, and not wait behind others. */
  readonly canGive: () => boolean
}

/** A peer may have on its way what it takes in this time (milliseconds), and at least this many bytes. */
const ON_ITS_WAY = 400
const LEAST_ON_ITS_WAY = 256 * 1024
/** Time constant of measured rates (milliseconds). */
const MEASURED = 1_000
/** The longest time between two looks that counts (milliseconds). After more, the time of arrival is unknown. */
const LONGEST_LOOK = 250
/** How long a peer that cannot take more is not waited for (milliseconds), at first and at most. */
const EXCUSED = 2_000
const LONGEST_EXCUSED = 32_000

/** Measures bytes a second over the last while. Only time with bytes on their way counts. */
export class Meter {
  private bytes = 0
  private time = 0

  /** @param ms how long they took */
  add(bytes: number, ms: number): void {
    const kept = Math.exp(-ms / MEASURED)
    this.bytes = this.bytes * kept + bytes
    this.time = this.time * kept + ms
  }

  /** Undefined until something was measured. */
  get rate(): number | undefined {
    return this.time === 0 ? undefined : (this.bytes * 1_000) / this.time
  }
}

export class Flow {
  readonly waiting: Wanted[] = []
  /** Expected bytes of answers that are being made. */
  making = 0
  /** Bytes that it was given, or that it gave up its claim to. */
  given = 0
  /** When it began to wait, and when it was last given something (milliseconds of the clock). */
  askedSince = Number.NEGATIVE_INFINITY
  gaveAt = Number.NEGATIVE_INFINITY
  /** Until then other peers do not wait for it. */
  excusedUntil = Number.NEGATIVE_INFINITY
  private excuseFor = EXCUSED
  private readonly meter = new Meter()
  /** Bytes of all answers so far, and how many of them had arrived at the last look. */
  private made = 0
  private arrived = 0
  private lookedAt = Number.NEGATIVE_INFINITY
  private wasBusy = false

  constructor(readonly taker: Taker) {}

  /** Bytes a second; undefined until something arrived. */
  get rate(): number | undefined {
    return this.meter.rate
  }

  /** Whether it is waiting for blocks, or being given some. */
  get isAsking(): boolean {
    return this.waiting.length > 0 || this.onItsWay >= LEAST_ON_ITS_WAY
  }

  /** Bytes that are on their way to it or being made. */
  get onItsWay(): number {
    return this.taker.unsent + this.making
  }

  /** Whether it may be given another block before the last one has arrived. */
  get hasRoom(): boolean {
    const most = Math.max(LEAST_ON_ITS_WAY, ((this.rate ?? 0) * ON_ITS_WAY) / 1_000)
    return this.onItsWay < most && this.first !== undefined
  }

  /** Bytes that it was given, with those that are being made. */
  get share(): number {
    return this.given + this.making
  }

  /** The block to give next. */
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

  /** Stops waiting for it for a while. It gives up its claim to bytes that others had meanwhile. */
  excuse(now: number, given: number): void {
    this.excusedUntil = now + this.excuseFor
    this.excuseFor = Math.min(LONGEST_EXCUSED, 2 * this.excuseFor)
    this.given = Math.max(this.given, given)
  }

  /** Notes what arrived. @returns the bytes, and the milliseconds in which bytes were on their way */
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
