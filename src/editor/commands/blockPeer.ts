/** “Block Peer” and “Unblock Peer”: at once, for this installation, and until it is taken back. */
import { PeerfoldError } from '../../common/errors'
import { givenPeer } from './commandArguments'
import type { CommandParts } from './parts'

export async function blockPeer({ peer }: CommandParts, given?: unknown): Promise<void> {
  await peer.request('peer.block', { peer: named(given) })
}

export async function unblockPeer({ peer }: CommandParts, given?: unknown): Promise<void> {
  await peer.request('peer.unblock', { peer: named(given) })
}

function named(given: unknown) {
  const peer = givenPeer(given)
  if (peer === undefined) throw new PeerfoldError('bad-request', 'no peer is named')
  return peer
}
