/**
 * Gives memory back while there is little to do.
 *
 * V8 searches all of a peer's heap only when it has grown to a high first limit (client/startPeer.ts). That suits
 * gigabytes on their way, but a folder in sync makes a little garbage with every save, and nothing takes it away for
 * hours. So it is asked for a search when the heap has grown and the process is idle most of the time.
 */
import { performance } from 'node:perf_hooks'
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8'

/** Milliseconds between two looks. */
const LOOK_EVERY = 10_000
/** Bytes by which the old objects and their buffers have to grow before a search (25 ms) is worth it. */
const GROWTH = 8_000_000
/** Part of the time since the last look in which the process may have been busy. */
const CALM = 0.5

export interface CollectingOptions {
  /** `gc` of V8, which is there with `--expose-gc`; without it nothing is done. */
  readonly collect?: (() => void) | undefined
  /** Milliseconds between two looks. */
  readonly every?: number
}

/** Until the process ends. */
export function collectWhenCalm({
  collect = globalThis.gc,
  every = LOOK_EVERY,
}: CollectingOptions = {}): void {
  if (collect === undefined) return
  let left = oldBytes()
  let last = performance.eventLoopUtilization()
  setInterval(() => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, last)
    last = now
    const bytes = oldBytes()
    left = Math.min(left, bytes) // V8 may have searched by itself
    if (utilization > CALM || bytes - left < GROWTH) return
    collect()
    left = oldBytes()
  }, every).unref()
}

/** Bytes of all objects that are no longer young, and of buffers. */
function oldBytes(): number {
  const old = getHeapSpaceStatistics().filter(({ space_name }) => space_name !== 'new_space')
  return old.reduce((sum, { space_used_size }) => sum + space_used_size, getHeapStatistics().external_memory)
}
