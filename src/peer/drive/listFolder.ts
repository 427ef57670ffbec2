/** Parts of folders, as soon as they can be told. */
import type { DrivePath } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import type { FileEntry } from '../../common/model'
import type { PathIndex } from './pathIndex'
import type { ShareDrive } from './shareDrive'

/** At most `limit` children in path order: those after the child named `after`, or the first ones. */
export interface FolderPart {
  readonly path: DrivePath
  readonly after?: string
  readonly limit?: number
}

/** Throws `file-not-found`, `not-a-folder-entry`, `ambiguous-path`. */
export function listFolder(index: PathIndex, { after, limit, ...typed }: FolderPart): readonly FileEntry[] {
  const path = index.spelling(typed.path) ?? typed.path
  const children = index.list(path, after, limit)
  if (children !== undefined) return children
  throw new PeerfoldError(index.stat(path) === undefined ? 'file-not-found' : 'not-a-folder-entry', path)
}

/** The same, as far as it is known; undefined while nothing is. */
export function listSoFar({ index, coming }: ShareDrive, part: FolderPart): readonly FileEntry[] | undefined {
  if (index !== undefined) return listFolder(index, part)
  const children = coming?.index.list(part.path, part.after, part.limit)
  return children?.length === 0 ? undefined : children
}

/** The same of the newest version, be it only on its way; undefined while that cannot be told. */
export function listNewest(
  { index, coming }: ShareDrive,
  part: FolderPart,
): readonly FileEntry[] | undefined {
  if (coming === undefined) return index === undefined ? undefined : listFolder(index, part)
  const path = coming.index.spelling(part.path)
  // What is not there as it was typed may come in another spelling, which has another place in the list.
  if (path === undefined && part.path !== part.path.normalize('NFD')) return undefined
  return coming.knows(path ?? part.path, part.after, part.limit) ? listFolder(coming.index, part) : undefined
}
