/** Ends the peer process of a data folder in order, even one of another age or one that does not answer. */
import { PeerfoldError } from '../common/errors'
import { readEndpoint } from '../wire/endpoint'
import { type AttachedPeer, type AttachOptions, attachToPeer } from './attach'

/** Milliseconds for the peer process to say that it ends. */
const ANSWER_LIMIT = 20_000

/** → the id of the process that was asked to end, which may take a moment; undefined when none runs. */
export async function endPeer(options: Omit<AttachOptions, 'bootstrap'>): Promise<number | undefined> {
  const { storage, client, signal } = options
  let attached: AttachedPeer | undefined
  try {
    attached = await attachToPeer({ storage, client, signal })
  } catch (error) {
    // It took the connection, so the id in its endpoint file is its own; a signal is all it may understand.
    if (!(error instanceof PeerfoldError) || error.code === 'cancelled') throw error
    const endpoint = await readEndpoint(storage)
    if (endpoint === undefined) return undefined
    process.kill(endpoint.pid, 'SIGTERM')
    return endpoint.pid
  }
  if (attached === undefined) return undefined
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
