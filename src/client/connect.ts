/**
 * Finds the peer process of a data folder or starts it. One of an earlier version is ended in order, and the one that is
 * started takes over and continues what it had begun. Only a newer version ends an older one, and only once in each
 * attempt, so two versions never end each other in turn.
 *
 * Several clients may do so at the same time: each may start one, but only one gets the lock; the others exit at once
 * with `EXIT_LOCKED`, and their clients join the winner.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { type ErrorCode, PeerfoldError } from '../common/errors'
import { isEarlierVersion, VERSION } from '../common/version'
import { assertFormatKnown } from '../wire/dataFormat'
import { readEndpoint } from '../wire/endpoint'
import { type AttachedPeer, type AttachOptions, attachToPeer } from './attach'
import { endAttached, endOlder } from './endOlder'
import { holdingOf } from './lockHolder'
import { EXIT_DAMAGED, EXIT_LOCKED, type StartedPeer, type StartOptions, startPeer } from './startPeer'

/** Milliseconds until some process must answer, and until the one that was started here must, while it runs. */
const START_LIMIT = 15_000
const SLOW_START_LIMIT = 60_000 // opening the store after a crash, on a disk that is busy with something else
const POLL_EVERY = 8
/** Milliseconds after an attempt that met the lock, for the process that holds it to listen, or to be gone. */
const LOCKED_PAUSE = 250

/** Exit codes after which another process is waited for, or started. */
const TRY_AGAIN = new Set([0, EXIT_LOCKED, EXIT_DAMAGED])

/** What `attachToPeer` throws when the other end has not proven to be the peer process. */
const UNPROVEN: ReadonlySet<ErrorCode> = new Set(['store-locked', 'peer-older', 'peer-newer'])

export interface ConnectOptions extends AttachOptions, StartOptions {
  /** Version of the program that asks; absent: the one it was built as. */
  readonly version?: string
}

/**
 * @throws PeerfoldError what `attachToPeer` throws; `storage-newer` when a later version took the data folder over;
 *   `store-locked` when a process that does not answer keeps the data folder locked; `internal` with the reason when the
 *   peer process cannot start
 */
export async function connectToPeer(options: ConnectOptions): Promise<AttachedPeer> {
  let started = performance.now()
  let child: StartedPeer | undefined
  let wasLocked = false
  let hasEndedOlder = false
  const { version = VERSION } = options
  for (;;) {
    if (options.signal?.aborted) throw new PeerfoldError('cancelled')
    const found = await attachOrRefusal(options)
    if (found !== undefined && !(found instanceof PeerfoldError)) {
      if (hasEndedOlder || !isEarlierVersion(found.hello.version, version)) return found
      hasEndedOlder = await endAttached(found, { ...options, successor: version })
      started = performance.now()
      continue
    }
    if (found !== undefined) {
      if (found.code === 'peer-older' && !hasEndedOlder && (await endOlder(options, version))) {
        hasEndedOlder = true
        started = performance.now()
        continue
      }
      // Where the system cannot tell who that is, the lock can: a process that is started here gets it, or does not.
      if (wasLocked || (await isHeld(options.storage))) throw found
    }
    const isComing = child !== undefined && child.ended === undefined
    if (performance.now() - started > (isComing ? SLOW_START_LIMIT : START_LIMIT))
      throw notStarted(options, child)
    if (child === undefined) assertFormatKnown(options.storage)
    child ??= startPeer(options)
    if (child.ended === undefined) {
      await delay(POLL_EVERY)
    } else if (TRY_AGAIN.has(child.ended.code)) {
      wasLocked ||= child.ended.code === EXIT_LOCKED
      await delay(LOCKED_PAUSE)
      child = undefined
    } else {
      throw notStarted(options, child)
    }
  }
}

async function attachOrRefusal(options: AttachOptions): Promise<AttachedPeer | PeerfoldError | undefined> {
  try {
    return await attachToPeer(options)
  } catch (error) {
    if (error instanceof PeerfoldError && UNPROVEN.has(error.code)) return error
    throw error
  }
}

async function isHeld(storage: string): Promise<boolean> {
  const endpoint = await readEndpoint(storage)
  return endpoint !== undefined && holdingOf(storage, endpoint) === 'held'
}

function notStarted({ storage }: ConnectOptions, child: StartedPeer | undefined): PeerfoldError {
  if (child === undefined || child.ended?.code === EXIT_LOCKED)
    return new PeerfoldError('store-locked', storage)
  if (child.ended === undefined) return new PeerfoldError('peer-unreachable')
  const { code, reason } = child.ended
  return new PeerfoldError('internal', `the peer process did not start (${reason || `exit code ${code}`})`)
}
