/**
 * A small file lies in two places: in blocks of its own, and in a pack with others. Its own are asked for; the pack only
 * when they do not come, since a peer that saved a copy may have nothing but that. A pack is much larger, so on a narrow
 * line it must not be asked for in vain: how long an answer takes depends on the way, and as long as anything of the log
 * comes it is only the line that is slow. Who delivers second is told to stop.
 */
import type Hypercore from 'hypercore'
import { Pace } from '../hypercore/pace'
import { unlessAborted } from '../time'
import { lastArrival, type ReadOptions } from './blocks'
import { nobodyHas } from './whoHas'

/** Milliseconds without anything, from when somebody could be asked; and round trips beside. */
const PACK_AFTER = 400
/** The log is opened, its length proven with the block, and one may be lost. Where all have told that they lack it: two. */
const TRIPS = 4
const TRIPS_LACKING = 2
/** Whatever comes meanwhile, the pack is asked for after this many times as long. */
const LONGEST = 8
const LOOK_EVERY = 50

type Read = (options: ReadOptions) => Promise<Buffer>

/** @param block the first of the file's own */
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
    for (const read of [first, later]) read.catch(() => {}) // the other delivered, or it was thrown above
  }
}

/** → whether a block that is asked for now is late, whenever that is called. */
function lateness(core: Hypercore, block: number): () => boolean {
  let since: number | undefined
  return () => {
    const now = performance.now()
    const peers = core.peers.filter(({ remoteOpened }) => remoteOpened)
    // Asked for with nobody there, both would be asked of whoever comes.
    if (peers.length === 0) return false
    since ??= now
    const trip = Math.min(...peers.map(({ stream }) => Pace.of(stream).roundTrip))
    const patience = PACK_AFTER + trip * (nobodyHas(core, block) ? TRIPS_LACKING : TRIPS)
    return now - Math.max(since, lastArrival(core)) > patience || now - since > LONGEST * patience
  }
}
