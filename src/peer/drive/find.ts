/** Finding paths by words, for “Go to File in Share”. */
import type { DrivePath } from '../../common/brand'
import type { PathIndex } from './pathIndex'

/** Paths that contain every word, those whose file name starts with or contains the words first, then the shorter. */
export function findPaths(index: PathIndex, query: string, limit: number): DrivePath[] {
  // Composed, since nobody sees how a name is spelled.
  const words = query.normalize('NFC').toLowerCase().split(/\s+/).filter(Boolean)
  const found: { path: DrivePath; rank: number }[] = []
  for (const { path } of index.entries()) {
    const lower = path.normalize('NFC').toLowerCase()
    if (!words.every(word => lower.includes(word))) continue
    const name = lower.slice(lower.lastIndexOf('/') + 1)
    const first = words[0] ?? ''
    const rank = name.startsWith(first) ? 0 : words.every(word => name.includes(word)) ? 1 : 2
    found.push({ path, rank })
  }
  found.sort((a, b) => a.rank - b.rank || a.path.length - b.path.length || (a.path < b.path ? -1 : 1))
  return found.slice(0, limit).map(({ path }) => path)
}
