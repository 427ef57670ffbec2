/**
 * Files of a copy whose version was superseded while it ran. Their bytes stay with those who have them for a time of
 * grace only; when nobody has them any more and the share has other content under that path, or none, waiting would
 * never end: the copy is planned anew with the newest version.
 */
import type Hypercore from 'hypercore'
import { contentId, type DriveEntry } from '../drive/format/entry'
import type { ShareDrive } from '../drive/shareDrive'
import { nobodyHas } from '../drive/whoHas'
import type { PlannedFile } from './planned'

/** Ends a run of a copy: what it was about to write is not of the newest version. */
export class Superseded extends Error {}

/** Whether one of these files cannot be had any more and never will. */
export function isSuperseded(share: ShareDrive, bytes: Hypercore, files: readonly PlannedFile[]): boolean {
  return files.some(({ entry }) => isOther(share, entry) && isIncomplete(bytes, entry))
}

/** Whether the newest version has something else in the place of an entry, or nothing. */
export function isOther(share: ShareDrive, entry: DriveEntry): boolean {
  const newest = share.version?.index.entry(entry.path)
  return newest === undefined || contentId(newest) !== contentId(entry)
}

function isIncomplete(bytes: Hypercore, { blob }: DriveEntry): boolean {
  if (blob === undefined) return false
  const end = blob.blockOffset + blob.blockLength
  for (let block = blob.blockOffset; block < end; block++) if (nobodyHas(bytes, block)) return true
  return false
}
