/** How a test has published what a shared folder holds now: it is shared again, which ends when that is done. */
import { randomUUID } from 'node:crypto'
import type { ShareId } from '../../src/common/brand'
import type { PeerState } from '../../src/common/model'
import type { Params } from '../../src/common/protocol'

/** The share is kept then, and followed or not as it was; what was let in by name is not any more. */
export function sharedAgain({ shares }: PeerState, id: ShareId): Params<'share.add'> {
  const share = shares.find(each => each.id === id)
  if (share === undefined) throw new Error(`not shared: ${id}`)
  const { source, isPublic } = share
  // One that is kept and followed stays so whatever `once` says.
  return { source, isPublic, once: true, keep: true, allow: [], job: randomUUID() }
}
