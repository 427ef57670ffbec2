/** Another program on the same network: plain Corestore, Hyperdrive and Hyperswarm, as their documentation uses them. */
import type { NoiseStream } from '@hyperswarm/secret-stream'
import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import Hyperswarm from 'hyperswarm'
import { eventually } from './eventually'
import { temporaryFolder } from './folders'
import type { HyperPackages } from './olderHypercore'

export class StockClient {
  private constructor(
    private readonly store: Corestore,
    private readonly swarm: Hyperswarm,
    private readonly packages: HyperPackages,
  ) {}

  /**
   * @param packages may be upon another Hypercore than ours, see olderHypercore.ts
   * @param beside is given every connection first, to speak another protocol there
   */
  static async start(
    bootstrap: string,
    packages: HyperPackages = { Corestore, Hyperdrive },
    beside: (stream: NoiseStream) => void = () => {},
  ): Promise<StockClient> {
    const store = new packages.Corestore(temporaryFolder('stock'))
    await store.ready()
    const [host = '', port] = bootstrap.split(':')
    const { default: DHT } = await import('hyperdht')
    const swarm = new Hyperswarm({ dht: new DHT({ bootstrap: [{ host, port: Number(port) }] }) })
    swarm.on('connection', (stream: NoiseStream) => {
      stream.on('error', closesAsWell)
      beside(stream)
      store.replicate(stream)
    })
    return new StockClient(store, swarm, packages)
  }

  /** Somebody else's drive, at its newest version. */
  async open(key: Uint8Array, encryptionKey?: Uint8Array): Promise<Hyperdrive> {
    const drive = new this.packages.Hyperdrive(this.store.session(), key, {
      encryptionKey: encryptionKey ?? null,
    })
    await drive.ready()
    const session = this.swarm.join(drive.discoveryKey)
    // A peer that was just started may not have announced it yet, and a swarm looks again only after minutes.
    await eventually('somebody who has it is found', async () => {
      const found = drive.findingPeers()
      this.swarm.flush().then(found, found)
      await drive.update()
      if (drive.core.length > 0) return true
      await session.refresh()
      return false
    })
    return drive
  }

  /** A drive of its own, which it announces. */
  async create(encryptionKey?: Uint8Array): Promise<Hyperdrive> {
    const drive = new this.packages.Hyperdrive(this.store.namespace(String(Math.random())), {
      encryptionKey: encryptionKey ?? null,
    })
    await drive.ready()
    await this.swarm.join(drive.discoveryKey).flushed()
    return drive
  }

  /** Offers all its open logs over a stream made elsewhere. */
  replicate(stream: NoiseStream): void {
    this.store.replicate(stream)
  }

  /** Nobody finds it from now on. Its drives stay open. */
  async leaveNetwork(): Promise<void> {
    await this.swarm.destroy()
  }

  async close(): Promise<void> {
    await this.swarm.destroy()
    await this.store.close()
  }
}

/** All entries of a drive by path, as `list` tells them. */
export async function listAll(
  drive: Hyperdrive,
): Promise<Map<string, { executable: boolean; linkname: string | null }>> {
  const entries = new Map<string, { executable: boolean; linkname: string | null }>()
  for await (const { key, value } of drive.list('/')) {
    entries.set(key, { executable: value.executable, linkname: value.linkname })
  }
  return entries
}

/** A connection that breaks also closes, and Hyperswarm listens to that. */
function closesAsWell(): void {}
