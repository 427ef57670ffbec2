/** `peerfold stop`: ends the running peer process in order, even one of another age or one that does not answer. */
import { waitForEnd } from '../../client/ended'
import { endPeer } from '../../client/endPeer'
import { PeerfoldError } from '../../common/errors'
import type { Context } from '../context'
import { DONE } from '../exitCodes'

/** Milliseconds for the peer process to write what it holds and to go. */
const END_LIMIT = 20_000

export async function stop({ connect, output, signal }: Context): Promise<number> {
  const pid = await endPeer(connect)
  if (pid !== undefined && !(await waitForEnd(pid, END_LIMIT, signal))) {
    throw new PeerfoldError('peer-unreachable')
  }
  output.line(pid === undefined ? 'No peer process is running.' : 'The peer process has ended.')
  output.event('stopped', { wasRunning: pid !== undefined })
  return DONE
}
