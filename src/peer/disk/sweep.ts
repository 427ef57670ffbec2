/**
 * Removes what a crashed run left behind under a target folder: temporary files by their name, and folders in which
 * a probe was interrupted. Nothing else is touched, no link is followed.
 */
import { type Dirent, readdirSync, rmdirSync, unlinkSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { isTemporaryName } from '../names/temporaryName'
import type { Folders, OpenFolder } from './folders'
import { isTemporaryInUse } from './temporary'

/** Folders looked at before others get their turn. */
const FOLDERS_AT_ONCE = 32

/**
 * @param keep names to leave alone besides those in use by this process
 * @returns how many temporaries were removed
 */
export async function sweep(folders: Folders, keep: ReadonlySet<string>): Promise<number> {
  let removed = 0
  const ahead: string[][] = [[]]
  for (let seen = 1; ahead.length > 0; seen++) {
    const segments = ahead.pop() ?? []
    try {
      const folder = folders.find(segments, false)
      if (!folder) continue
      for (const entry of readdirSync(folder.prefix, { withFileTypes: true })) {
        if (!isTemporaryName(entry.name)) {
          if (entry.isDirectory()) ahead.push([...segments, entry.name])
        } else if (!keep.has(entry.name.toLowerCase()) && !isTemporaryInUse(entry.name)) {
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
