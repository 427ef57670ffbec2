/**
 * Direct TCP between two peers that have met already. Over a local network or between public addresses it carries
 * the same Noise stream more than twice as fast as UDX, which sends datagrams.
 *
 * Only the peer's own addresses are tried, so nobody can be made to connect to a third party. The first is the address
 * that the existing connection goes to, once the peer has proven to be there (provenAddress.ts). When both sit behind
 * one public address, the addresses that it offers in networks of this machine come next. The peer must prove the
 * expected Noise key.
 */
import { BlockList, connect, createServer, isIP, type Server, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import NoiseSecretStream, { type KeyPair, type NoiseStream } from '@hyperswarm/secret-stream'
import b4a from 'b4a'
import { type Handshake, Handshakes } from './guard/handshakes'
import { MAX_ADDRESSES, type TcpOffer } from './hello'

/** How long (milliseconds) a connection may take to prove a key. */
const PROVE_WITHIN = 5_000
const CONNECT_WITHIN = 1_500
const KEEP_ALIVE = 5_000
const MAX_ATTEMPTS = 2

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

export interface DialledTcp {
  /** Its key is proven. */
  readonly stream: NoiseStream
  /** Milliseconds of the shortest round trip while it was made; at least one. */
  readonly trip: number
}

export class TcpTransport {
  private readonly handshakes = new Handshakes()

  private constructor(
    private readonly server: Server,
    private readonly keyPair: KeyPair,
    private readonly onStream: (stream: NoiseStream) => void,
  ) {
    server.on('connection', socket => this.accept(socket))
  }

  /** Listens on any free port of all interfaces. `onStream` gets streams whose key is proven. */
  static async listen(keyPair: KeyPair, onStream: (stream: NoiseStream) => void): Promise<TcpTransport> {
    const server = createServer({ noDelay: true })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, () => resolve())
    })
    server.on('error', ignoreBrokenConnection)
    return new TcpTransport(server, keyPair, onStream)
  }

  /** What to tell a peer about how this machine can be reached: no more than it reads. */
  offer(): TcpOffer {
    const address = this.server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    return {
      port,
      addresses: ownNetworks()
        .slice(0, MAX_ADDRESSES)
        .map(({ address }) => address),
    }
  }

  /**
   * Connects to a peer at one of its own addresses; undefined when none answers with the expected key.
   * @param host where it is proven to be
   * @param longest milliseconds that the first round trip may take; after a longer one, no handshake is begun
   */
  async connect(
    offer: TcpOffer,
    host: string,
    sameNat: boolean,
    remoteKey: Buffer,
    longest = Number.POSITIVE_INFINITY,
  ): Promise<DialledTcp | undefined> {
    for (const candidate of candidates(offer, host, sameNat)) {
      const dialled = await this.tryConnect(candidate, offer.port, remoteKey, longest)
      if (dialled !== undefined) return dialled
    }
    return undefined
  }

  async close(): Promise<void> {
    await new Promise<void>(resolve => this.server.close(() => resolve()))
  }

  private async tryConnect(
    host: string,
    port: number,
    remoteKey: Buffer,
    longest: number,
  ): Promise<DialledTcp | undefined> {
    const began = performance.now()
    const socket = connect({ host, port, noDelay: true })
    const connected = await isConnected(socket, CONNECT_WITHIN)
    const first = performance.now() - began
    if (!connected || first > longest) {
      socket.destroy()
      return undefined
    }
    const stream = secret(true, socket, { keyPair: this.keyPair, remotePublicKey: remoteKey, pattern: 'IK' })
    const isPeer = (await proven(stream, CONNECT_WITHIN)) && b4a.equals(stream.remotePublicKey, remoteKey)
    // A busy process notices the end of a round trip late, so the shorter one counts.
    const second = performance.now() - began - first
    return isPeer ? { stream, trip: Math.max(1, Math.min(first, second)) } : undefined
  }

  private accept(socket: Socket): void {
    const handshake: Handshake = {
      address: socket.remoteAddress,
      received: () => socket.bytesRead,
      close: () => socket.destroy(),
    }
    this.handshakes.add(handshake)
    const stream = secret(false, socket, { keyPair: this.keyPair, pattern: 'IK' })
    proven(stream, PROVE_WITHIN)
      .then(isProven => {
        if (isProven) this.onStream(stream)
      })
      .finally(() => this.handshakes.delete(handshake))
      .catch(() => stream.destroy())
  }
}

/** The addresses a peer may be tried at, at most two. Exported for tests. */
export function candidates(offer: TcpOffer, observed: string | null, sameNat: boolean): string[] {
  const hosts: string[] = []
  if (observed !== null && isIP(observed) !== 0) hosts.push(observed)
  if (sameNat) hosts.push(...offer.addresses.filter(isInOwnNetwork))
  return [...new Set(hosts)].slice(0, MAX_ATTEMPTS)
}

function secret(
  isInitiator: boolean,
  socket: Socket,
  options: { keyPair: KeyPair; remotePublicKey?: Buffer; pattern: 'IK' },
): NoiseStream {
  const stream: unknown = new NoiseSecretStream(isInitiator, socket, { ...options, keepAlive: KEEP_ALIVE })
  return stream as NoiseStream
}

async function isConnected(socket: Socket, milliseconds: number): Promise<boolean> {
  const timer = setTimeout(() => socket.destroy(), milliseconds)
  socket.on('error', ignoreBrokenConnection)
  try {
    return await new Promise<boolean>(resolve => {
      socket.once('connect', () => resolve(true))
      socket.once('close', () => resolve(false))
    })
  } finally {
    clearTimeout(timer)
  }
}

async function proven(stream: NoiseStream, milliseconds: number): Promise<boolean> {
  stream.on('error', ignoreBrokenConnection)
  const timer = setTimeout(() => stream.destroy(), milliseconds)
  const closed = new Promise<false>(resolve => stream.once('close', () => resolve(false)))
  try {
    const opened = await Promise.race([stream.opened, closed])
    if (!opened) stream.destroy()
    return opened
  } finally {
    clearTimeout(timer)
  }
}

function ownNetworks(): { address: string; family: 'ipv4' | 'ipv6'; bits: number }[] {
  return Object.values(networkInterfaces()).flatMap(addresses =>
    (addresses ?? []).flatMap(({ address, family, cidr, internal }) => {
      const bits = Number(cidr?.split('/')[1])
      if (internal || family !== 'IPv4' || !Number.isInteger(bits)) return []
      return [{ address, family: 'ipv4' as const, bits }]
    }),
  )
}

/** Whether an address is this machine's. */
export function isOwnAddress(address: string): boolean {
  if (isIP(address) === 0) return false
  if (LOOPBACK.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6')) return true
  return Object.values(networkInterfaces()).some(all => all?.some(own => own.address === address))
}

function isInOwnNetwork(address: string): boolean {
  if (isIP(address) !== 4) return false
  const networks = new BlockList()
  for (const own of ownNetworks()) networks.addSubnet(own.address, own.bits, own.family)
  return networks.check(address, 'ipv4')
}

/** A connection that breaks also closes, and closing is what everyone listens to. */
function ignoreBrokenConnection(): void {}
