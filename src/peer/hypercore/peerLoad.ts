/**
 * Tells what a peer asks for, owes, and has not read yet.
 *
 * Read in hypercore 11.39.5: `inflight`, `stats` and `remoteRequests` of a peer. Read in protomux 3.12.1:
 * `_remote`. Read in streamx 2.28.1: `_writableState`.
 */
import type { NoiseStream } from '@hyperswarm/secret-stream'
import type { ReplicatorPeer } from 'hypercore'
import { muxOf } from './mux'

/** The part of a stream that shows what waits in it. */
export type Writing = Pick<NoiseStream, '_writableState' | 'rawStream'>

/** Whether it was asked for blocks that it has not given. */
export function owesBlocks({ inflight }: ReplicatorPeer): boolean {
  return inflight > 0
}

/** How many messages with data came from it. */
export function answersOf({ stats }: ReplicatorPeer): number {
  return stats.wireData.rx
}

/** How many channels the other side opened. */
export function channelsOf(stream: NoiseStream): number {
  return muxOf(stream)._remote.length
}

/** Bytes that were written to a stream and are not encrypted yet. */
export function waitingBytes({ _writableState }: Writing): number {
  return _writableState?.buffered ?? 0
}

/** Bytes that were written to a stream and have not left. */
export function unreadBytes(stream: Writing): number {
  const { writableLength, _writableState } = stream.rawStream
  return waitingBytes(stream) + (writableLength ?? _writableState?.buffered ?? 0)
}
