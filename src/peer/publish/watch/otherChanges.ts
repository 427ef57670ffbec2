/**
 * Whether other files changed in the folders of a few that the watcher told. Then these are part of something larger,
 * which the watcher tells later or has missed.
 *
 * A program that writes many files of a folder does it in the order of their names, or in the order in which the system
 * lists them. So only the neighbours of each file in both orders are looked at. A look at the whole folder would be
 * most of the work of a save.
 */
import { lstatSync, readdirSync } from 'node:fs'
import { basename, dirname, join, posix } from 'node:path'
import type { DrivePath } from '../../../common/brand'
import { isTemporaryName } from '../../names/temporaryName'

/** Neighbours on each side. */
const NEIGHBOURS = 8
/** In a folder with more names they are not put into the order of names. */
const MANY_NAMES = 5_000
/** File systems note times in ticks: a change may seem to be this many milliseconds older than it is. */
const TICK = 20

/**
 * @param root absolute path of the folder
 * @param paths what is known to have changed (drive paths)
 * @param since milliseconds since 1970
 * @param some those of `paths` whose neighbours are looked at
 */
export function hasOtherChanges(
  root: string,
  paths: ReadonlySet<DrivePath>,
  since: number,
  some: Iterable<DrivePath> = paths,
): boolean {
  const places = new Map<string, Set<string>>()
  for (const path of some) {
    const names = places.get(dirname(path)) ?? new Set()
    places.set(dirname(path), names.add(basename(path)))
  }
  const isOther = (folder: string, name: string) =>
    !paths.has(posix.join(folder, name) as DrivePath) && hasChanged(join(root, folder, name), since - TICK)
  return [...places].some(([folder, names]) =>
    [...neighboursOf(names, namesIn(join(root, folder)))].some(name => isOther(folder, name)),
  )
}

/**
 * @param known names in a folder, some of which may be gone  @param listed all that it holds, as the system lists it
 */
function neighboursOf(known: ReadonlySet<string>, listed: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>()
  const byName = listed.length > MANY_NAMES ? [] : [...new Set([...listed, ...known])].sort()
  for (const names of [listed, byName]) {
    names.forEach((name, at) => {
      if (!known.has(name)) return
      for (const other of names.slice(Math.max(0, at - NEIGHBOURS), at + 1 + NEIGHBOURS))
        if (!known.has(other) && !isTemporaryName(other)) found.add(other)
    })
  }
  return found
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
