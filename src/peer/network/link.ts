/**
 * The link to one connected peer: who it is, and how it can be reached.
 *
 * The UDX stream that the swarm made always stays, as control channel and fallback, and carries the logs at first.
 * Peers that speak `peerfold/1` on it exchange a hello with the versions of it that they know, their name, where they
 * can be reached by TCP, and a challenge that the other side sends back.
 *
 * The side that made the connection tries TCP once the peer's address is proven (provenAddress.ts). If that fails, it
 * asks the other side to try. streams.ts decides which of the two streams carries the logs. With a peer that does not
 * say which one carries, TCP is used over a short round trip only.
 *
 * Peers that do not speak `peerfold/1` (other Hyperdrive clients), or no version of it that is known here, replicate
 * over UDX. Messages and fields of a later version are skipped.
 */
import type { NoiseStream, RawUdxStream } from '@hyperswarm/secret-stream'
import c, { type DecodeState } from 'compact-encoding'
import type { Channel, Message } from 'protomux'
import type { PeerId } from '../../common/brand'
import { formatBytes } from '../../common/format'
import { Signal } from '../../common/signal'
import { isCount, isRecord } from '../drive/format/entry'
import { announcedBytes } from '../hypercore/announcedBytes'
import { noteCrowd } from '../hypercore/crowd'
import { muxOf } from '../hypercore/mux'
import { Pace } from '../hypercore/pace'
import { peerIdOf } from '../keys'
import { PEER_LIMITS } from '../limits'
import { Rate } from '../rate'
import { DELIVERY_MESSAGES, DELIVERY_MESSAGES_PER_SECOND, Delivered, type DeliveryMessage } from './delivered'
import { plainAddress } from './guard/addressGroup'
import { Allowance } from './guard/allowance'
import { ProvenAddress } from './guard/provenAddress'
import {
  commonVersion,
  type Hello,
  readChallenge,
  readHello,
  readName,
  SAYS_DELIVERY,
  SAYS_PATH,
  type TcpOffer,
  WIRE,
} from './hello'
import { NEAR } from './pathChoice'
import { readTokens } from './shareTokens'
import { PATH_MESSAGES, PATH_MESSAGES_PER_SECOND, type PathMessage, PeerStreams } from './streams'
import { isOwnAddress, type TcpTransport } from './tcp'

/** Messages of each kind to one peer, at most: it counts all of them. */
const MAX_SHARES_MESSAGES = 6
const MAX_NAME_MESSAGES = 3
const MAX_OWNER_MESSAGES = 3
/** Messages of all kinds; the rest of what the peer takes is for answers. */
const MAX_MESSAGES = PEER_LIMITS.controlMessages - 3

/** Texts of tokens (shareTokens.ts). */
export interface ToldShares {
  /** Of shares that this side knows. */
  readonly shares: string
  /** Of those of which it has nothing yet: the peer gives their first blocks unasked (firstBlocks.ts). */
  readonly begins: string
}

type ControlMessage =
  | ({
      readonly type: 'hello'
      readonly version: number
      readonly oldest: number
      readonly name: string
      readonly tcp: TcpOffer | null
      readonly challenge: string
    } & ToldShares)
  | { readonly type: 'your-turn' }
  /** Asks for an `answer`, since the stream goes to another address of the peer now. */
  | { readonly type: 'challenge'; readonly challenge: string }
  | { readonly type: 'answer'; readonly challenge: string }
  /** Shares that came since the hello. */
  | ({ readonly type: 'shares' } & ToldShares)
  /** The name that the user chose since the hello. Skipped by peers that do not know it. */
  | { readonly type: 'name'; readonly name: string }
  /** Which of the shares that both know are this side's own (ownerProofs.ts). Skipped by peers that do not know it. */
  | { readonly type: 'owner'; readonly proofs: string }
  | PathMessage
  /** Skipped by peers that do not know it. */
  | DeliveryMessage

const KNOWN: ReadonlySet<string> = new Set<ControlMessage['type']>([
  'hello',
  'your-turn',
  'challenge',
  'answer',
  'shares',
  'name',
  'owner',
  'carry',
  'wish',
  'line',
  'came',
  'crowd',
])

