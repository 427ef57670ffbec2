/**
 * The link to one connected peer: who it is, and over which stream logs are replicated with it.
 *
 * The UDX stream that the swarm made always stays, as control channel and fallback. Peers that speak `peerfold/1` on
 * it exchange a hello with their name and where they can be reached by TCP; the side that made the connection tries
 * first, then asks the other side to. Replication starts over UDX when TCP is not up within a moment, and moves when
 * it is. Peers that do not speak it (other Hyperdrive clients) replicate over UDX at once.
 */
import type { NoiseStream } from '@hyperswarm/secret-stream'
import c from 'compact-encoding'
import type { Channel, Message } from 'protomux'
import type { PeerId } from '../../common/brand'
import { Signal } from '../../common/signal'
import { isCount, isRecord } from '../drive/entry'
import { peerIdOf } from '../keys'
import { Rate } from '../rate'
import { muxOf } from './mux'
import type { TcpOffer, TcpTransport } from './tcp'

/** Replication waits this long (milliseconds) for TCP before it starts over UDX. */
const TCP_HEAD_START = 300
const MAX_NAME = 64
const MAX_ADDRESSES = 8

type ControlMessage =
  | { readonly type: 'hello'; readonly name: string; readonly tcp: TcpOffer | null }
  | { readonly type: 'your-turn' }

export interface LinkOptions {
  readonly name: string
  readonly tcp: TcpTransport | undefined
  /** This machine's public address as the DHT sees it, if known. */
  readonly ownAddress: () => string | null
}

export class PeerLink {
  readonly id: PeerId
  readonly key: string
  /** What the peer calls itself. Untrusted. */
  name = ''
  readonly down = new Rate()
  readonly up = new Rate()
  /** Emits the stream to replicate over, first and whenever it changes. */
  readonly streamChanged = new Signal<{ from: NoiseStream | undefined; to: NoiseStream }>()
  /** Emits when something worth showing changed. */
  readonly changed = new Signal<void>()
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
      encoding: c.json,
      onmessage: message => this.onMessage(message),
    })
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

  private onMessage(message: unknown): void {
    if (!isRecord(message)) return
    if (message.type === 'hello') {
      this.name = typeof message.name === 'string' ? message.name.slice(0, MAX_NAME) : ''
      this.tcpOffer = parseOffer(message.tcp)
      this.changed.emit()
      if (this.udx.isInitiator) this.tryTcp('then-ask')
    } else if (message.type === 'your-turn' && !this.udx.isInitiator) {
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

function parseOffer(value: unknown): TcpOffer | null {
  if (!isRecord(value) || !isCount(value.port) || value.port < 1 || value.port > 65_535) return null
  const addresses = Array.isArray(value.addresses) ? value.addresses.slice(0, MAX_ADDRESSES) : []
  return { port: value.port, addresses: addresses.filter((address: unknown) => typeof address === 'string') }
}
