/** Links of a share as those see them who show or read them: as what they point at. */
import type { DrivePath } from './brand'
import type { FileEntry } from './model'

/** A link as what it points at, under its own name; anything else, and a link to nowhere, as it is. */
export function behind(entry: FileEntry): FileEntry {
  if (entry.pointsAt === undefined) return entry
  const { path: _path, ...target } = entry.pointsAt
  return { name: entry.name, ...target }
}

/** Where the entry that was found at `path` lies, links followed. A link to nowhere lies where it is itself. */
export function realPathOf(path: DrivePath, { pointsAt, realPath }: FileEntry): DrivePath {
  return pointsAt?.path ?? realPath ?? path
}
