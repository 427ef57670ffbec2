/**
 * Whether more was changed in the folders of a few files than these: then they are part of something larger, which the
 * watcher tells later or has missed. Looked at are the files beside them, where these are not too many.
 */
import { lstatSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { DrivePath } from '../../../common/brand'
import { isTemporaryName } from '../../names/temporaryName'

/** Names in a folder. */
const MAX_LOOKED_AT = 500
/** File systems note times in ticks: a change may seem to be so many milliseconds older than it is. */
const TICK = 20

/**
 * @param root absolute path of the folder
 * @param paths what is known to have changed (drive paths)
 * @param since milliseconds since 1970
 */
export function hasOtherChanges(root: string, paths: ReadonlySet<DrivePath>, since: number): boolean {
  const folders = new Set([...paths].map(path => dirname(path)))
  return [...folders].some(folder => {
    const names = namesIn(join(root, folder))
    if (names.length > MAX_LOOKED_AT) return false
    return names.some(name => {
      const path = `${folder === '/' ? '' : folder}/${name}` as DrivePath
      return !paths.has(path) && !isTemporaryName(name) && hasChanged(join(root, path), since - TICK)
    })
  })
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return [] // gone, or not to be read: the scan says so
  }
}

/** Whether something about a file changed since. A folder changes with all that is in it. */
function hasChanged(path: string, since: number): boolean {
  try {
    const stats = lstatSync(path, { throwIfNoEntry: false })
    return stats !== undefined && !stats.isDirectory() && stats.ctimeMs >= since
  } catch {
    return false
  }
}
