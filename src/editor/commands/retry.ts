/**
 * “Retry”: looks for peers of an opened share again, starts a failed share again, continues a transfer; without
 * arguments, from the welcome views, starts the peer process itself.
 */
import { givenId, givenShare } from './commandArguments'
import type { CommandParts } from './parts'

export async function retry({ peer, model }: CommandParts, given?: unknown): Promise<void> {
  await peer.start()
  const job = givenId(given)
  if (job !== undefined && model.transfer(job) !== undefined) {
    await peer.request('transfer.retry', { job })
    return
  }
  const id = givenShare(given)
  if (id === undefined) return
  if (model.share(id) !== undefined) await peer.request('share.start', { id })
  else await peer.request('open.retry', { id })
}
