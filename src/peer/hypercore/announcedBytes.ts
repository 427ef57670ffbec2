import type { NoiseStream } from '@hyperswarm/secret-stream'

/**
 * How long the message is that a peer is sending: it says so before the message itself comes. 0 between messages.
 *
 * Read in @hyperswarm/secret-stream 6.9.2: `_len`, which is set from the first three bytes of a message.
 */
export function announcedBytes(stream: NoiseStream): number {
  return stream._len
}
