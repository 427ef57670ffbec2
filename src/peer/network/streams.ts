/**
 * The two streams to one peer, and over which of them logs go.
 *
 * The side that made the connection decides: it says which stream carries (`carry`), and the other side may ask for one
 * (`wish`). Both measure what comes to them and form an opinion of their own (pathChoice.ts). An opinion is no move:
 * only `carryOver` changes which stream carries. It tells pathChoice.ts too, so the two never differ. Peers count
 * messages, so some opinions cannot be said at once; they are formed again at the next look.
 *
 * With Peerfolds that say nothing of paths, TCP carries as soon as it stands.
 */
import type { NoiseStream, RawUdxStream } from '@hyperswarm/secret-stream'
import type { PathReason } from '../../common/model'
import { Signal } from '../../common/signal'
import { isCount } from '../drive/format/entry'
import { receivedBytes } from '../rate'
import { Allowance } from './guard/allowance'
import { LOOK_EVERY, type Path, PathChoice } from './pathChoice'

/** Messages about paths that a peer takes: a burst of this many, then this many a second. */
export const PATH_MESSAGES = 64
export const PATH_MESSAGES_PER_SECOND = 1
/** Those for choices, and as many for losses, so that no choice waits for a loss. The rest is for answers to wishes. */
const SAID = PATH_MESSAGES / 4
const SAID_PER_SECOND = PATH_MESSAGES_PER_SECOND / 4
/** Datagrams after which losses are told: few tell nothing of them. */
const TELLING = 2_000

export type PathMessage =
  /** Which stream carries from now on, said by the side that made the connection; or what the other asks for. */
  | { readonly type: 'carry' | 'wish'; readonly path: Path; readonly why: PathReason }
  /** Datagrams sent by UDX since the last such message, and how many of them were sent again. */
  | { readonly type: 'line'; readonly sent: number; readonly again: number }

/** The parts of a stream that are read here. */
export interface Carrying {
  readonly destroyed: boolean
  readonly rawStream: Pick<
    RawUdxStream,
    'rtt' | 'bytesReceived' | 'bytesRead' | 'packetsTransmitted' | 'retransmits'
  >
}

export interface StreamsOptions {
  /** Whether this side made the connection. */
  readonly isInitiator: boolean
  readonly say: (message: PathMessage) => void
  /** Milliseconds that never go back. */
  readonly clock?: () => number
}

export class PeerStreams<S extends Carrying = NoiseStream> {
  /** Emits the stream to replicate over, first and whenever it changes. */
  readonly changed = new Signal<{ from: S | undefined; to: S }>()
  /** Whether both say which stream carries. */
  saysPath = false
  private carrying: S | undefined
  private tcpStream: S | undefined
  private readonly choice = new PathChoice((path, why) => this.choose(path, why))
  private readonly clock: () => number
  private readonly choices: Allowance
  private readonly lines: Allowance
  private looking: NodeJS.Timeout | undefined
  /** What the peer told of losses. */
  private loss: number | undefined
  private toldLine = { sent: 0, again: 0 }
  /** Set when the peer says that TCP carries before it stands here: it carries as soon as it does. */
  private awaitsTcp: PathReason | undefined

  constructor(
    readonly udx: S,
    private readonly options: StreamsOptions,
  ) {
    this.clock = options.clock ?? (() => performance.now())
    this.choices = new Allowance(SAID, SAID_PER_SECOND, this.clock)
    this.lines = new Allowance(SAID, SAID_PER_SECOND, this.clock)
  }

  get tcp(): S | undefined {
    return this.tcpStream
  }

  /** The one that carries; undefined before the first does. */
  get current(): S | undefined {
    return this.carrying
  }

  get all(): readonly S[] {
    return this.tcpStream === undefined ? [this.udx] : [this.udx, this.tcpStream]
  }

  get path(): Path {
    return this.choice.path
  }

  /** Why that one carries. */
  get why(): PathReason {
    return this.choice.why
  }

  /** UDX carries: it is always there. */
  begin(): void {
    this.carryOver('udx', 'only')
  }

