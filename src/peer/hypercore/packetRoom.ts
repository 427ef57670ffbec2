/**
 * Enlarges the buffer for datagrams that came and were not read yet. UDX reads and acknowledges them on the thread
 * that also hashes and decrypts blocks, so they sometimes wait for some milliseconds. Datagrams that find no room
 * meanwhile are dropped by the system and sent again. UDX asks for 1 MiB. A peer may have 4 MiB on their way, so
 * that is asked for. A system that allows less gives what it allows, or refuses, and then the buffer stays as it
 * was.
 */
import type { RawUdxStream } from '@hyperswarm/secret-stream'

/** As much as UDX lets a peer have on its way (bytes). */
const ROOM = 4 * 1024 * 1024

/** Makes room in the socket of a stream, and in the next one when the peer is reached another way. */
export function makePacketRoom(stream: RawUdxStream): void {
  enlarge(stream)
  stream.on('remote-changed', () => enlarge(stream))
}

function enlarge({ socket }: RawUdxStream): void {
  try {
    socket?.setRecvBufferSize(ROOM)
  } catch {
    // The system allows no larger buffer.
  }
}
