/**
 * What the share has no more and what comes in instead may need the same name: a file becomes a folder, a folder a file,
 * or only the case of a name changes on a disk that takes both for one. That has to go first; anything else that is gone
 * goes last, when what replaces it is here.
 */
import { foldName, type TargetRules } from '../names/rules'
import type { Move } from './difference'

/** Those of the places that are gone that have a name, or a folder, of what comes. */
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

/** Moves that can be made before anything else has gone. What the others bring is fetched. */
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
