/**
 * Which share each log in a store belongs to. The path log of a stranger's drive may name any log as its log of bytes,
 * also one of the user's own shares: whoever opens and removes such a drive would serve the share again that was
 * stopped, or delete it. So an own log is never lent, and a log is deleted only with the last share that has it.
 */
import type Hypercore from 'hypercore'
import type { ShareId } from '../../common/brand'

interface Claim {
  readonly shares: Set<ShareId>
  isOwn: boolean
}

export class LogClaims {
  private readonly claims = new Map<string, Claim>()

  /** False: the log is one of the user's own shares, and `share` is not it. */
  claim(core: Hypercore, share: ShareId, isOwn: boolean): boolean {
    const claim = this.claims.get(core.id) ?? { shares: new Set(), isOwn }
    if (claim.isOwn && claim.shares.size > 0 && !claim.shares.has(share)) return false
    claim.isOwn ||= isOwn
    claim.shares.add(share)
    this.claims.set(core.id, claim)
    return true
  }

  /** The share is gone. */
  release(share: ShareId): void {
    for (const [id, { shares }] of this.claims)
      if (shares.delete(share) && shares.size === 0) this.claims.delete(id)
  }

  /** Whether no other share has this log. */
  isAlone(core: Hypercore, share: ShareId): boolean {
    const shares = this.claims.get(core.id)?.shares
    return shares?.size === 1 && shares.has(share)
  }
}

const ofStores = new WeakMap<object, LogClaims>()

/** The claims on the logs of one store; `storage` is what all sessions of the store have in common. */
export function claimsOn(storage: object): LogClaims {
  const known = ofStores.get(storage)
  if (known !== undefined) return known
  const claims = new LogClaims()
  ofStores.set(storage, claims)
  return claims
}
