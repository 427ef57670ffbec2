/**
 * Finds the peer process of a data folder or starts it. Several clients may do so at the same time: each may start one,
 * but only one gets the lock; the others exit at once with `EXIT_LOCKED`, and their clients join the winner.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { PeerfoldError } from '../common/errors'
import { type AttachedPeer, type AttachOptions, attachToPeer } from './attach'
import { EXIT_DAMAGED, EXIT_LOCKED, type StartedPeer, type StartOptions, startPeer } from './startPeer'

/** Milliseconds until somebody must answer, and until the process that was started here must, as long as it runs. */
const START_LIMIT = 15_000
const SLOW_START_LIMIT = 60_000 // opening the store after a crash, on a disk that is busy with something else
const POLL_EVERY = 8
/** After an attempt that met the lock: time for the one that holds it to listen, or to be gone. */
const LOCKED_PAUSE = 250

/** Ends after which another process is waited for, or started. */
const TRY_AGAIN = new Set([0, EXIT_LOCKED, EXIT_DAMAGED])

export type ConnectOptions = AttachOptions & StartOptions

/**
 * Throws what `attachToPeer` throws; `store-locked` when the data folder stays locked by a process that does not answer;
 * `internal` with the reason when the peer process cannot start.
 */
export async function connectToPeer(options: ConnectOptions): Promise<AttachedPeer> {
  const started = performance.now()
  let child: StartedPeer | undefined
  for (;;) {
    if (options.signal?.aborted) throw new PeerfoldError('cancelled')
    const attached = await attachToPeer(options)
    if (attached !== undefined) return attached
    const isComing = child !== undefined && child.ended === undefined
    if (performance.now() - started > (isComing ? SLOW_START_LIMIT : START_LIMIT))
      throw notStarted(options, child)
    child ??= startPeer(options)
    if (child.ended === undefined) {
      await delay(POLL_EVERY)
    } else if (TRY_AGAIN.has(child.ended.code)) {
      await delay(LOCKED_PAUSE)
      child = undefined
    } else {
      throw notStarted(options, child)
    }
  }
}

function notStarted({ storage }: ConnectOptions, child: StartedPeer | undefined): PeerfoldError {
  if (child === undefined || child.ended?.code === EXIT_LOCKED)
    return new PeerfoldError('store-locked', storage)
  if (child.ended === undefined) return new PeerfoldError('peer-unreachable')
  const { code, reason } = child.ended
  return new PeerfoldError('internal', `the peer process did not start (${reason || `exit code ${code}`})`)
}
