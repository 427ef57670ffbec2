/**
 * Reads a small file, which lies in two places: in blocks of its own, and in a pack with others. Its own blocks are
 * asked for first. The pack follows only when they do not come, since a peer that saved a copy may have nothing
 * else.
 *
 * A pack is much larger, so on a narrow line it must not be asked for without need. The time until an answer
 * depends on the line, and while anything of the log comes the line is only slow. When one of both arrives, the
 * request for the other is cancelled.
 */
import type Hypercore from 'hypercore'
import { Pace } from '../hypercore/pace'
import { unlessAborted } from '../time'
import { lastArrival, type ReadOptions } from './blocks'
import { nobodyHas } from './whoHas'

/**
 * Silence (milliseconds) after which the pack is asked for, plus some round trips. Counted from when a peer could
 * be asked.
 */
const PACK_AFTER = 400
/**
 * Round trips: the log is opened, its length is proven with the block, and one message may be lost. Two, if all
 * peers have said that they lack the block.
 */
const TRIPS = 4
const TRIPS_LACKING = 2
/** After this many times as long the pack is asked for, whatever comes meanwhile. */
const LONGEST = 8
const LOOK_EVERY = 50

type Read = (options: ReadOptions) => Promise<Buffer>

/** @param block the first of the file's own blocks */
export async function ownOrPack(
  core: Hypercore,
  block: number,
  own: Read,
  pack: Read,
  options: ReadOptions,
): Promise<Buffer> {
  const over = new AbortController()
  const { signal } = options
  const both = {
    ...options,
    signal: signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]),
  }
  const first = own(both)
  let timer: NodeJS.Timeout | undefined
  const later = new Promise<Buffer>((resolve, reject) => {
    const isLate = lateness(core, block)
    const ask = () => {
      if (timer === undefined) return
      clearInterval(timer)
      timer = undefined
      pack(both).then(resolve, reject)
    }
    timer = setInterval(() => {
      if (isLate()) ask()
    }, LOOK_EVERY)
    first.catch(error => {
      if (core.peers.length > 0) ask()
      else if (timer !== undefined) reject(error)
    })
  })
  try {
    return await unlessAborted(Promise.any([first, later]), signal)
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error
  } finally {
    clearInterval(timer)
    over.abort()
    // the other one delivered, or the error was thrown above
    for (const read of [first, later]) read.catch(() => {})
  }
}

/** → a function that tells whether a block that is asked for now is late */
function lateness(core: Hypercore, block: number): () => boolean {
  let since: number | undefined
  return () => {
    const now = performance.now()
    const peers = core.peers.filter(({ remoteOpened }) => remoteOpened)
    // With no peer connected, both would be asked of the first one that comes.
    if (peers.length === 0) return false
    since ??= now
    const trip = Math.min(...peers.map(({ stream }) => Pace.of(stream).roundTrip))
    const patience = PACK_AFTER + trip * (nobodyHas(core, block) ? TRIPS_LACKING : TRIPS)
    return now - Math.max(since, lastArrival(core)) > patience || now - since > LONGEST * patience
  }
}
