import type { NoiseStream } from '@hyperswarm/secret-stream'
import type Hypercore from 'hypercore'
import Protomux from 'protomux'

/** The one multiplexer of a stream, made on first use and kept where Hypercore looks for it. */
export function muxOf(stream: NoiseStream): Protomux {
  stream.userData ??= Protomux.from(stream)
  return stream.userData
}

/** Whether a log was offered over a stream, and the other side does not have it. (Read in hypercore 11.39.5: `attached`.) */
export function hasRefused(stream: NoiseStream | undefined, core: Hypercore): boolean {
  if (stream === undefined || stream.destroyed) return false
  const mux = muxOf(stream)
  const isOpen = mux.opened({ protocol: 'hypercore/alpha', id: core.discoveryKey })
  return core.core.replicator.attached(mux) && !isOpen
}
