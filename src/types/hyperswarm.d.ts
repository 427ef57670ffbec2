declare module '@hyperswarm/secret-stream' {
  import type { Duplex } from 'node:stream'
  import type Protomux from 'protomux'

  export interface KeyPair {
    publicKey: Buffer
    secretKey: Buffer
  }
  export interface RawUdxStream {
    /** Of a UDX stream: where datagrams are sent. They are accepted from anywhere. */
    readonly remoteHost: string | null
    readonly remotePort: number
    /** Of a TCP socket. */
    readonly remoteAddress?: string | undefined
    /** Of a UDX stream: bytes that were written and have not arrived. */
    readonly _writableState?: { readonly buffered: number }
    /** The same of a TCP socket, as far as the system has not taken them. */
    readonly writableLength?: number
    /** So far, of a UDX stream. */
    readonly bytesReceived?: number
    /** Of a UDX stream: smoothed time of a round trip in whole milliseconds; 0 also until it was measured. */
    readonly rtt?: number
    /** Of a UDX stream: datagrams sent so far, and retransmissions, which wrap at 65,536. */
    readonly packetsTransmitted?: number
    readonly retransmits?: number
    /** So far, of a TCP socket. */
    readonly bytesRead?: number
    /** The UDP socket that a UDX stream goes through; null before and after. */
    readonly socket?: { getRecvBufferSize(): number; setRecvBufferSize(bytes: number): void } | null
    /** Below the encryption. */
    write(bytes: Uint8Array): boolean
    on(event: 'data', listener: (bytes: Uint8Array) => void): unknown
    on(event: 'remote-changed' | 'close', listener: () => void): unknown
  }
  export interface UdxStream extends RawUdxStream {
    /** Is called with what was received, and with null at its end. */
    push(bytes: Uint8Array | null): boolean
    readonly id: number
    connect(socket: object, remoteId: number, port: number, host: string): void
    /** Whether each datagram is handed over at once, or only what fills a buffer (66 KiB). */
    setInteractive(interactive: boolean): void
  }
  /** An encrypted stream between two peers that know each other's key. */
  export interface NoiseStream extends Duplex {
    readonly publicKey: Buffer
    readonly remotePublicKey: Buffer
    readonly isInitiator: boolean
    /** The same for both sides, and for no other connection (64 bytes). */
    readonly handshakeHash: Buffer
    readonly opened: Promise<boolean>
    readonly rawStream: RawUdxStream
    /** Bytes of all messages so far, as they are sent. */
    readonly rawBytesWritten: number
    readonly rawBytesRead: number
    userData: Protomux | null
    /** Length of the message that is being received, encrypted, in bytes; 0 between messages. */
    readonly _len: number
    /** That of streamx, which these streams are made with; a Node socket has another. */
    readonly _writableState?: { readonly buffered: number }
    setKeepAlive(milliseconds: number): void
    /** Sends an empty message now. */
    sendKeepAlive(): void
    /** It is being closed, or was. */
    readonly destroying: boolean
    setTimeout(milliseconds: number): void
  }
  export default class NoiseSecretStream {
    static keyPair(): KeyPair
    constructor(
      isInitiator: boolean,
      rawStream: Duplex | RawUdxStream,
      options?: {
        keyPair?: KeyPair
        remotePublicKey?: Uint8Array
        pattern?: 'IK' | 'XX'
        keepAlive?: number
        /** The result of a handshake that is done already. */
        handshake?: object
      },
    )
  }
}

declare module 'protomux' {
  import type { NoiseStream } from '@hyperswarm/secret-stream'

  namespace Protomux {
    interface Message<T> {
      send(value: T): boolean
    }
    interface Channel {
      readonly opened: boolean
      readonly closed: boolean
      open(handshake?: unknown): void
      close(): void
      fullyOpened(): Promise<boolean>
      addMessage<T>(options: { encoding: unknown; onmessage?: (value: T) => void }): Message<T>
    }
  }
  class Protomux {
    /** Messages sent between `cork` and `uncork` leave as one. */
    cork(): void
    uncork(): void
    static from(stream: NoiseStream): Protomux
    readonly stream: NoiseStream
    /** Called when the other side opens a channel. */
    _onopensession(state: import('compact-encoding').DecodeState): unknown
    /** Channels the other side has opened, by number; null where one was closed. */
    readonly _remote: readonly unknown[]
    createChannel(options: {
      protocol: string
      id?: Uint8Array | null
      onopen?: () => void
      onclose?: (isRemote: boolean) => void
    }): Protomux.Channel | null
    pair(options: { protocol: string; id?: Uint8Array | null }, notify: () => void): void
    /** Whether this side has opened such a channel, and the other has not refused or closed it. */
    opened(options: { protocol: string; id?: Uint8Array | null }): boolean
  }
  export = Protomux
}

declare module 'compact-encoding' {
  export const uint: { decode(state: { start: number; end: number; buffer: Uint8Array }): number }
  export interface DecodeState {
    readonly start: number
    readonly end: number
    readonly buffer: Buffer
  }
  export interface Encoding {
    preencode(state: unknown, value: unknown): void
    encode(state: unknown, value: unknown): void
    decode(state: DecodeState): unknown
  }
  export const json: Encoding
  export const string: { decode(state: DecodeState): string }
  export const optionalBuffer: { decode(state: DecodeState): Buffer | null }
  export function encode<T>(encoding: { encode(state: unknown, value: T): void }, value: T): Buffer
  export function decode<T>(encoding: { decode(state: never): T }, buffer: Uint8Array): T
  export const buffer: unknown
  export const raw: unknown
}