/** Messages with an allowance of their own. */
const ABOUT_PATHS: ReadonlySet<string> = new Set<PathMessage['type']>(['carry', 'wish', 'line'])
const ABOUT_DELIVERY: ReadonlySet<string> = new Set<DeliveryMessage['type']>(['came', 'crowd'])

/** What follows when the peer cannot be reached by TCP: it is asked to try itself, or nothing. */
type TcpPlan = 'then-ask' | 'only'

export interface LinkOptions {
  /** Of this installation, as it is now. */
  readonly name: () => string
  readonly tcp: TcpTransport | undefined
  /** This machine's public address as the DHT sees it, if known. */
  readonly ownAddress: () => string | null
  /** All UDX streams that are open. */
  readonly streams: () => Iterable<RawUdxStream>
}

export class PeerLink {
  readonly id: PeerId
  readonly key: string
  /** When it was made, milliseconds of `performance.now()`. */
  readonly since = performance.now()
  /** Whether it speaks `peerfold/1` and has said hello. */
  greeted = false
  /** What the peer calls itself. Untrusted. */
  name = ''
  readonly down = new Rate()
  readonly up = new Rate()
  /** Emits tokens of shares that the peer says it knows. */
  readonly sharesTold = new Signal<ReadonlySet<string>>()
  /** Emits tokens of shares of which the peer has nothing yet: it takes their first blocks unasked. */
  readonly beginsTold = new Signal<ReadonlySet<string>>()
  /** Emits the peer's proofs that shares are its own, unchecked. */
  readonly ownerTold = new Signal<unknown>()
  /** Emits when its address was proven, or is proven no more. */
  readonly addressChanged = new Signal<void>()
  /** Emits when something worth showing changed. */
  readonly changed = new Signal<void>()
  /** Emits what the peer sent, or began to send, that no honest program sends. */
  readonly misbehaved = new Signal<string>()
  /** Emits what broke one of its streams. */
  readonly broke = new Signal<Error>()
  /** The address that the UDX stream proves. */
  readonly place: ProvenAddress
  private messages = 0
  private readonly unknown = new Allowance(PEER_LIMITS.unknownMessages, PEER_LIMITS.unknownMessagesPerSecond)
  private sharesMessages = 0
  private nameMessages = 0
  private ownerMessages = 0
  /** Messages to the peer. */
  private said = 0
  /** The name that the peer was told last. */
  private toldName = ''
  private answersChallenges = false
  /** Whether what it says is of a version known here. */
  private isUnderstood = true
  private hadTurn = false
  /** Waits for the address to be proven. */
  private tcpPlan: TcpPlan | undefined
  /** Over which of its streams logs go. */
  readonly carried: PeerStreams
  private tcpAddress: string | undefined
  private tcpOffer: TcpOffer | null = null
  private readonly channel: Channel | null
  private readonly control: Message<ControlMessage> | undefined
  /** How many of the bytes sent to the peer have arrived. */
  readonly delivered = new Delivered(message => this.say(message))
  private readonly pathMessages = new Allowance(PATH_MESSAGES, PATH_MESSAGES_PER_SECOND)
  private readonly deliveryMessages = new Allowance(DELIVERY_MESSAGES, DELIVERY_MESSAGES_PER_SECOND)

  constructor(
    readonly udx: NoiseStream,
    private readonly options: LinkOptions,
  ) {
    this.key = udx.remotePublicKey.toString('hex')
    this.id = peerIdOf(udx.remotePublicKey)
    this.carried = new PeerStreams(udx, { isInitiator: udx.isInitiator, say: message => this.say(message) })
    this.carried.changed.on(() => this.changed.emit())
    this.delivered.watch('udx', udx)
    this.channel = muxOf(udx).createChannel({
      protocol: 'peerfold/1',
    })
    this.control = this.channel?.addMessage<ControlMessage>({
      encoding: { ...c.json, decode: (state: DecodeState) => this.decode(state) },
      onmessage: message => this.onMessage(message),
    })
    this.place = new ProvenAddress(udx.rawStream, options.streams, challenge => {
      if (this.answersChallenges) this.say({ type: 'challenge', challenge })
    })
    this.place.changed.on(() => {
      this.addressChanged.emit()
      this.changed.emit()
      this.tryTcp()
    })
    udx.on('error', error => this.broke.emit(error))
    this.boundMessages(udx)
  }

