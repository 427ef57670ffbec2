/**
 * How Hyperswarm makes connections.
 *
 * Read in hyperswarm 4.17.2: `_allConnections`, `_handleServerConnection`.
 */
import type { NoiseStream } from '@hyperswarm/secret-stream'
import Hyperswarm from 'hyperswarm'

/** Milliseconds after its opening in which a connection may still meet the one that the peer made at the same time. */
const CROSSED_WITHIN = 2_000

/** Whether a peer is connected, or being connected to. */
export function isConnecting(swarm: Hyperswarm, publicKey: Buffer): boolean {
  return swarm._allConnections.has(publicKey)
}

/**
 * Two peers that find each other at the same time both connect, and both must drop the same one of the two connections.
 * Their keys say which. But Hyperswarm drops the older one whenever that has carried bytes both ways, since a peer that
 * connects again has lost it. A connection may have carried bytes before the one that crosses it arrives. Then this side
 * would keep the one that the other has dropped, and neither would reach the other for a quarter of a minute. So of a
 * young connection the keys alone decide.
 */
export class PeerSwarm extends Hyperswarm {
  /** When each connection opened, milliseconds of `performance.now()`. */
  private readonly openedAt = new WeakMap<NoiseStream, number>()

  constructor(options: Hyperswarm.Options) {
    super(options)
    this.on('connection', (stream: NoiseStream) => this.openedAt.set(stream, performance.now()))
  }

  override _handleServerConnection(stream: NoiseStream): void {
    const existing = this._allConnections.get(stream.remotePublicKey)
    if (existing === undefined || !this.wins(existing, stream)) {
      super._handleServerConnection(stream)
      return
    }
    stream.on('error', () => {}) // the peer drops it as well
    stream.destroy()
    existing.sendKeepAlive() // shows soon if the peer has lost this one
  }

  /** Whether a connection made here stays although the peer's own has come. */
  private wins(existing: NoiseStream, { publicKey, remotePublicKey }: NoiseStream): boolean {
    const opened = this.openedAt.get(existing)
    if (!existing.isInitiator || existing.destroying || opened === undefined) return false
    return performance.now() - opened < CROSSED_WITHIN && Buffer.compare(publicKey, remotePublicKey) > 0
  }
}
