/** The time and the executable bit of files: all that a share says of one beside its content. */

import type { FileAttributes } from '../disk/fileInPlace'
import type { EntryStat } from '../disk/writer'
import type { DriveEntry } from '../drive/format/entry'
import type { CopiedFile } from '../store/catalog'

export function attributesOf({ executable, mtime }: DriveEntry): FileAttributes {
  return { executable, ...(mtime === undefined ? {} : { mtimeMs: mtime }) }
}

/**
 * Whether a local file needs no other time or executable bit. Where the share has changed neither since they were
 * last applied, the user's own stay.
 */
export function hasAttributes(
  local: EntryStat,
  { executable, mtime }: DriveEntry,
  known: CopiedFile | undefined,
): boolean {
  if (known?.executable !== undefined)
    return (mtime === undefined || known.time === mtime) && known.executable === executable
  const hasTime = mtime === undefined || Math.floor(local.mtimeMs) === mtime
  return hasTime && (process.platform === 'win32' || local.executable === executable)
}
