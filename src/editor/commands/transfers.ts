/** “Cancel Transfer” and “Clear Finished Transfers”. */
import { PeerfoldError } from '../../common/errors'
import { givenId } from './commandArguments'
import type { CommandParts } from './parts'

/** What came so far stays, so that the same copy asked for again continues. */
export async function cancelTransfer({ peer }: CommandParts, given?: unknown): Promise<void> {
  const job = givenId(given)
  if (job === undefined) throw new PeerfoldError('bad-request', 'no transfer is named')
  await peer.request('transfer.cancel', { job })
}

export async function clearTransfers({ peer }: CommandParts): Promise<void> {
  await peer.request('transfer.clear', {})
}
