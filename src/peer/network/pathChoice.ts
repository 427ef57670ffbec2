/**
 * Which of two streams to one peer carries the logs: UDX, which is always there, or TCP, where it stands.
 *
 * 1. UDX begins: nothing is waited for before the first request.
 * 2. Where a round trip takes next to no time, TCP takes over as soon as it stands. What limits there is the processor,
 *    and UDX needs twice as much of it.
 * 3. On a longer line TCP suffers from losses, which UDX hardly minds, and the sender tells how many there are. Where
 *    there are so few that TCP could bring more, it is tried: once bytes have come steadily for a while, it carries for
 *    some round trips. The faster one stays. On a near line where TCP brings little, UDX is tried in the same way.
 * 4. The next trial comes after twice as long, or soon when the line has changed: it carries half or twice as much.
 *
 * A trial takes at most a tenth of the time before it, so a vain one costs little.
 */
import type { PathReason } from '../../common/model'

export type Path = 'udx' | 'tcp'

/** The longest round trip of a near line, milliseconds. */
export const NEAR = 5
export const LOOK_EVERY = 200
/** Length of a trial: round trips, and milliseconds. TCP needs eight round trips to get up to speed on a long line. */
const TRIAL_TRIPS = 10
const SHORTEST_TRIAL = 600
const LONGEST_TRIAL = 4_000
/** The time before the first trial is this many times its length. */
const PART = 10
/** The stream on trial stays when it brings this many times as much. */
const BETTER = 1.05
/** Bytes a second by TCP on a near line from which UDX is not tried: it never brings as much there. */
const ENOUGH = 8e6
/** Milliseconds that the other side has to do what it was asked for. */
const ASKED_WITHIN = 3_000
/** Bytes of one look; fewer are no steady flow. */
const FLOW = 4_096
/** Bytes of a TCP segment, and the constant of TCP's rate under loss: Mathis, Semke, Mahdavi and Ott (1997). */
const SEGMENT = 1_448
const MATHIS = 1.22
/** TCP is tried when it could be this many times as fast. */
const PROMISING = 1.5

export interface PathState {
  /** Bytes that came so far. */
  readonly received: Readonly<Record<Path, number>>
  /** Milliseconds of a round trip as it is now; undefined: not measured. */
  readonly trip: number | undefined
  /** The part of the peer's UDX datagrams that was lost, at most. Undefined: it has not told. */
  readonly loss: number | undefined
}

interface Sample {
  readonly at: number
  readonly bytes: number
}

interface Trial {
  /** Undefined: it has only just begun. */
  began: number | undefined
  /** Bytes a second by the other stream. */
  readonly before: number
  otherReceived: number
}

export class PathChoice {
  path: Path = 'udx'
  why: PathReason = 'only'
  private hasTcp = false
  private isSameMachine = false
  /** The shortest round trip so far. */
  private trip: number | undefined
  /** Samples of the path that carries, newest last, as far back as they are needed. */
  private samples: Sample[] = []
  /** When bytes began to come steadily. */
  private since = 0
  private trial: Trial | undefined
  /** The move that was asked for and has not happened yet. */
  private wanted: { readonly path: Path; readonly at: number; readonly trial: Trial | undefined } | undefined
  private trials = 0
  /** Bytes a second at the last decision. */
  private decidedAt: number | undefined

  /**
   * @param move makes a stream carry, or asks the other side to, → whether that was said. The former stream carries
   *   until `moved` is called, at once or later.
   */
  constructor(private readonly move: (path: Path, why: PathReason) => boolean) {}

  /**
   * @param trip milliseconds, if known
   * @param isOpen whether it is still undecided which of the two carries
   */
  tcpStands(now: number, isSameMachine: boolean, trip: number | undefined, isOpen = true): void {
    this.hasTcp = true
    this.isSameMachine = isSameMachine
    this.noteTrip(trip)
    this.why = 'first'
    if (this.isNear && isOpen) this.want('tcp', 'near', now)
  }

  tcpIsGone(): void {
    this.hasTcp = false
    this.moved('udx', 'only')
  }

  /** This stream carries, whoever decided that. */
  moved(path: Path, why: PathReason): void {
    const trial = this.wanted?.path === path ? this.wanted.trial : undefined
    if (path !== this.path) {
      this.samples = []
      this.trial = trial
    }
    this.path = path
    this.why = why
    this.wanted = undefined
  }