  /** Starts to talk. Listen to `carried.changed` before. @param told tokens of the shares that are served here */
  open(told: ToldShares): void {
    const { tcp } = this.options
    const name = this.options.name()
    this.toldName = name
    this.channel?.open()
    const challenge = this.place.challenge()
    this.say({ type: 'hello', ...WIRE, name, tcp: tcp?.offer() ?? null, challenge, ...told })
    this.carried.begin()
  }

  /** Tells tokens of shares that came since the hello. → false: this peer takes no such message, or no more of them. */
  tellShares(told: ToldShares): boolean {
    if (!this.mayTell || this.sharesMessages >= MAX_SHARES_MESSAGES) return false
    this.sharesMessages++
    this.say({ type: 'shares', ...told })
    return true
  }

  /** Tells proofs that shares are this side's own. → as above */
  tellOwner(proofs: string): boolean {
    if (!this.mayTell || this.ownerMessages >= MAX_OWNER_MESSAGES) return false
    this.ownerMessages++
    this.say({ type: 'owner', proofs })
    return true
  }

  /** Tells the present name, a few times at most. A peer learns of later changes when it connects again. */
  tellName(): void {
    const name = this.options.name()
    if (!this.mayTell || name === this.toldName || this.nameMessages >= MAX_NAME_MESSAGES) return
    this.nameMessages++
    this.toldName = name
    this.say({ type: 'name', name })
  }

  /** Whether the peer takes messages after the hello, and has not been sent too many. */
  private get mayTell(): boolean {
    return this.answersChallenges && this.said < MAX_MESSAGES
  }

  private say(message: ControlMessage): void {
    if (!ABOUT_PATHS.has(message.type) && !ABOUT_DELIVERY.has(message.type)) this.said++
    this.control?.send(message)
  }

  /** Where it is proven to be; undefined as long as it is not. */
  get address(): string | undefined {
    return this.place.host ?? this.tcpAddress
  }

  /** A TCP stream whose key was proven to be this peer's. @param trip milliseconds of a round trip, if known */
  adoptTcp(stream: NoiseStream, trip?: number): void {
    if (this.carried.tcp !== undefined || this.udx.destroyed) {
      stream.destroy()
      return
    }
    const { remoteAddress } = stream.rawStream
    this.tcpAddress = remoteAddress === undefined ? undefined : plainAddress(remoteAddress)
    this.addressChanged.emit()
    stream.on('error', error => this.broke.emit(error))
    this.boundMessages(stream)
    Pace.of(stream).goesAs(this.udx)
    stream.once('close', () => {
      this.tcpAddress = undefined
      this.carried.tcpIsGone()
    })
    this.delivered.watch('tcp', stream)
    const isSameMachine = this.tcpAddress !== undefined && isOwnAddress(this.tcpAddress)
    this.carried.tcpStands(stream, isSameMachine, trip)
    this.changed.emit()
  }

  close(): void {
    this.carried.close()
    this.delivered.close()
    this.carried.tcp?.destroy()
    this.udx.destroy()
  }

  /**
   * Reports a message that is too long as soon as it begins: its first bytes say how long it is. They may come with the
   * handshake, and the stream may read them after this listener is called.
   */
  private boundMessages(stream: NoiseStream): void {
    const look = () => {
      if (announcedBytes(stream) > PEER_LIMITS.messageBytes)
        this.misbehaved.emit(`it sent a message of more than ${formatBytes(PEER_LIMITS.messageBytes)}`)
    }
    stream.rawStream.on('data', () => queueMicrotask(look))
  }

  /** Undefined when it is no message. Throwing here would end the connection before anybody knows why. */
  private decode(state: DecodeState): unknown {
    const most = PEER_LIMITS.controlBytes
    if (state.end - state.start > most) {
      this.misbehaved.emit(`it sent more than ${formatBytes(most)} about itself`)
      return undefined
    }
    try {
      return c.json.decode(state)
    } catch {
      return undefined
    }
  }

