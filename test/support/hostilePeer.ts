/**
 * A peer that does what it likes: it connects to a peer process by its public key, with a key of its own, has a true
 * copy of a share, and may then say anything, at any layer, or nothing at all.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { KeyPair, NoiseStream } from '@hyperswarm/secret-stream'
import type { ReplicatorPeer } from 'hypercore'
import DHT from 'hyperdht'
import type Hyperdrive from 'hyperdrive'
import Protomux from 'protomux'
import { dataFolderPaths } from '../../src/wire/dataFolder'
import { StockClient } from './stockClient'

/** Messages of Hypercore's protocol, as the attacker sends them: of any content. */
export interface RawPeer extends ReplicatorPeer {
  readonly wireRange: { send(message: unknown): boolean }
  readonly wireBitfield: { send(message: unknown): boolean }
  readonly wireWant: { send(message: unknown): boolean }
  readonly wireRequest: { send(message: unknown): boolean }
  wireSync: { send(message: unknown): boolean }
  sendSync(): void
  readonly wireData: { send(message: RawData): boolean }
  onrequest(message: unknown): Promise<void>
  ondata(message: unknown): Promise<void>
  extension(name: string, message: Buffer): void
}

export interface RawData {
  readonly block: { value: Buffer } | null
  readonly hash?: { readonly nodes: readonly { readonly hash: Buffer }[] } | null
}

/** The public key of the peer process on a data folder. */
export function publicKeyOf(storage: string): Buffer {
  const { seed }: { seed: string } = JSON.parse(readFileSync(dataFolderPaths(storage).keys, 'utf8'))
  return DHT.keyPair(Buffer.from(seed, 'hex')).publicKey
}

/** Milliseconds; connecting takes a few of them on one machine. */
const LET_IN_WITHIN = 2_000

export class HostilePeer {
  readonly streams: NoiseStream[] = []

  private constructor(
    private readonly dht: DHT,
    private readonly client: StockClient,
  ) {}

  static async start(bootstrap: string): Promise<HostilePeer> {
    const [host = '', port] = bootstrap.split(':')
    const dht = new DHT({ bootstrap: [{ host, port: Number(port) }] })
    return new HostilePeer(dht, await StockClient.start(bootstrap))
  }

  /** A whole and true copy of a public share, to tell lies about. */
  async mirror(key: Buffer): Promise<Hyperdrive> {
    const drive = await this.client.open(key)
    const { core } = await drive.getBlobs()
    await core.update({ wait: true })
    await drive.core.download({ start: 0, end: drive.core.length }).done()
    await core.download({ start: 0, end: core.length }).done()
    return drive
  }

  /** Takes the client that mirrored off the network, so that it, being honest, serves nobody from now on. */
  async hideMirror(): Promise<void> {
    await this.client.leaveNetwork()
  }

  /** Connects; undefined: it was refused. */
  async connect(
    remote: Buffer,
    keyPair: KeyPair = DHT.keyPair(),
  ): Promise<{ stream: NoiseStream; keyPair: KeyPair } | undefined> {
    const stream = this.dht.connect(remote, { keyPair })
    this.streams.push(stream)
    stream.on('error', ignoreBrokenConnection)
    const isOpen = await Promise.race([
      stream.opened,
      new Promise<false>(resolve => stream.once('close', () => resolve(false))),
    ])
    return isOpen ? { stream, keyPair } : undefined
  }

  /** Whether it may connect. A refused peer gets no answer, and would find out only after eight seconds. */
  async isLetIn(remote: Buffer, keyPair: KeyPair): Promise<boolean> {
    const attempt = this.connect(remote, keyPair)
    const stream = this.streams.at(-1)
    const connected = await Promise.race([attempt, delay(LET_IN_WITHIN, undefined)])
    stream?.destroy()
    return connected !== undefined
  }

  /** Offers a drive's logs over a stream. → the other side, once it has opened the log of bytes */
  async replicate(drive: Hyperdrive, stream: NoiseStream): Promise<RawPeer> {
    const { core } = await drive.getBlobs()
    const added = new Promise<RawPeer>(resolve => {
      const look = (peer: RawPeer) => {
        if (peer.stream !== stream) return
        core.off('peer-add', look)
        resolve(peer)
      }
      core.on('peer-add', look)
    })
    this.client.replicate(stream)
    return added
  }

  muxOf(stream: NoiseStream): Protomux {
    return Protomux.from(stream)
  }

  async close(): Promise<void> {
    for (const stream of this.streams) stream.destroy()
    await this.client.close()
    await this.dht.destroy()
  }
}

function ignoreBrokenConnection(): void {}
