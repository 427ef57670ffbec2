/**
 * Whether other peers fetch the same blocks from a peer, as far as it said so. When many come for the same share,
 * each is connected to the sharer first, and to the others only a little later. Until then all would fetch the same
 * blocks.
 */
import type { NoiseStream } from '@hyperswarm/secret-stream'

/** Pause (milliseconds) between two notices of a peer that gives to many, and how long one notice is believed. */
export const SAID_EVERY = 10_000
const BELIEVED = 30_000

interface Said {
  /** Milliseconds of `performance.now()`. */
  readonly until: number
  /** How many of this side's requests waited there, at the time of the notice. */
  waiting: number
}

const said = new WeakMap<NoiseStream, Said>()

/** Notes that the peer at the other end gives the same blocks to others. */
export function noteCrowd(stream: NoiseStream, waiting: number): void {
  said.set(stream, { until: performance.now() + BELIEVED, waiting })
}

export function isCrowded(stream: NoiseStream): boolean {
  return performance.now() < (said.get(stream)?.until ?? 0)
}

/** How many requests waited there at the time of the notice; 0 from the second call on. */
export function takeWaiting(stream: NoiseStream): number {
  const known = said.get(stream)
  const waiting = known?.waiting ?? 0
  if (known !== undefined) known.waiting = 0
  return waiting
}
