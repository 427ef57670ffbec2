/**
 * Room for datagrams that came and were not read yet. UDX reads and acknowledges them on the thread that also hashes and
 * decrypts blocks, so they wait for some milliseconds now and then; what finds no room meanwhile is dropped by the system
 * and sent again. UDX asks for 1 MiB; a peer may have 4 MiB on their way, so that is asked for. A system that allows
 * less gives what it has, or refuses, and then it stays as it was.
 */
import type { RawUdxStream } from '@hyperswarm/secret-stream'

/** Bytes: as much as UDX lets a peer have on their way. */
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
    // The system allows no more than there is.
  }
}
