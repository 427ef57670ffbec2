import type Hyperswarm from 'hyperswarm'

/**
 * Whether a peer is connected, or being connected to.
 *
 * Read in hyperswarm 4.17.2: `_allConnections`.
 */
export function isConnecting(swarm: Hyperswarm, publicKey: Buffer): boolean {
  return swarm._allConnections.has(publicKey)
}