  private onMessage(message: unknown): void {
    if (!this.isUnderstood) return
    if (!isRecord(message)) {
      this.misbehaved.emit('its messages were malformed')
      return
    }
    if (!this.isWithinBounds(message.type)) {
      this.misbehaved.emit('its messages were too many')
      return
    }
    switch (message.type) {
      case 'hello':
        if (!this.greeted) this.onHello(readHello(message))
        break
      case 'challenge':
        this.sendBack(readChallenge(message.challenge))
        break
      case 'answer':
        this.place.answer(readChallenge(message.challenge) ?? '')
        break
      case 'shares':
        this.sharesTold.emit(readTokens(message.shares))
        this.beginsTold.emit(readTokens(message.begins))
        break
      case 'name':
        this.name = readName(message.name)
        this.changed.emit()
        break
      case 'owner':
        this.ownerTold.emit(message.proofs)
        this.changed.emit()
        break
      case 'carry':
      case 'wish':
      case 'line':
        this.carried.hear(message)
        break
      case 'came':
        this.delivered.hear(message)
        break
      case 'crowd':
        for (const stream of this.carried.all)
          noteCrowd(stream, stream === this.carried.current && isCount(message.waiting) ? message.waiting : 0)
        break
      case 'your-turn':
        if (this.udx.isInitiator || this.hadTurn) break
        this.hadTurn = true
        this.planTcp('only')
    }
  }

  /** Counts a message. One of an unknown kind costs next to nothing, so a later version may send many. */
  private isWithinBounds(type: unknown): boolean {
    if (typeof type === 'string' && ABOUT_PATHS.has(type)) return this.pathMessages.take()
    if (typeof type === 'string' && ABOUT_DELIVERY.has(type)) return this.deliveryMessages.take()
    if (typeof type === 'string' && KNOWN.has(type)) return ++this.messages <= PEER_LIMITS.controlMessages
    return this.unknown.take()
  }

  private onHello({ versions, name, tcp, challenge, shares, begins }: Hello): void {
    this.greeted = true
    const version = commonVersion(WIRE, versions)
    if (version === undefined) {
      this.meetAsStrangers()
      return
    }
    this.carried.saysPath = version >= SAYS_PATH
    this.delivered.isKnown = version >= SAYS_DELIVERY
    this.name = name
    this.tcpOffer = tcp
    this.answersChallenges = challenge !== undefined
    this.sendBack(challenge)
    this.sharesTold.emit(shares)
    this.beginsTold.emit(begins)
    this.changed.emit()
    this.tellName()
    if (!this.udx.isInitiator) return
    this.planTcp(this.answersChallenges ? 'then-ask' : 'only')
  }

  /** They share no version: from now on this is a Hyperdrive client like any other, for both. */
  private meetAsStrangers(): void {
    this.isUnderstood = false
    setImmediate(() => this.channel?.close()) // not within the message that is being read
  }

  private sendBack(challenge: string | undefined): void {
    if (challenge !== undefined) this.say({ type: 'answer', challenge })
  }

  private planTcp(plan: TcpPlan): void {
    this.tcpPlan = plan
    this.tryTcp()
  }

  /** Tries TCP once, when the peer's address is proven, so that no third party is connected to. */
  private tryTcp(): void {
    const { tcp, ownAddress } = this.options
    const { tcpPlan: plan, tcpOffer: offer } = this
    const { host } = this.place
    if (plan === undefined || tcp === undefined || this.carried.tcp !== undefined) return
    if (host === undefined && offer !== null) return
    this.tcpPlan = undefined
    const longest = this.carried.saysPath || (host !== undefined && isOwnAddress(host)) ? undefined : NEAR
    const attempt =
      host === undefined || offer === null
        ? Promise.resolve(undefined)
        : tcp.connect(offer, host, host === ownAddress(), this.udx.remotePublicKey, longest)
    attempt
      .then(dialled => {
        if (dialled !== undefined) this.adoptTcp(dialled.stream, dialled.trip)
        else if (plan === 'then-ask' && this.carried.saysPath && !this.udx.destroyed)
          this.say({ type: 'your-turn' })
      })
      .catch(() => {}) // UDX carries on
  }
}
