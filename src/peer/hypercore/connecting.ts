/**
 * Connecting to peers by what Hyperswarm keeps of them.
 *
 * Read in hyperswarm 4.17.2: `_allConnections`, `_upsertPeer`, `_enqueue` and `_shouldRequeue` of index.js, and
 * `_updatePriority` of lib/peer-info.js.
 */
import type Hyperswarm from 'hyperswarm'
import type { NodeAddress, PeerInfo } from 'hyperswarm'

/** A peer that had something, and nodes through which it could be reached. */
export interface MetPeer {
  /** Public key (hex). */
  readonly key: string
  readonly relays: readonly NodeAddress[]
}

/** Whether a peer is connected, or being connected to. */
export function isConnecting(swarm: Hyperswarm, publicKey: Buffer): boolean {
  return swarm._allConnections.has(publicKey)
}

/** Undefined: it came by itself, and nobody said through which nodes it can be reached. */
export function asMet({ publicKey, relayAddresses }: PeerInfo): MetPeer | undefined {
  if (relayAddresses == null || relayAddresses.length === 0) return undefined
  return {
    key: publicKey.toString('hex'),
    relays: relayAddresses.map(({ host, port }) => ({ host, port })),
  }
}

/**
 * Connects to a peer through the nodes of before, once. As long as nobody names it for a topic, Hyperswarm does not try
 * again, and nobody waits for it.
 * @returns gives up, unless it is connected or was found meanwhile; undefined: it was found already
 */
export function connectAgain(swarm: Hyperswarm, { key, relays }: MetPeer): (() => void) | undefined {
  if (swarm.peers.has(key)) return undefined
  const publicKey = Buffer.from(key, 'hex')
  const info = swarm._upsertPeer(publicKey, relays)
  if (!info?._updatePriority()) return undefined
  swarm._enqueue(info)
  return () => {
    const stream = swarm._allConnections.get(publicKey)
    if (stream !== undefined && !swarm.connections.has(stream) && info.topics.length === 0) stream.destroy()
  }
}
