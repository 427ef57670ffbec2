/** Ends the peer process of a data folder in order, even one of another age or one that does not answer. */
import { PeerfoldError } from '../common/errors'
import { readEndpoint } from '../wire/endpoint'
import { type AttachedPeer, type AttachOptions, attachToPeer } from './attach'
import { endHolder } from './lockHolder'

/** Milliseconds for the peer process to say that it ends. */
const ANSWER_LIMIT = 20_000

/**
 * → the id of the process that was asked to end, which may take a moment; undefined when none runs. One that cannot be
 * asked gets a signal, if it is shown to hold the data folder; otherwise throws `not-ended`, or why it cannot be asked.
 */
export async function endPeer(options: Omit<AttachOptions, 'bootstrap'>): Promise<number | undefined> {
  const { storage, client, signal } = options
  let attached: AttachedPeer | undefined
  let why: PeerfoldError | undefined
  try {
    attached = await attachToPeer({ storage, client, signal })
  } catch (error) {
    if (!(error instanceof PeerfoldError) || error.code === 'cancelled') throw error
    why = error
  }
  if (attached === undefined) return signalPeer(storage, why)
  const { connection, hello } = attached
  try {
    await connection.request('process.stop', {}, { timeout: ANSWER_LIMIT, signal })
  } catch (error) {
    if (!connection.closed) throw error // a process that ends may close before its answer is through
  } finally {
    connection.close()
  }
  return hello.pid
}

/** @param why it could not be asked; undefined when nobody was found to ask */
async function signalPeer(storage: string, why: PeerfoldError | undefined): Promise<number | undefined> {
  const endpoint = await readEndpoint(storage)
  if (endpoint === undefined) return undefined
  if (endHolder(storage, endpoint)) return endpoint.pid
  if (why === undefined) return undefined
  throw why.code === 'store-locked' ? new PeerfoldError('not-ended', String(endpoint.pid)) : why
}
