/** A private DHT on this machine, by our own command: what tests find peers through instead of the internet. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { startProcess } from './ownedProcess'
import { built } from './projectRoot'

export interface LocalDht {
  /** `host:port` of the node to start from. */
  readonly bootstrap: string
  /** Ends it. May be called twice. */
  stop(): Promise<void>
}

/**
 * Starts ten nodes in one process; resolves when they answer. Without `port` it takes a free one, and not the usual port
 * of a DHT: every peer process tries that first, so another node would answer there once this DHT has ended.
 *
 * @param options.launcher is written before the command
 * @param options.host where other machines reach it
 */
export async function startLocalDht(
  options: { port?: number; launcher?: readonly string[]; host?: string } = {},
): Promise<LocalDht> {
  const { port = await freePort(), launcher = [], host } = options
  const [command = '', ...args] = [
    ...launcher,
    process.execPath,
    built('cli.js'),
    'dht',
    '--port',
    String(port),
    ...(host === undefined ? [] : ['--host', host]),
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

async function freePort(): Promise<number> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  await once(socket, 'close')
  return port
}
