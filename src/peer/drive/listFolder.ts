/** Lists parts of folders as soon as they are known. */
import type { DrivePath } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import type { FileEntry } from '../../common/model'
import { absence, follow, type Reached, withTargets } from './follow'
import type { PathIndex } from './pathIndex'
import type { ShareDrive } from './shareDrive'

/** At most `limit` children in path order: those after the child named `after`, or the first ones. */
export interface FolderPart {
  readonly path: DrivePath
  readonly after?: string
  readonly limit?: number
}

/** Throws `file-not-found`, `target-…` where a link leads nowhere, `not-a-folder-entry`, `ambiguous-path`. */
export function listFolder(index: PathIndex, part: FolderPart): readonly FileEntry[] {
  return childrenAt(index, follow(index, part.path), part)
}

/** The same, from all that is known so far; undefined while nothing is. */
export function listSoFar(
  { version, coming }: ShareDrive,
  part: FolderPart,
): readonly FileEntry[] | undefined {
  if (version !== undefined) return listFolder(version.index, part)
  if (coming === undefined) return undefined
  const place = follow(coming.index, part.path)
  if (place.kind !== 'folder') return undefined
  const children = childrenAt(coming.index, place, part)
  return children.length === 0 ? undefined : children
}

/** The same of the newest version, even while it is being read; undefined while the answer is not known. */
export function listNewest(
  { version, coming }: ShareDrive,
  part: FolderPart,
): readonly FileEntry[] | undefined {
  if (coming === undefined) return version === undefined ? undefined : listFolder(version.index, part)
  const place = follow(coming.index, part.path)
  if (place.kind === 'nowhere') {
    // A name that is missing as it was typed may still come in another spelling, elsewhere in the list.
    const mayCome = place.why === 'missing' && place.at !== place.at.normalize('NFD')
    if (mayCome || (place.why === 'missing' && !coming.knows(place.at))) return undefined
    throw absence(part.path, place)
  }
  return coming.knows(place.path, part.after, part.limit) ? childrenAt(coming.index, place, part) : undefined
}

function childrenAt(
  index: PathIndex,
  place: Reached,
  { path, after, limit }: FolderPart,
): readonly FileEntry[] {
  if (place.kind === 'nowhere') throw absence(path, place)
  if (place.kind === 'file') throw new PeerfoldError('not-a-folder-entry', path)
  return withTargets(index.list(place.path, after, limit) ?? [], place)
}
