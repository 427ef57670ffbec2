/**
 * A private DHT for networks without internet, in one process. With fewer than three nodes no byte ever arrives
 * (a connection needs nodes to meet through), so there are ten.
 */
import DHT from 'hyperdht'

const NODES = 10

export interface PrivateDht {
  readonly host: string
  /** Port of the node to name as bootstrap. */
  readonly port: number
  stop(): Promise<void>
}

/**
 * @param port of the first node; 0: a free one
 * @param host address other machines reach this one at; 127.0.0.1 keeps the DHT to this machine.
 * @throws an error with the code `EADDRINUSE`. A PeerfoldError would not be recognised: this file is bundled by itself,
 *   with a class of its own.
 */
export async function startPrivateDht({ port, host }: { port: number; host: string }): Promise<PrivateDht> {
  const bind = host === '127.0.0.1' ? host : '0.0.0.0'
  const nodes: DHT[] = []
  const stop = async () => {
    for (const node of nodes.reverse()) await node.destroy({ force: true })
  }
  try {
    const first = new DHT({ ephemeral: false, firewalled: false, bootstrap: [], port, host: bind })
    nodes.push(first)
    await first.fullyBootstrapped()
    const taken = first.address().port
    // A node whose port is taken listens on another one.
    if (port !== 0 && taken !== port)
      throw Object.assign(new Error(`port ${port} is taken`), { code: 'EADDRINUSE' })
    const bootstrap = [{ host, port: taken }]
    while (nodes.length < NODES) {
      const node = new DHT({ ephemeral: false, firewalled: false, bootstrap, host: bind })
      nodes.push(node)
      await node.fullyBootstrapped()
    }
    return { host, port: taken, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
