/** A private DHT on this machine, by our own command: what tests find peers through instead of the internet. */
import { startProcess } from './ownedProcess'
import { built } from './projectRoot'

export interface LocalDht {
  /** `host:port` of the node to start from. */
  readonly bootstrap: string
  /** Ends it. May be called twice. */
  stop(): Promise<void>
}

/** Starts ten nodes in one process; resolves when they answer. `port` 0 takes a free one. */
export async function startLocalDht(options: { port?: number } = {}): Promise<LocalDht> {
  const dht = startProcess(process.execPath, [built('cli.js'), 'dht', '--port', String(options.port ?? 0)])
  const bootstrap = await dht.line(line => /^\S+:\d+$/.test(line), { timeout: 30_000 })
  return {
    bootstrap,
    stop: async () => {
      await dht.stop()
    },
  }
}
