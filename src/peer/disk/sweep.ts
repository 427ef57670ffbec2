/**
 * Removes what a crashed run left behind under a target folder: temporary files by their name, and folders in which
 * a probe was interrupted. Nothing else is touched, no link is followed. What may be another peer process's, which writes
 * to the folder at the same time, stays until nothing has changed in it for a day.
 */
import { type Dirent, lstatSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { isTemporaryName } from '../names/temporaryName'
import type { Folders, OpenFolder } from './folders'
import { isOfOtherProcess, isOfToken, isTemporaryInUse } from './temporary'

/** Folders looked at before others get their turn. */
const FOLDERS_AT_ONCE = 32
/** Milliseconds without a change after which nobody is taken to continue with a temporary that is not known here. */
const ABANDONED = 24 * 60 * 60 * 1000

/**
 * @param keep names to leave alone besides those in use by this process
 * @param drop names of tokens that this data folder has given up
 * @returns how many temporaries were removed
 */
export async function sweep(
  folders: Folders,
  keep: ReadonlySet<string>,
  drop: ReadonlySet<string>,
): Promise<number> {
  let removed = 0
  const isFree = (path: string, name: string) => !keep.has(name) && !isOthers(path, name)
  const ahead: string[][] = [[]]
  for (let seen = 1; ahead.length > 0; seen++) {
    const segments = ahead.pop() ?? []
    try {
      const folder = folders.find(segments, false)
      if (!folder) continue
      for (const entry of readdirSync(folder.prefix, { withFileTypes: true })) {
        const name = entry.name.toLowerCase()
        if (!isTemporaryName(name)) {
          if (entry.isDirectory()) ahead.push([...segments, entry.name])
        } else if (!isTemporaryInUse(name) && (drop.has(name) || isFree(folder.prefix + entry.name, name))) {
          removeTemporary(folders, folder, segments, entry)
          removed++
        }
      }
    } catch {
      // A folder that was just removed, swapped or may not be read: it cannot be swept now, the next sweep tries again.
    }
    if (seen % FOLDERS_AT_ONCE === 0) await setImmediate()
  }
  return removed
}

/** Whether it may be what another peer process is writing. */
function isOthers(path: string, name: string): boolean {
  if (!isOfToken(name) && !isOfOtherProcess(name)) return false
  const { ctimeMs } = lstatSync(path, { throwIfNoEntry: false }) ?? { ctimeMs: 0 }
  return Date.now() - ctimeMs < ABANDONED
}

function removeTemporary(folders: Folders, folder: OpenFolder, segments: string[], entry: Dirent): void {
  if (!entry.isDirectory()) {
    unlinkSync(folder.prefix + entry.name)
    return
  }
  const probe = folders.find([...segments, entry.name], false)
  if (!probe) return
  for (const name of readdirSync(probe.prefix)) unlinkSync(probe.prefix + name)
  rmdirSync(folder.prefix + entry.name)
  folders.forget(probe)
}
