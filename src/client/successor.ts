/**
 * A peer process that makes way for a newer version tells its clients so (`replaced`). They join the process that
 * follows, and start none: one of their own version would only be in its way.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { PeerfoldError } from '../common/errors'
import { type AttachedPeer, type AttachOptions, attachToPeer } from './attach'

/** Milliseconds for the earlier process to end and the newer one to open the store. */
const SUCCESSOR_LIMIT = 60_000
const POLL_EVERY = 100

/**
 * Undefined when none came in time. Throws what `attachToPeer` throws: `peer-newer` when this version cannot speak with
 * the newer one.
 */
export async function attachToSuccessor(options: AttachOptions): Promise<AttachedPeer | undefined> {
  const deadline = performance.now() + SUCCESSOR_LIMIT
  while (performance.now() < deadline) {
    if (options.signal?.aborted) throw new PeerfoldError('cancelled')
    const peer = await attachToPeer(options)
    if (peer !== undefined) return peer
    await delay(POLL_EVERY)
  }
  return undefined
}
