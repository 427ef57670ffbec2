import type { NoiseStream } from '@hyperswarm/secret-stream'
import Protomux from 'protomux'

/** The one multiplexer of a stream, made on first use and kept where Hypercore looks for it. */
export function muxOf(stream: NoiseStream): Protomux {
  stream.userData ??= Protomux.from(stream)
  return stream.userData
}
