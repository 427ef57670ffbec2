/**
 * Why bytes do not come, and what follows from it. Decided here for whoever reads, copies or seeds:
 *
 *  - `nobody-has-them`: nobody who is connected has them. Whoever has them may come, so they are waited for.
 *  - `superseded`: nobody has them, and the newest version has something else in their place, or nothing. They may be
 *    cleared everywhere, so nobody waits: the newest version is taken instead.
 *  - `do-not-exist`: somebody who has all there is knows the version that names them, and the log ends before.
 *
 * Of a single block it is also told whether anybody is connected at all, and whether the log of everybody who is ends
 * before it: it may be appended yet.
 *
 * What nobody has is told by what peers say, which may be out of date: whoever gives up for good looks again first.
 */
import type Hypercore from 'hypercore'
import { type ErrorCode, PeerfoldError } from '../../common/errors'
import { type BlockRuns, intersectRuns } from '../hypercore/blockRuns'
import { within } from '../time'
import { contentId, type DriveEntry } from './format/entry'
import { isBeyond, isBeyondTheEnd, isNowhere, type KnownShare, nobodyHas } from './whoHas'

/** A peer that knows a version tells the length of its log of bytes within this time (milliseconds). */
const LENGTH_WITHIN = 3_000

export type Absence = 'nobody-has-them' | 'superseded' | 'do-not-exist'

/** Of an entry's bytes. Undefined: they are here, or somebody who is connected has them. */
export function absenceOf(share: KnownShare, bytes: Hypercore, entry: DriveEntry): Absence | undefined {
  if (isOther(share, entry) && hasGap(bytes, entry)) return 'superseded'
  if (isBeyondTheEnd(share, bytes, entry)) return 'do-not-exist'
  return isNowhere(bytes, entry) ? 'nobody-has-them' : undefined
}

export type BlockAbsence = 'superseded' | 'nobody-is-there' | 'not-appended'

/**
 * Of one block. Undefined: somebody who is connected may have it.
 * @param isSuperseded whether the share has something else in its place
 */
export function absenceOfBlock(
  core: Hypercore,
  block: number,
  isSuperseded: boolean,
): BlockAbsence | undefined {
  if (isSuperseded && nobodyHas(core, block)) return 'superseded'
  if (core.peers.length === 0) return 'nobody-is-there'
  // A peer that has said nothing of its log yet may have any of it.
  const isTold = core.peers.some(peer => peer.remoteLength > 0)
  return isTold && isBeyond(core, block) ? 'not-appended' : undefined
}

/** Of the blocks that a version names, those that exist: what is said to lie beyond the end of the log does not. */
export async function existingRuns(bytes: Hypercore, runs: BlockRuns): Promise<BlockRuns> {
  if ((runs.at(-1)?.end ?? 0) > bytes.length && bytes.peers.length > 0)
    await within(bytes.update({ wait: true }), LENGTH_WITHIN)
  return intersectRuns(runs, [{ start: 0, end: bytes.length }])
}

/** Whether the newest version has something else in the place of an entry, or nothing. */
export function isOther({ version }: KnownShare, entry: DriveEntry): boolean {
  const newest = version?.index.entry(entry.path)
  return newest === undefined || contentId(newest) !== contentId(entry)
}

/** What keeps the next block from coming, and may pass: nobody gave it in time, or there is no room for it. */
export function passing(error: unknown): 'no-sender' | 'no-room' | undefined {
  if (!(error instanceof PeerfoldError)) return undefined
  if (error.code === 'offline') return 'no-sender'
  return error.code === 'store-limit' ? 'no-room' : undefined
}

/** Whether waiting alone does not help: the user has to raise a limit, or to remove something. */
export function isForUser(code: ErrorCode): boolean {
  return code === 'limit-passed' || code === 'store-limit'
}

function hasGap(bytes: Hypercore, { blob }: DriveEntry): boolean {
  if (blob === undefined) return false
  const end = blob.blockOffset + blob.blockLength
  for (let block = blob.blockOffset; block < end; block++) if (nobodyHas(bytes, block)) return true
  return false
}