  /** @param trip milliseconds of a round trip, if known */
  tcpStands(stream: S, isSameMachine: boolean, trip?: number): void {
    this.tcpStream = stream
    if (!this.saysPath) {
      this.carryOver('tcp', 'near')
      return
    }
    const said = this.awaitsTcp
    this.awaitsTcp = undefined
    this.choice.tcpStands(this.clock(), isSameMachine, trip, said === undefined)
    if (said !== undefined) this.carryOver('tcp', said)
    this.looking = setInterval(() => this.look(), LOOK_EVERY).unref()
  }

  tcpIsGone(): void {
    clearInterval(this.looking)
    this.tcpStream = undefined
    this.choice.tcpIsGone()
    this.carryOver('udx', 'only')
  }

  /** The peer replicates over this stream. Only peers that do not say which stream carries are followed like this. */
  follow(stream: S): void {
    if (this.saysPath || (stream === this.udx && this.tcpStream !== undefined)) return
    this.carryOver(stream === this.udx ? 'udx' : 'tcp', this.why)
  }

  close(): void {
    clearInterval(this.looking)
  }

  /** Takes what the peer says of paths. Messages that make no sense are ignored. */
  hear(message: Readonly<Record<string, unknown>>): void {
    const { type, path, why } = message
    if (type === 'line') this.loss = lossOf(message) ?? this.loss
    else if ((type === 'wish') !== this.options.isInitiator || !isPath(path) || !isReason(why)) return
    else if (type === 'wish') this.carry(path, why)
    else {
      this.awaitsTcp = path === 'tcp' && this.tcpStream === undefined ? why : undefined
      this.carryOver(path, why)
    }
  }

  /** To be called every `LOOK_EVERY` milliseconds while TCP stands. */
  look(): void {
    if (this.tcpStream === undefined) return
    const { rtt } = this.udx.rawStream
    this.choice.look(this.clock(), {
      received: { udx: receivedBytes(this.udx), tcp: receivedBytes(this.tcpStream) },
      trip: rtt === undefined || rtt === 0 ? undefined : rtt, // whole milliseconds; 0 also as long as it is not measured
      loss: this.loss,
    })
    this.tellLine()
  }

  private tellLine(): void {
    const { packetsTransmitted = 0, retransmits = 0 } = this.udx.rawStream
    const sent = packetsTransmitted - this.toldLine.sent
    if (sent < TELLING || !this.lines.take()) return
    this.options.say({ type: 'line', sent, again: (retransmits - this.toldLine.again + 65_536) % 65_536 })
    this.toldLine = { sent: packetsTransmitted, again: retransmits }
  }

  /** → whether it was said */
  private choose(path: Path, why: PathReason): boolean {
    if (!this.has(path) || !this.choices.take()) return false
    if (this.options.isInitiator) this.carry(path, why)
    else this.options.say({ type: 'wish', path, why })
    return true
  }

  private carry(path: Path, why: PathReason): void {
    if (!this.has(path)) return
    this.options.say({ type: 'carry', path, why })
    this.carryOver(path, why)
  }

  private has(path: Path): boolean {
    const stream = this.streamOf(path)
    return stream !== undefined && !stream.destroyed
  }

  private streamOf(path: Path): S | undefined {
    return path === 'tcp' ? this.tcpStream : this.udx
  }

  private carryOver(path: Path, why: PathReason): void {
    const to = this.streamOf(path)
    if (to === undefined || to.destroyed) return
    this.choice.moved(path, why)
    const from = this.carrying
    if (from === to) return
    this.carrying = to
    this.changed.emit({ from, to })
  }
}

/** Counts one loss more than there were: of few datagrams, none may be lost by chance. */
function lossOf({ sent, again }: Readonly<Record<string, unknown>>): number | undefined {
  return isCount(sent) && isCount(again) && sent > 0 ? Math.min(1, (again + 1) / sent) : undefined
}

function isPath(value: unknown): value is Path {
  return value === 'udx' || value === 'tcp'
}

function isReason(value: unknown): value is PathReason {
  return value === 'only' || value === 'near' || value === 'first' || value === 'faster'
}
