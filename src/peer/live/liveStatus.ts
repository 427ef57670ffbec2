/** How a live copy stands, as views are told. */
import { PeerfoldError } from '../../common/errors'
import type { LiveStatus } from '../../common/model'
import type { Share } from '../shares/share'
import type { Transfer } from '../transfer'

export interface Standing {
  readonly isPaused: boolean
  /** The step under way. */
  readonly transfer: Transfer | undefined
  /** It only tries once more what could not be written. */
  readonly isTryingAgain: boolean
  /** What stopped the last step. */
  readonly obstacle: Obstacle | undefined
  /** The folder has the newest version that could be read. */
  readonly isInStep: boolean
  readonly share: Share | undefined
}

export type Obstacle = Extract<LiveStatus, { kind: 'waiting' | 'asking' }>

export function liveStatus(standing: Standing): LiveStatus {
  const { isPaused, transfer, isTryingAgain, obstacle, isInStep, share } = standing
  if (isPaused) return { kind: 'paused' }
  if (transfer?.status.kind === 'paused') return { kind: 'waiting', error: transfer.status.error }
  if (obstacle !== undefined) return obstacle
  if (transfer !== undefined && !isTryingAgain) return { kind: 'updating', files: { ...transfer.files } }
  return isInStep && share !== undefined ? asFarAsKnown(share) : { kind: 'updating', files: { done: 0 } }
}

/** In step with the newest version that could be read: whether there is a newer one. */
function asFarAsKnown({ following, replication, drive, served }: Share): LiveStatus {
  if (following?.trouble !== undefined) return { kind: 'waiting', error: following.trouble }
  if (!drive.isNewest && served.peers === 0)
    return { kind: 'waiting', error: new PeerfoldError('stalled').toUserError() }
  if (!drive.isNewest) return { kind: 'updating', files: { done: 0 } }
  if (following === undefined) return { kind: 'in-step' }
  if (replication === undefined) return { kind: 'in-step', doubt: 'stopped' }
  return replication.hearing.isUnheard ? { kind: 'in-step', doubt: 'unheard' } : { kind: 'in-step' }
}
