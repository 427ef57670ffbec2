/** Links of a share as whoever shows or reads them sees them: as what they point at. */
import type { DrivePath } from './brand'
import type { FileEntry } from './model'

/** A link as what it points at, under its own name; anything else, and a link to nowhere, as it is. */
export function behind(entry: FileEntry): FileEntry {
  if (entry.pointsAt === undefined) return entry
  const { path: _path, ...target } = entry.pointsAt
  return { name: entry.name, ...target }
}

/** Where an entry lies that was found at `path`, links followed; a link to nowhere, where it lies itself. */
export function realPathOf(path: DrivePath, { pointsAt, realPath }: FileEntry): DrivePath {
  return pointsAt?.path ?? realPath ?? path
}
