/** The status of a live copy, as views show it. */
import { PeerfoldError } from '../../common/errors'
import type { LiveStatus } from '../../common/model'
import type { Share } from '../shares/share'
import type { Transfer } from '../transfer'

export interface Standing {
  readonly isPaused: boolean
  /** The running step. */
  readonly transfer: Transfer | undefined
  /** The step only retries files that could not be written. */
  readonly isTryingAgain: boolean
  /** The reason why the last step stopped. */
  readonly obstacle: Obstacle | undefined
  /** The folder has the newest version that this machine could read. */
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

/** The status of a folder that has the newest version read here: whether there is a newer one. */
function asFarAsKnown({ following, replication, drive, served }: Share): LiveStatus {
  if (following?.trouble !== undefined) return { kind: 'waiting', error: following.trouble }
  if (!drive.isNewest && served.peers === 0)
    return { kind: 'waiting', error: new PeerfoldError('stalled').toUserError() }
  if (!drive.isNewest) return { kind: 'updating', files: { done: 0 } }
  if (following === undefined) return { kind: 'in-step' }
  if (replication === undefined) return { kind: 'in-step', doubt: 'stopped' }
  return replication.hearing.isUnheard ? { kind: 'in-step', doubt: 'unheard' } : { kind: 'in-step' }
}
