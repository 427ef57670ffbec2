/** How long a file of a share is waited for, and when one that could not be read may be readable. Pure. */
import type { OpenedShareState } from '../../common/model'

/** Whether somebody is there who could have a file of an opened share. */
export interface Reach {
  readonly connected: boolean
  readonly peers: number
}

export function reachOf(share: OpenedShareState | undefined): Reach {
  return { connected: share?.status.kind === 'connected', peers: share?.peers ?? 0 }
}

/** Somebody came who was not there before. */
export function cameBack(before: Reach, now: Reach): boolean {
  return now.connected && (!before.connected || now.peers > before.peers)
}

/** Bytes a second. With less, it makes no sense to wait for a file to be shown. */
const SLOWEST = 10_000
/** Milliseconds for the answer itself. */
const ANSWER_GRACE = 10_000

/**
 * Milliseconds until the editor gives up on a file of `size` bytes. The peer process ends a read after `silence`
 * milliseconds without anything arriving; as long as something does, a slow line is given its time.
 */
export function readLimit(size: number, silence: number): number {
  return silence + ANSWER_GRACE + (size / SLOWEST) * 1_000
}
