/**
 * Reads while the share changes. A file that is being read may be superseded, and its bytes may be cleared by
 * everybody. Then they are not waited for, and the newest version's content at that place is read instead: all of
 * it, never a part of each.
 */
import { PeerfoldError } from '../../common/errors'
import type { ReadOptions } from './blocks'
import { contentId, type DriveEntry } from './format/entry'
import type { ShareDrive } from './shareDrive'

/**
 * @param newest the entry to read, by the newest version known here; throws when there is none any more
 * @param read called again with the newer entry when the one before cannot be had any more
 */
export async function readNewest<T>(
  share: ShareDrive,
  newest: () => DriveEntry,
  options: ReadOptions,
  read: (entry: DriveEntry, options: ReadOptions) => Promise<T>,
): Promise<T> {
  for (;;) {
    const entry = newest()
    const { version } = share
    let isOther = false
    const isSuperseded = () => {
      if (share.version !== version) isOther ||= isOtherThan(entry, newest)
      return isOther
    }
    try {
      return await read(entry, { ...options, isSuperseded })
    } catch (error) {
      const isUnknown = error instanceof PeerfoldError && error.code === 'offline'
      if (!isUnknown || !isSuperseded()) throw error
    }
  }
}

function isOtherThan(entry: DriveEntry, newest: () => DriveEntry): boolean {
  try {
    return contentId(newest()) !== contentId(entry)
  } catch {
    return true // it is gone
  }
}
