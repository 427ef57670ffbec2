/** Publishes what a shared folder holds now: a test shares it again, and the answer comes when that is done. */
import { randomUUID } from 'node:crypto'
import type { ShareId } from '../../src/common/brand'
import type { PeerState } from '../../src/common/model'
import type { Params } from '../../src/common/protocol'

/** Its parameters. The share is kept, and followed or not as before. Files let in by name before are not let in. */
export function sharedAgain({ shares }: PeerState, id: ShareId): Params<'share.add'> {
  const share = shares.find(each => each.id === id)
  if (share === undefined) throw new Error(`not shared: ${id}`)
  const { source, isPublic } = share
  // A share that is kept and followed stays so, whatever `once` says.
  return { source, isPublic, once: true, keep: true, allow: [], job: randomUUID() }
}
