/**
 * Tells why bytes do not come, and what follows from it, for reading, copying and seeding:
 *
 * - `nobody-has-them`: no connected peer has them. A peer that has them may come, so they are waited for.
 * - `superseded`: no connected peer has them, and the newest version has other content in their place, or none.
 *   They may be cleared everywhere, so nobody waits: the newest version is taken instead.
 * - `do-not-exist`: a peer that has all blocks in use knows the version that names them, and its log ends before.
 *
 * For a single block two more answers exist: no peer is connected at all, or the log of every connected peer ends
 * before the block, which may still be appended.
 *
 * All this is judged by what peers have announced, which may be out of date. Whoever gives up for good looks again
 * first.
 */
import type Hypercore from 'hypercore'
import { type ErrorCode, PeerfoldError } from '../../common/errors'
import { type BlockRuns, intersectRuns } from '../hypercore/blockRuns'
import { within } from '../time'
import { contentId, type DriveEntry } from './format/entry'
import { hasGap, isBeyond, isBeyondTheEnd, isNowhere, type KnownShare, nobodyHas } from './whoHas'

/** A peer that knows a version tells the length of its log of bytes within this time (milliseconds). */
const LENGTH_WITHIN = 3_000

export type Absence = 'nobody-has-them' | 'superseded' | 'do-not-exist'

/** Why an entry's bytes are absent. Undefined: they are here, or a connected peer has them. */
export function absenceOf(share: KnownShare, bytes: Hypercore, entry: DriveEntry): Absence | undefined {
  if (isOther(share, entry) && hasGap(bytes, entry.blob)) return 'superseded'
  if (isBeyondTheEnd(share, bytes, entry)) return 'do-not-exist'
  return isNowhere(bytes, entry) ? 'nobody-has-them' : undefined
}

export type BlockAbsence = 'superseded' | 'nobody-is-there' | 'not-appended'

/**
 * Why one block is absent. Undefined: a connected peer may have it.
 * @param isSuperseded whether the share has other content in its place
 */
export function absenceOfBlock(
  core: Hypercore,
  block: number,
  isSuperseded: boolean,
): BlockAbsence | undefined {
  if (isSuperseded && nobodyHas(core, block)) return 'superseded'
  if (core.peers.length === 0) return 'nobody-is-there'
  // A peer that has not announced its log yet may have any part of it.
  const isTold = core.peers.some(peer => peer.remoteLength > 0)
  return isTold && isBeyond(core, block) ? 'not-appended' : undefined
}

/** Those of the blocks that a version names which lie within the log. Others do not exist. */
export async function existingRuns(bytes: Hypercore, runs: BlockRuns): Promise<BlockRuns> {
  if ((runs.at(-1)?.end ?? 0) > bytes.length && bytes.peers.length > 0)
    await within(bytes.update({ wait: true }), LENGTH_WITHIN)
  return intersectRuns(runs, [{ start: 0, end: bytes.length }])
}

/** Whether the newest version has other content in the place of an entry, or none. */
export function isOther({ version }: KnownShare, entry: DriveEntry): boolean {
  const newest = version?.index.entry(entry.path)
  return newest === undefined || contentId(newest) !== contentId(entry)
}

/** A passing reason why the next block does not come: no peer gave it in time, or there is no room for it. */
export function passing(error: unknown): 'no-sender' | 'no-room' | undefined {
  if (!(error instanceof PeerfoldError)) return undefined
  if (error.code === 'offline') return 'no-sender'
  return error.code === 'store-limit' ? 'no-room' : undefined
}

/** Whether waiting does not help: the user has to raise a limit, or remove something. */
export function isForUser(code: ErrorCode): boolean {
  return code === 'limit-passed' || code === 'store-limit'
}
