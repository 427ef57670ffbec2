/**
 * Whether others fetch the same from a peer, as far as it said so. Who comes for something that many come for is
 * connected to the sharer first, and to the others only a little later: until then all would fetch the same blocks.
 */
import type { NoiseStream } from '@hyperswarm/secret-stream'

/** Milliseconds: who gives to many says so again and again, and is believed for longer than the pause between. */
export const SAID_EVERY = 10_000
const BELIEVED = 30_000

interface Said {
  /** Milliseconds of `performance.now()`. */
  readonly until: number
  /** How many of this side's requests waited there for their turn. */
  waiting: number
}

const said = new WeakMap<NoiseStream, Said>()

/**
 * The peer at the other end says that it gives the same to others.
 * @param waiting how many of this side's requests wait there for their turn
 */
export function noteCrowd(stream: NoiseStream, waiting: number): void {
  said.set(stream, { until: performance.now() + BELIEVED, waiting })
}

export function isCrowded(stream: NoiseStream): boolean {
  return performance.now() < (said.get(stream)?.until ?? 0)
}

/** How many requests waited there when that was said; 0 when it was asked before. */
export function takeWaiting(stream: NoiseStream): number {
  const known = said.get(stream)
  const waiting = known?.waiting ?? 0
  if (known !== undefined) known.waiting = 0
  return waiting
}
