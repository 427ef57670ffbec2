/**
 * The link to one connected peer: who it is, and over which stream logs are replicated with it.
 *
 * The UDX stream that the swarm made always stays, as control channel and fallback. Peers that speak `peerfold/1` on
 * it exchange a hello with their name and where they can be reached by TCP; the side that made the connection tries
 * first, then asks the other side to. Replication starts over UDX when TCP is not up within a moment, and moves when
 * it is. Peers that do not speak it (other Hyperdrive clients) replicate over UDX at once.
 */
import type { NoiseStream } from '@hyperswarm/secret-stream'
import c, { type DecodeState } from 'compact-encoding'
import type { Channel, Message } from 'protomux'
import type { PeerId } from '../../common/brand'
import { formatBytes } from '../../common/format'
import { Signal } from '../../common/signal'
import { isRecord } from '../drive/entry'
import { peerIdOf } from '../keys'
import { controlBytes, type Limits, PEER_LIMITS } from '../limits'
import { Rate } from '../rate'
import { type Hello, readHello } from './hello'
import { muxOf } from './mux'
import type { TcpOffer, TcpTransport } from './tcp'

/** Replication waits this long (milliseconds) for TCP before it starts over UDX. */
const TCP_HEAD_START = 300

type ControlMessage = ({ readonly type: 'hello' } & Hello) | { readonly type: 'your-turn' }

export interface LinkOptions {
  readonly name: string
  readonly tcp: TcpTransport | undefined
  /** This machine's public address as the DHT sees it, if known. */
  readonly ownAddress: () => string | null
  /** As the user has them now. */
  readonly limits: () => Limits
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
  /** Emits the stream to replicate over, first and whenever it changes. */
  readonly streamChanged = new Signal<{ from: NoiseStream | undefined; to: NoiseStream }>()
  /** Emits when something worth showing changed. */
  readonly changed = new Signal<void>()
  /** Emits what the peer sent that no honest program sends. */
  readonly misbehaved = new Signal<string>()
  /** Emits what it sent, or began to send, that is longer than it may be. */
  readonly sentTooLong = new Signal<string>()
  /** Emits what broke one of its streams. */
  readonly broke = new Signal<Error>()
  private messages = 0
  private hadTurn = false
  private current: NoiseStream | undefined
  private tcpStream: NoiseStream | undefined
  private tcpOffer: TcpOffer | null = null
  private readonly channel: Channel | null
  private readonly control: Message<ControlMessage> | undefined
  private headStart: NodeJS.Timeout | undefined

  constructor(
    readonly udx: NoiseStream,
    private readonly options: LinkOptions,
  ) {
    this.key = udx.remotePublicKey.toString('hex')
    this.id = peerIdOf(udx.remotePublicKey)
    this.channel = muxOf(udx).createChannel({
      protocol: 'peerfold/1',
      onclose: () => this.replicateOver(this.tcpStream ?? this.udx),
    })
    this.control = this.channel?.addMessage<ControlMessage>({
      encoding: { ...c.json, decode: (state: DecodeState) => this.decode(state) },
      onmessage: message => this.onMessage(message),
    })
    udx.on('error', error => this.broke.emit(error))
    this.boundMessages(udx)
  }

  /** Starts to talk. Listen to `streamChanged` before. */
  open(): void {
    const { name, tcp } = this.options
    this.headStart = setTimeout(() => this.replicateOver(this.udx), TCP_HEAD_START)
    this.channel?.open()
    this.control?.send({ type: 'hello', name, tcp: tcp?.offer() ?? null })
  }

  get transport(): 'udx' | 'tcp' {
    return this.current !== undefined && this.current === this.tcpStream ? 'tcp' : 'udx'
  }

  get address(): string | undefined {
    return this.udx.rawStream.remoteHost ?? undefined
  }

  get streams(): readonly NoiseStream[] {
    return this.tcpStream === undefined ? [this.udx] : [this.udx, this.tcpStream]
  }

  get stream(): NoiseStream | undefined {
    return this.current
  }

  /** A TCP stream whose key was proven to be this peer's. */
  adoptTcp(stream: NoiseStream): void {
    if (this.tcpStream !== undefined || this.udx.destroyed) {
      stream.destroy()
      return
    }
    this.tcpStream = stream
    stream.on('error', error => this.broke.emit(error))
    this.boundMessages(stream)
    stream.once('close', () => {
      this.tcpStream = undefined
      if (!this.udx.destroyed) this.replicateOver(this.udx)
    })
    this.replicateOver(stream)
  }

  close(): void {
    clearTimeout(this.headStart)
    this.tcpStream?.destroy()
    this.udx.destroy()
  }

  /** A message says at its start how long it is: who announces too long a one is known before it is here. */
  private boundMessages(stream: NoiseStream): void {
    stream.rawStream.on('data', () => {
      const { peerMessageBytes } = this.options.limits()
      if (stream._len > peerMessageBytes)
        this.sentTooLong.emit(`it sent a message of more than ${formatBytes(peerMessageBytes)}`)
    })
  }

  /** Undefined for what is no message: throwing here would end the connection before anybody knows why. */
  private decode(state: DecodeState): unknown {
    const most = controlBytes(this.options.limits())
    if (state.end - state.start > most) {
      this.sentTooLong.emit(`it sent more than ${formatBytes(most)} about itself`)
      return undefined
    }
    if (++this.messages > PEER_LIMITS.controlMessages) return undefined
    try {
      return c.json.decode(state)
    } catch {
      return undefined
    }
  }

  private onMessage(message: unknown): void {
    if (!isRecord(message)) {
      this.misbehaved.emit('its messages were malformed or too many')
      return
    }
    if (message.type === 'hello' && !this.greeted) {
      this.greeted = true
      const { name, tcp } = readHello(message)
      this.name = name
      this.tcpOffer = tcp
      this.changed.emit()
      if (this.udx.isInitiator) this.tryTcp('then-ask')
    } else if (message.type === 'your-turn' && !this.udx.isInitiator && !this.hadTurn) {
      this.hadTurn = true
      this.tryTcp('only')
    }
  }

  private tryTcp(plan: 'then-ask' | 'only'): void {
    const { tcp, ownAddress } = this.options
    if (tcp === undefined || this.tcpStream !== undefined) return
    const observed = this.udx.rawStream.remoteHost
    const attempt =
      this.tcpOffer === null
        ? Promise.resolve(undefined)
        : tcp.connect(this.tcpOffer, observed, observed === ownAddress(), this.udx.remotePublicKey)
    attempt
      .then(stream => {
        if (stream !== undefined) this.adoptTcp(stream)
        else if (plan === 'then-ask' && !this.udx.destroyed) this.control?.send({ type: 'your-turn' })
      })
      .catch(() => this.replicateOver(this.udx))
  }

  /** Replicates over a stream of this peer from now on, unless a better one is in use. */
  replicateOver(stream: NoiseStream): void {
    if (stream.destroyed || this.current === stream) return
    if (stream === this.udx && this.tcpStream !== undefined && !this.tcpStream.destroyed) return
    clearTimeout(this.headStart)
    const from = this.current
    this.current = stream
    this.streamChanged.emit({ from, to: stream })
    this.changed.emit()
  }
}
