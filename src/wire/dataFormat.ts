/**
 * The number of a data folder's format. It stands in the name of the sub-folder that holds what has a format: the keys,
 * the store and the catalog. A changed format gets the next number and a sub-folder of its own, so that programs that
 * know only earlier formats never open it. Lock, endpoint and log lie beside it, where every version looks for them.
 *
 * Format 1, of Peerfold 0.3.0, has no number: its files lie in the data folder itself.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { PeerfoldError } from '../common/errors'

/** What this program reads and writes. */
export const DATA_FORMAT = 2

/** While a data folder is taken over (peer/store/takeOver.ts), the sub-folder has this ending. */
const UNFINISHED = '.part'
const SUB_FOLDER = /^format-(\d{1,9})(?:\.part)?$/

/** Where a data folder keeps what has the format. */
export function formatFolder(root: string, format: number = DATA_FORMAT): string {
  return join(root, `format-${format}`)
}

/** The same while the folder is taken over. */
export function unfinishedFormatFolder(root: string, format: number = DATA_FORMAT): string {
  return formatFolder(root, format) + UNFINISHED
}

/** Whether this is the name of a sub-folder for a format, of this version or any other, also an unfinished one. */
export function isFormat(name: string): boolean {
  return SUB_FOLDER.test(name)
}

/** Whether a folder has such a sub-folder. Reads names only. */
export function hasFormat(root: string): boolean {
  return namesIn(root).some(isFormat)
}

/**
 * Throws `storage-newer` when a later version of Peerfold has taken the data folder over, or begun to. Reads names only.
 */
export function assertFormatKnown(root: string): void {
  if (namesIn(root).some(name => Number(SUB_FOLDER.exec(name)?.[1] ?? 0) > DATA_FORMAT))
    throw new PeerfoldError('storage-newer', root)
}

function namesIn(root: string): string[] {
  try {
    return readdirSync(root)
  } catch {
    return [] // not there yet; whoever needs it learns what else is wrong
  }
}