  /** To be called every `LOOK_EVERY` milliseconds. @param now milliseconds that never go back */
  look(now: number, state: PathState): void {
    const { received } = state
    this.noteTrip(state.trip)
    if (!this.hasTcp) return
    if (this.wanted !== undefined && now - this.wanted.at > ASKED_WITHIN) this.wanted = undefined
    const isSteady = this.sample(now, received[this.path])
    if (this.wanted !== undefined) return
    if (this.isNear && this.path === 'udx' && this.why !== 'faster' && this.trial === undefined)
      this.want('tcp', 'near', now)
    else if (this.trial !== undefined) this.judge(now, isSteady, received[this.other])
    else if (isSteady) this.considerTrial(now, state)
  }

  private get isNear(): boolean {
    return this.isSameMachine || (this.trip !== undefined && this.trip <= NEAR)
  }

  private get other(): Path {
    return this.path === 'udx' ? 'tcp' : 'udx'
  }

  /** Milliseconds. */
  private get trialLength(): number {
    return Math.min(LONGEST_TRIAL, Math.max(SHORTEST_TRIAL, TRIAL_TRIPS * (this.trip ?? 0)))
  }

  private noteTrip(trip: number | undefined): void {
    if (trip !== undefined) this.trip = Math.min(this.trip ?? trip, trip)
  }

  /** → whether bytes come steadily */
  private sample(now: number, bytes: number): boolean {
    const before = this.samples.at(-1)
    const isSteady = before !== undefined && bytes - before.bytes >= FLOW
    // In a trial, a pause may be the stream's own: it counts.
    if (!isSteady && this.trial === undefined) this.samples = []
    if (this.samples.length === 0) this.since = now
    this.samples.push({ at: now, bytes })
    while ((this.samples[1]?.at ?? now) < now - LONGEST_TRIAL) this.samples.shift()
    return isSteady
  }

  /** Bytes a second. @param over milliseconds that are looked back on */
  private rate(now: number, over: number): number {
    const last = this.samples.at(-1)
    const first = this.samples.findLast(({ at }) => at <= now - over) ?? this.samples[0]
    if (first === undefined || last === undefined || last.at === first.at) return 0
    return ((last.bytes - first.bytes) * 1_000) / (last.at - first.at)
  }

  private considerTrial(now: number, { received, loss }: PathState): void {
    const length = this.trialLength
    const lasted = now - this.since
    const rate = this.rate(now, length)
    if (lasted > length && this.decidedAt !== undefined && isOther(rate, this.decidedAt)) {
      this.decidedAt = rate
      this.trials = 0
    }
    if (lasted < PART * length * 2 ** this.trials) return
    const isPromising =
      this.path === 'tcp' ? !this.isNear || rate < ENOUGH : this.tcpBrings(loss) > PROMISING * rate
    if (!isPromising) return
    const trial = { began: undefined, before: rate, otherReceived: received[this.path] }
    if (this.want(this.other, 'first', now, trial)) this.trials++
  }

  /** Bytes a second that TCP brings at most, with such losses. */
  private tcpBrings(loss: number | undefined): number {
    if (loss === undefined || this.trip === undefined) return 0
    return (1_000 * MATHIS * SEGMENT) / (this.trip * Math.sqrt(loss))
  }

  private judge(now: number, isSteady: boolean, otherReceived: number): void {
    const { trial } = this
    if (trial === undefined) return
    // The trial begins once answers to earlier requests no longer come over the other stream.
    if (trial.began === undefined || otherReceived - trial.otherReceived >= FLOW) trial.began = now
    trial.otherReceived = otherReceived
    const length = this.trialLength
    if (now - trial.began < length) return
    const rate = this.rate(now, length / 3)
    const isBetter = isSteady && rate > trial.before * BETTER
    this.decidedAt = isBetter ? rate : trial.before
    if (!isBetter) {
      this.want(this.other, 'faster', now)
      return
    }
    this.trial = undefined
    this.why = 'faster'
    this.move(this.path, 'faster') // the other side shows why, too
  }

  /** → whether it was said */
  private want(path: Path, why: PathReason, now: number, trial?: Trial): boolean {
    this.wanted = { path, at: now, trial }
    if (this.move(path, why)) return true
    this.wanted = undefined
    return false
  }
}

function isOther(rate: number, before: number): boolean {
  return rate < before / 2 || rate > before * 2
}
