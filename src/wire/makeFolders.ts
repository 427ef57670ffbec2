/** Makes folders as users name them. */
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { systemCode } from '../common/fileErrors'

/**
 * Makes a folder, and those above it that are missing; one that is there is left as it is. Node's own `recursive` is not
 * used: below a folder that refuses new ones by ENOENT, as /proc does, it tries again without end (Node 20 to 24).
 *
 * @param path absolute
 * @param mode of each folder that is made
 * @throws the file system's error; EACCES below a folder that refuses new ones by ENOENT
 */
export function makeFolders(path: string, mode = 0o777): void {
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return
    const above = dirname(path)
    if (!(error instanceof Error) || systemCode(error) !== 'ENOENT') throw error
    if (existsSync(above)) throw Object.assign(error, { code: 'EACCES' })
    if (above === path) throw error
    makeFolders(above, mode)
    makeFolders(path, mode)
  }
}
