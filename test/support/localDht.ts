/** A private DHT on this machine, by our own command: what tests find peers through instead of the internet. */
import { startProcess } from './ownedProcess'
import { built } from './projectRoot'

export interface LocalDht {
  /** `host:port` of the node to start from. */
  readonly bootstrap: string
  /** Ends it. May be called twice. */
  stop(): Promise<void>
}

/** Starts ten nodes in one process; resolves when they answer. `port` 0 takes a free one; `launcher` is written before the command. */
export async function startLocalDht(
  options: { port?: number; launcher?: readonly string[] } = {},
): Promise<LocalDht> {
  const { port = 0, launcher = [] } = options
  const [command = '', ...args] = [
    ...launcher,
    process.execPath,
    built('cli.js'),
    'dht',
    '--port',
    String(port),
  ]
  const dht = startProcess(command, args)
  const bootstrap = await dht.line(line => /^\S+:\d+$/.test(line), { timeout: 30_000 })
  return {
    bootstrap,
    stop: async () => {
      await dht.stop()
    },
  }
}
