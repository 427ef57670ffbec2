/**
 * Finds removed files that are in the way of incoming ones, because both need the same name: a file becomes a
 * folder, a folder becomes a file, or only the case of a name changes on a disk that ignores case. Those have to be
 * removed first. All other removals come last, when the files that replace them are here.
 */
import { foldName, type TargetRules } from '../names/rules'
import type { Move } from './difference'

/** The removed places that are, contain or lie in an incoming place. */
export function inTheWay(
  gone: Iterable<string>,
  incoming: Iterable<string>,
  rules: TargetRules,
): ReadonlySet<string> {
  const names = new Set<string>()
  const folders = new Set<string>()
  for (const place of incoming) {
    const name = foldName(place, rules)
    names.add(name)
    for (const above of foldersAbove(name)) folders.add(above)
  }
  const found = new Set<string>()
  for (const place of gone) {
    const name = foldName(place, rules)
    const isIn = names.has(name) || folders.has(name) || foldersAbove(name).some(above => names.has(above))
    if (isIn) found.add(place)
  }
  return found
}

/** Moves that can be made before anything is removed. Files of all other moves are fetched instead. */
export function freeMoves(moves: readonly Move[], gone: ReadonlySet<string>, rules: TargetRules): Move[] {
  const blocked = inTheWay(
    gone,
    moves.map(({ to }) => to),
    rules,
  )
  if (blocked.size === 0) return [...moves]
  return moves.filter(({ from, to }) => {
    const isSameName = foldName(from, rules) === foldName(to, rules)
    return isSameName || inTheWay(blocked, [to], rules).size === 0
  })
}

function foldersAbove(path: string): string[] {
  const folders: string[] = []
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1))
    folders.push(path.slice(0, end))
  return folders
}
