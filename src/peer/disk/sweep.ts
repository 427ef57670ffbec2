/**
 * Removes leftovers of crashed runs under a target folder: temporary files, by their names, and folders of
 * interrupted probes. Nothing else is touched, and no link is followed. Another peer process may write to the
 * folder at the same time. Its temporaries stay until nothing has changed in them for a day.
 */
import { type Dirent, lstatSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { isTemporaryName } from '../names/temporaryName'
import type { Folders, OpenFolder } from './folders'
import { isOfOtherProcess, isOfToken, isTemporaryInUse } from './temporary'

/** Folders looked at before others get their turn. */
const FOLDERS_AT_ONCE = 32
/** After this time without a change (milliseconds), a temporary that is not known here counts as abandoned. */
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
          if (removeTemporary(folders, folder, segments, entry)) removed++
        }
      }
    } catch {
      // The folder was just removed or swapped, or may not be read. The next sweep tries again.
    }
    if (seen % FOLDERS_AT_ONCE === 0) await setImmediate()
  }
  return removed
}

/** Whether another peer process may be writing it. */
function isOthers(path: string, name: string): boolean {
  if (!isOfToken(name) && !isOfOtherProcess(name)) return false
  const { ctimeMs } = lstatSync(path, { throwIfNoEntry: false }) ?? { ctimeMs: 0 }
  return Date.now() - ctimeMs < ABANDONED
}

/** → whether it was removed. One that another program holds, say, is left to the next sweep. */
function removeTemporary(folders: Folders, folder: OpenFolder, segments: string[], entry: Dirent): boolean {
  try {
    if (!entry.isDirectory()) {
      unlinkSync(folder.prefix + entry.name)
      return true
    }
    const probe = folders.find([...segments, entry.name], false)
    if (!probe) return false
    for (const name of readdirSync(probe.prefix)) unlinkSync(probe.prefix + name)
    rmdirSync(folder.prefix + entry.name)
    folders.forget(probe)
    return true
  } catch {
    return false
  }
}
