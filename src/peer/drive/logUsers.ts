/**
 * Which share each log in a store belongs to. The path log of a stranger's drive may name any log as its log of bytes,
 * also one of the user's own shares: whoever opens and removes such a drive would serve the share again that was
 * stopped, or delete it. So an own log is never lent, and a log is deleted only with the last share that has it.
 */
import type Hypercore from 'hypercore'
import type { ShareId } from '../../common/brand'

interface Users {
  readonly shares: Set<ShareId>
  isOwn: boolean
}

export class LogUsers {
  private readonly logs = new Map<string, Users>()

  /** False: the log is one of the user's own shares, and `share` is not it. */
  use(core: Hypercore, share: ShareId, isOwn: boolean): boolean {
    const users = this.logs.get(core.id) ?? { shares: new Set(), isOwn }
    if (users.isOwn && users.shares.size > 0 && !users.shares.has(share)) return false
    users.isOwn ||= isOwn
    users.shares.add(share)
    this.logs.set(core.id, users)
    return true
  }

  /** The share is gone. */
  release(share: ShareId): void {
    for (const [id, { shares }] of this.logs)
      if (shares.delete(share) && shares.size === 0) this.logs.delete(id)
  }

  /** Whether no other share has this log. */
  isAlone(core: Hypercore, share: ShareId): boolean {
    const shares = this.logs.get(core.id)?.shares
    return shares?.size === 1 && shares.has(share)
  }
}

const ofStores = new WeakMap<object, LogUsers>()

/** Who uses the logs of one store; `storage` is what all sessions of the store have in common. */
export function logUsersIn(storage: object): LogUsers {
  const known = ofStores.get(storage)
  if (known !== undefined) return known
  const users = new LogUsers()
  ofStores.set(storage, users)
  return users
}
