/**
 * Large messages from UDX in large pieces. UDX hands over each datagram by itself, and for a block of 1 MiB that is 700
 * times the way from native code through two streams, on the thread that is busiest in a fetch. While much of a message
 * is still to come it is told to gather until its buffer is full, and for the end of it to hand over each datagram again:
 * nothing ever waits for bytes that belong to the next message.
 */
import type { UdxStream } from '@hyperswarm/secret-stream'
import type DHT from 'hyperdht'

/** Bytes: more than UDX gathers at most (66 KiB), so that it hands over before the message ends. */
const MUCH = 80 * 1024
/** Bytes before every message of a secret stream that tell its length, the lowest first. */
const LENGTH_BYTES = 3

/** From its first byte, so that it is known where messages begin: for all streams this DHT node makes from now on. */
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
  // Not when it is read: what waits to be read has left the buffer of UDX.
  stream.push = bytes => {
    if (bytes !== null) messages.take(bytes)
    const large = messages.missing > MUCH
    if (large !== gathers) setGathering(stream, large)
    gathers = large
    return push(bytes)
  }
}

/**
 * Read in udx-native 1.21.3: `setInteractive` does what it should on streams that count as closed only, and nothing on open
 * ones; asked of both, it is done once, whether that is mended or not.
 */
function setGathering(stream: UdxStream, gathers: boolean): void {
  stream.setInteractive(!gathers)
  const asClosed: UdxStream = Object.create(stream, { _closed: { value: true } })
  asClosed.setInteractive(!gathers)
}

/** Where a stream of messages is, each with its length before it. */
class Messages {
  /** Bytes of the message that has begun. */
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
