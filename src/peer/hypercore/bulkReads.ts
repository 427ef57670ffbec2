/**
 * Takes large messages from UDX in large pieces. UDX hands over each datagram by itself: for a block of 1 MiB, that is
 * 700 calls from native code through two streams, on the thread that is busiest while it receives. While much of a
 * message is still to come, UDX is told to gather until its buffer is full. For the rest of the message it hands over
 * each datagram again, so nothing waits for bytes of the next message.
 *
 * Read in udx-native 1.21.3: `setInteractive` of lib/stream.js, and `on_udx_stream_read` of binding.cc, whose mode for
 * framed streams ends at the first datagram with parts of two messages.
 */
import type { UdxStream } from '@hyperswarm/secret-stream'
import type DHT from 'hyperdht'

/** More than UDX gathers at most (66 KiB), so that it hands over before the message ends (bytes). */
const MUCH = 80 * 1024
/** Before each message of a secret stream stands its length, the lowest byte first. */
const LENGTH_BYTES = 3

/** Does so for all streams that this DHT node makes from now on. */
export function readInBulk(dht: DHT): void {
  const create = dht.createRawStream.bind(dht)
  dht.createRawStream = options => {
    const stream = create(options)
    if (options.framed === true) gatherLargeMessages(stream)
    return stream
  }
}

function gatherLargeMessages(stream: UdxStream): void {
  const messages = new Messages()
  const push = stream.push.bind(stream)
  let gathers = false
  // Bytes are counted as they leave UDX. They may be read later.
  stream.push = bytes => {
    if (bytes !== null) messages.take(bytes)
    const large = messages.missing > MUCH
    if (large !== gathers) setGathering(stream, large)
    gathers = large
    return push(bytes)
  }
}

/** `setInteractive` works only on streams that count as closed. Once that is mended, the first call does it. */
function setGathering(stream: UdxStream, gathers: boolean): void {
  stream.setInteractive(!gathers)
  const asClosed: UdxStream = Object.create(stream, { _closed: { value: true } })
  asClosed.setInteractive(!gathers)
}

/** Follows a stream of messages. */
class Messages {
  /** Bytes of the current message that have not come. */
  missing = 0
  private length = 0
  private lengthBytes = 0

  take(bytes: Uint8Array): void {
    let at = 0
    while (at < bytes.length) {
      if (this.missing > 0) {
        const taken = Math.min(this.missing, bytes.length - at)
        this.missing -= taken
        at += taken
        continue
      }
      this.length += (bytes[at++] ?? 0) * 256 ** this.lengthBytes++
      if (this.lengthBytes < LENGTH_BYTES) continue
      this.missing = this.length
      this.length = this.lengthBytes = 0
    }
  }
}
