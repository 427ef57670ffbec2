/**
 * Takes over a data folder of format 1, which Peerfold 0.3.0 wrote, once. Nothing is converted: keys, store and catalog
 * are read as they are, and move to where 0.3.0 does not look.
 *
 * Every step is one change that the file system makes as a whole, and every step may be repeated. A process that is
 * killed between two steps leaves a folder with which the next start continues:
 *
 * 1. A folder for the new format is made, with the ending `.part`. Later formats are known by their names too.
 * 2. The keys are copied into it.
 * 3. The old keys are replaced by the words “Update Peerfold”. 0.3.0 stops at them before it opens anything, and shows
 *    them. Until here 0.3.0 finds everything as it left it; from here on it cannot start.
 * 4. The store, a note that it is damaged, and the catalog are moved into the new folder, one rename each.
 * 5. The new folder loses its ending. From here on, everything else in the data folder is ignored.
 *
 * The disk is waited for before the steps that rely on earlier ones, so a loss of power is like a kill.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { systemCode } from '../../common/fileErrors'
import type { DataFolderPaths } from '../../wire/dataFolder'
import { unfinishedFormatFolder } from '../../wire/dataFormat'
import { cannotSync } from './sync'

/** Takes the place of the keys of 0.3.0, whose JSON parser shows up to 20 characters of it. */
export const BAR = 'Update Peerfold'

/**
 * Makes the folder of this program's format where there is none, from what 0.3.0 left if it left anything. Only for the
 * process that holds the lock. Throws errors of the file system; then the next call continues.
 */
export function takeOver({ root, format, earlier }: DataFolderPaths): void {
  if (existsSync(format)) {
    if (!existsSync(earlier.keys)) writeDurably(earlier.keys, BAR)
    return
  }
  const unfinished = unfinishedFormatFolder(root)
  mkdirSync(unfinished, { recursive: true, mode: 0o700 })
  syncFolder(root)
  const keys = readIfThere(earlier.keys)
  if (keys !== undefined && keys.trim() !== BAR) writeDurably(join(unfinished, basename(earlier.keys)), keys)
  writeDurably(earlier.keys, BAR)
  for (const path of [earlier.store, earlier.damageNote, earlier.catalog]) {
    if (existsSync(path)) renameSync(path, join(unfinished, basename(path)))
  }
  syncFolder(unfinished)
  renameSync(unfinished, format)
  syncFolder(root)
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Readers see the old content or the new, never a part, also after a loss of power. */
function writeDurably(path: string, text: string): void {
  const unfinished = `${path}.new` // the next attempt replaces it
  const file = openSync(unfinished, 'w', 0o600)
  try {
    writeFileSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(unfinished, path)
  syncFolder(dirname(path))
}

/** Waits until what was made and renamed in a folder is on the disk. Not every system and file system can do that. */
function syncFolder(path: string): void {
  if (process.platform === 'win32') return
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } catch (error) {
    if (!cannotSync(error)) throw error
  } finally {
    closeSync(folder)
  }
}
