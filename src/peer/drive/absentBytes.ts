/**
 * Why bytes do not come, and what follows from it. Decided here for whoever reads, copies or seeds:
 *
 *  - `nobody-has-them`: nobody who is connected has them. Whoever has them may come, so they are waited for.
 *  - `superseded`: nobody has them, and the newest version has something else in their place, or nothing. They may be
 *    cleared everywhere, so nobody waits: the newest version is taken instead.
 *  - `do-not-exist`: somebody who has all there is knows the version that names them, and the log ends before.
 *
 * What nobody has is told by what peers say, which may be out of date: whoever gives up for good looks again first.
 */
import type Hypercore from 'hypercore'
import { type ErrorCode, PeerfoldError } from '../../common/errors'
import { contentId, type DriveEntry } from './format/entry'
import { isBeyondTheEnd, isNowhere, type KnownShare, nobodyHas } from './whoHas'

export type Absence = 'nobody-has-them' | 'superseded' | 'do-not-exist'

/** Of an entry's bytes. Undefined: they are here, or somebody who is connected has them. */
export function absenceOf(share: KnownShare, bytes: Hypercore, entry: DriveEntry): Absence | undefined {
  if (isOther(share, entry) && hasGap(bytes, entry)) return 'superseded'
  if (isBeyondTheEnd(share, bytes, entry)) return 'do-not-exist'
  return isNowhere(bytes, entry) ? 'nobody-has-them' : undefined
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
