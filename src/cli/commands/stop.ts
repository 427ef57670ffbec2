/** `peerfold stop`: ends the running peer process in order, even one of another age or one that does not answer. */
import { type AttachedPeer, attachToPeer } from '../../client/attach'
import { waitForEnd } from '../../client/ended'
import { PeerfoldError } from '../../common/errors'
import { readEndpoint } from '../../wire/endpoint'
import type { Context } from '../context'
import { DONE } from '../exitCodes'

/** Milliseconds for the peer process to write what it holds and to go. */
const END_LIMIT = 20_000

export async function stop({ connect, output, signal }: Context): Promise<number> {
  const pid = await askToEnd({ ...connect, bootstrap: undefined })
  if (pid !== undefined && !(await waitForEnd(pid, END_LIMIT, signal))) {
    throw new PeerfoldError('peer-unreachable')
  }
  output.line(pid === undefined ? 'No peer process is running.' : 'The peer process has ended.')
  output.event('stopped', { wasRunning: pid !== undefined })
  return DONE
}

/** The process that was asked, or undefined when none runs. */
async function askToEnd(connect: Context['connect']): Promise<number | undefined> {
  let attached: AttachedPeer | undefined
  try {
    attached = await attachToPeer(connect)
  } catch (error) {
    // It took the connection, so the id in its endpoint file is its own; a signal is all it may understand.
    if (!(error instanceof PeerfoldError) || error.code === 'cancelled') throw error
    const endpoint = await readEndpoint(connect.storage)
    if (endpoint === undefined) return undefined
    process.kill(endpoint.pid, 'SIGTERM')
    return endpoint.pid
  }
  if (attached === undefined) return undefined
  const { connection, hello } = attached
  try {
    await connection.request('process.stop', {}, { timeout: END_LIMIT, signal: connect.signal })
  } catch (error) {
    if (!connection.closed) throw error // a process that ends may close before its answer is through
  } finally {
    connection.close()
  }
  return hello.pid
}
