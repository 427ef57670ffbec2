/**
 * Which shares each log in a store belongs to. The path log of a stranger's drive may name any log as its log of
 * bytes, even one of the user's own shares. Opening such a drive could then serve a share that was stopped, and
 * removing it could delete the share. So a log of an own share is never lent to another share, and a log is deleted
 * only with the last share that has it.
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

  /** Forgets a share that was closed or removed. */
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

/** The users of the logs of one store. @param storage what all sessions of the store have in common */
export function logUsersIn(storage: object): LogUsers {
  const known = ofStores.get(storage)
  if (known !== undefined) return known
  const users = new LogUsers()
  ofStores.set(storage, users)
  return users
}
