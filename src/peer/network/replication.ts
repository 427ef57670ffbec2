/**
 * Which logs are replicated over which streams. Every served log goes over every link's current stream, and nothing
 * else does: a log that is merely in the store (a stopped share) is served to nobody.
 */

import type { NoiseStream } from '@hyperswarm/secret-stream'
import b4a from 'b4a'
import Hypercore from 'hypercore'
import type { PeerLink } from './link'
import { muxOf } from './mux'

export class Replication {
  private readonly served = new Map<string, Hypercore>()
  private readonly links = new Set<PeerLink>()

  /** Replicates a log over all links, present and future, until `withdraw`. */
  serve(core: Hypercore): void {
    const id = b4a.toString(core.discoveryKey, 'hex')
    if (this.served.has(id)) return
    this.served.set(id, core)
    for (const link of this.links) if (link.stream !== undefined) attach(core, link.stream)
  }

  withdraw(core: Hypercore): void {
    if (!this.served.delete(b4a.toString(core.discoveryKey, 'hex'))) return
    for (const link of this.links) if (link.stream !== undefined) detach(core, link.stream)
  }

  add(link: PeerLink): void {
    this.links.add(link)
    link.streamChanged.on(({ from, to }) => {
      if (from !== undefined && !from.destroyed) for (const core of this.served.values()) detach(core, from)
      this.open(to)
    })
  }

  remove(link: PeerLink): void {
    this.links.delete(link)
  }

  private open(stream: NoiseStream): void {
    Hypercore.createProtocolStream(stream, {
      ondiscoverykey: discoveryKey => {
        const core = this.served.get(b4a.toString(discoveryKey, 'hex'))
        if (core !== undefined && this.isCurrent(stream)) attach(core, stream)
      },
    })
    for (const core of this.served.values()) attach(core, stream)
  }

  private isCurrent(stream: NoiseStream): boolean {
    for (const link of this.links) if (link.stream === stream) return true
    return false
  }
}

function attach(core: Hypercore, stream: NoiseStream): void {
  if (core.closing !== null || stream.destroyed) return
  const mux = muxOf(stream)
  if (!core.core.replicator.attached(mux)) core.core.replicator.attachTo(mux)
}

function detach(core: Hypercore, stream: NoiseStream): void {
  if (core.closing !== null || !core.opened) return
  const mux = muxOf(stream)
  if (core.core.replicator.attached(mux)) core.core.replicator.detachFrom(mux)
  for (const peer of [...core.peers]) if (peer.protomux === mux) peer.channel.close()
}
