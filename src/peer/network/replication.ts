/**
 * Which logs are replicated over which streams. Every served log goes over every link's current stream, and nothing
 * else does: a log that is merely in the store (a stopped share) is served to nobody.
 */

import type { NoiseStream } from '@hyperswarm/secret-stream'
import b4a from 'b4a'
import Hypercore from 'hypercore'
import type { Conduct } from './conduct'
import type { PeerLink } from './link'
import { muxOf } from './mux'

export class Replication {
  private readonly served = new Map<string, Hypercore>()
  private readonly links = new Set<PeerLink>()

  constructor(private readonly conduct: Conduct) {}

  /** Replicates a log over all links, present and future, until `withdraw`. */
  serve(core: Hypercore): void {
    const id = b4a.toString(core.discoveryKey, 'hex')
    if (this.served.has(id)) return
    this.served.set(id, core)
    this.conduct.watch(core)
    for (const link of this.links) if (link.stream !== undefined) attach(core, link.stream)
  }

  withdraw(core: Hypercore): void {
    if (!this.served.delete(b4a.toString(core.discoveryKey, 'hex'))) return
    for (const link of this.links) if (link.stream !== undefined) detach(core, link.stream)
    this.conduct.unwatch(core)
  }

  add(link: PeerLink): void {
    this.links.add(link)
    this.accept(link, link.udx)
    link.streamChanged.on(({ from, to }) => {
      if (from !== undefined && !from.destroyed) for (const core of this.served.values()) detach(core, from)
      if (to !== link.udx) this.accept(link, to)
      for (const core of this.served.values()) attach(core, to)
    })
  }

  remove(link: PeerLink): void {
    this.links.delete(link)
  }

  /**
   * Answers what the peer asks for over a stream. A stock client asks for its logs the moment it is connected, and
   * takes a refusal for an answer: that there is nothing to wait for.
   */
  private accept(link: PeerLink, stream: NoiseStream): void {
    Hypercore.createProtocolStream(stream, {
      ondiscoverykey: async discoveryKey => {
        const core = this.served.get(b4a.toString(discoveryKey, 'hex'))
        if (core === undefined) return
        link.replicateOver(stream)
        if (link.stream !== stream) return
        attach(core, stream)
        await stream.opened // the log's channel is made by then
      },
    })
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
