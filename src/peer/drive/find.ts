/** Finds paths by words, for “Go to File in Share”. */
import type { DrivePath } from '../../common/brand'
import { leadsToFolder, stepsFor } from './follow'
import type { DriveEntry } from './format/entry'
import type { PathIndex } from './pathIndex'

/**
 * Paths of files, and of links to files, that contain every word. Those whose file name starts with or contains the
 * words come first, then shorter paths.
 */
export function findPaths(index: PathIndex, query: string, limit: number): DrivePath[] {
  // Composed, since people do not see how a name is spelled.
  const words = query.normalize('NFC').toLowerCase().split(/\s+/).filter(Boolean)
  const found: { path: DrivePath; rank: number; entry: DriveEntry }[] = []
  for (const entry of index.entries()) {
    const { path } = entry
    const lower = path.normalize('NFC').toLowerCase()
    if (!words.every(word => lower.includes(word))) continue
    const name = lower.slice(lower.lastIndexOf('/') + 1)
    const first = words[0] ?? ''
    const rank = name.startsWith(first) ? 0 : words.every(word => name.includes(word)) ? 1 : 2
    found.push({ path, rank, entry })
  }
  found.sort((a, b) => a.rank - b.rank || a.path.length - b.path.length || (a.path < b.path ? -1 : 1))
  const steps = stepsFor(limit)
  const paths: DrivePath[] = []
  for (const { path, entry } of found) {
    if (paths.length === limit) break
    if (entry.kind !== 'link' || !leadsToFolder(index, entry, steps)) paths.push(path)
  }
  return paths
}
