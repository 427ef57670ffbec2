import type { NoiseStream } from '@hyperswarm/secret-stream'

/**
 * Length (bytes) of the message that a peer is sending now; 0 between messages. The length comes before the message
 * itself.
 *
 * Read in @hyperswarm/secret-stream 6.9.2: `_len`, which is set from the first three bytes of a message.
 */
export function announcedBytes(stream: NoiseStream): number {
  return stream._len
}
