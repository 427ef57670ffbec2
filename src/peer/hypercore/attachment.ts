/**
 * Controls over which streams a log is replicated. Hypercore attaches logs to streams by itself. Here each is
 * attached to a chosen one.
 *
 * Read in hypercore 11.39.5: `attached`, `attachTo` and `detachFrom` of lib/replicator.js.
 */
import type { NoiseStream } from '@hyperswarm/secret-stream'
import type Hypercore from 'hypercore'
import { muxOf } from './mux'

export function attach(core: Hypercore, stream: NoiseStream): void {
  if (core.closing !== null || stream.destroyed) return
  const mux = muxOf(stream)
  if (!core.core.replicator.attached(mux)) core.core.replicator.attachTo(mux)
}

export function detach(core: Hypercore, stream: NoiseStream): void {
  if (core.closing !== null || !core.opened) return
  const mux = muxOf(stream)
  if (core.core.replicator.attached(mux)) core.core.replicator.detachFrom(mux)
  for (const peer of [...core.peers]) if (peer.protomux === mux) peer.channel.close()
}

/** Whether a log is offered over a stream, and the other side has not opened it. */
export function hasRefused(stream: NoiseStream | undefined, core: Hypercore): boolean {
  if (stream === undefined || stream.destroyed) return false
  const mux = muxOf(stream)
  const isOpen = mux.opened({ protocol: 'hypercore/alpha', id: core.discoveryKey })
  return core.core.replicator.attached(mux) && !isOpen
}