declare module 'hyperdht' {
  import type { EventEmitter } from 'node:events'
  import type { Duplex } from 'node:stream'
  import type { KeyPair, UdxStream } from '@hyperswarm/secret-stream'

  interface BootstrapNode {
    host: string
    port: number
  }
  class DHT extends EventEmitter {
    constructor(options?: {
      bootstrap?: readonly (string | BootstrapNode)[]
      keyPair?: KeyPair
      host?: string
      port?: number
      ephemeral?: boolean
      firewalled?: boolean
    })
    readonly host: string | null
    readonly port: number
    readonly online: boolean
    readonly firewalled: boolean
    readonly bootstrapped: boolean
    readonly nodes: { readonly length: number }
    fullyBootstrapped(): Promise<void>
    connect(
      remotePublicKey: Uint8Array,
      options?: { keyPair?: KeyPair },
    ): import('@hyperswarm/secret-stream').NoiseStream
    address(): { host: string; family: number; port: number }
    /** UDX streams that are open, whatever for. */
    readonly rawStreams: Iterable<UdxStream>
    /**
     * Called for every connection, made or taken.
     *
     * @param options.framed each message comes after its length, as in a secret stream
     * @param options.firewall is asked about datagrams that come before the stream is connected; true: they are ignored
     */
    createRawStream(options: { readonly framed?: boolean; readonly firewall?: () => boolean }): UdxStream
    lookup(
      target: Uint8Array,
    ): AsyncIterable<{ peers: readonly { publicKey: Buffer }[] }> &
      Duplex & { readonly closestNodes: readonly unknown[] }
    destroy(options?: { force?: boolean }): Promise<void>
    // What nodes pass on to connect two peers. Tests send it themselves.
    readonly socket: object
    readonly _router: { onpeerhandshake(request: { readonly value: Buffer | null }): Promise<void> }
    request(
      message: { command: number; target: Uint8Array; value: Uint8Array },
      to: { host: string; port: number },
    ): Promise<unknown>
    ping(node: { host: string; port: number }): Promise<unknown>
    static keyPair(seed?: Uint8Array): KeyPair
    static BOOTSTRAP: readonly BootstrapNode[]
  }
  export = DHT
}

declare module 'hyperdht/lib/messages.js' {
  interface Handshake {
    readonly mode: number
    readonly noise: Buffer
    readonly peerAddress: { readonly host: string; readonly port: number } | null
    readonly relayAddress: { readonly host: string; readonly port: number } | null
  }
  /** What nodes pass on between two peers that connect. */
  export const handshake: {
    preencode(state: unknown, value: Handshake): void
    encode(state: unknown, value: Handshake): void
    decode(state: unknown): Handshake
  }
}

declare module 'hyperdht/lib/noise-wrap.js' {
  import type { KeyPair } from '@hyperswarm/secret-stream'

  /** The handshake of two peers, carried in the messages that nodes pass on. */
  class NoiseWrap {
    constructor(keyPair: KeyPair, remotePublicKey: Uint8Array)
    send(payload: object): Promise<Buffer>
    recv(noise: Uint8Array): Promise<{ readonly udx: { readonly id: number } }>
    final(): object
  }
  export = NoiseWrap
}

declare module 'hyperswarm' {
  import type { EventEmitter } from 'node:events'
  import type { KeyPair, NoiseStream } from '@hyperswarm/secret-stream'
  import type DHT from 'hyperdht'

  namespace Hyperswarm {
    interface Options {
      readonly keyPair?: KeyPair
      readonly bootstrap?: readonly string[]
      readonly dht?: DHT
      readonly maxPeers?: number
      readonly firewall?: (remotePublicKey: Buffer) => boolean
    }
    interface PeerInfo extends EventEmitter {
      readonly publicKey: Buffer
      readonly banned: boolean
      readonly attempts: number
      readonly proven: boolean
      /** It is to be connected to. */
      readonly queued: boolean
      /** Our topics under which the peer was found. Each new one emits `topic`. */
      readonly topics: readonly Buffer[]
      ban(value: boolean): void
    }
    interface PeerDiscovery {
      flushed(): Promise<boolean>
      refresh(options?: { client?: boolean; server?: boolean }): Promise<void>
      destroy(): Promise<void>
    }
  }
  class Hyperswarm extends EventEmitter {
    constructor(options?: Hyperswarm.Options)
    readonly dht: DHT
    readonly keyPair: KeyPair
    readonly connections: ReadonlySet<NoiseStream>
    readonly connecting: number
    /** The most connections, made and taken. Read for every new one. */
    maxPeers: number
    readonly peers: ReadonlyMap<string, Hyperswarm.PeerInfo>
    /** All connections, with those that are still being made. */
    readonly _allConnections: {
      has(publicKey: Buffer): boolean
      get(publicKey: Buffer): NoiseStream | undefined
    }
    /** Takes a connection that a peer has made. */
    _handleServerConnection(stream: NoiseStream): void
    /** Whether a peer is refused. Waited for when the peer connects, and must answer at once before it is connected to.
     *  @param payload of the peer that connects */
    _handleFirewall(remotePublicKey: Buffer, payload: object | null): boolean | Promise<boolean>
    join(topic: Uint8Array, options?: { server?: boolean; client?: boolean }): Hyperswarm.PeerDiscovery
    leave(topic: Uint8Array): Promise<void>
    /** Lets others connect by this machine's key. */
    listen(): Promise<void>
    joinPeer(publicKey: Uint8Array): void
    leavePeer(publicKey: Uint8Array): void
    flush(): Promise<boolean>
    suspend(): Promise<void>
    resume(): Promise<void>
    destroy(options?: { force?: boolean }): Promise<void>
  }
  export = Hyperswarm
}
