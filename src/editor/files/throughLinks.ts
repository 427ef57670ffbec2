/**
 * Changes of a share as they look through links. A share tells where files lie. An Explorer that shows `/latest`, a link
 * to `/releases/5`, knows `/releases/5/a` as `/latest/a`. Pure.
 */
import type { DrivePath } from '../../common/brand'
import type { ChangedPath } from '../../common/protocol'
import { folderOf, selfAndFoldersOf } from './drivePath'

/** Changes that are told beside those of the share. */
const MAX_TOLD = 1_000

/**
 * The changes below folders that are shown through links, by the paths they have there. Undefined when there are too
 * many to tell each.
 *
 * @param linked paths of such folders, and where they lie
 */
export function throughLinks(
  changes: readonly ChangedPath[],
  linked: ReadonlyMap<DrivePath, DrivePath>,
): readonly ChangedPath[] | undefined {
  if (linked.size === 0) return []
  const shownAs = new Map<DrivePath, DrivePath[]>()
  for (const [shown, real] of linked) shownAs.set(real, [...(shownAs.get(real) ?? []), shown])
  const told = new Map(changes.map(change => [change.path, change]))
  const own = told.size
  for (const { path, type } of changes) {
    for (const folder of selfAndFoldersOf(folderOf(path) ?? path)) {
      const below = folder === '/' ? path : path.slice(folder.length)
      for (const shown of shownAs.get(folder) ?? []) {
        const seen = `${shown}${below}` as DrivePath
        if (!told.has(seen)) told.set(seen, { path: seen, type })
        if (told.size - own > MAX_TOLD) return undefined
      }
    }
  }
  return [...told.values()].slice(own)
}
