/**
 * The folders that came or may have gone with files. A share tells changes of files only; an Explorer shows a new
 * folder when it is told of that folder, and drops one when it is told that it is gone. Pure.
 */
import type { DrivePath } from '../../common/brand'
import type { ChangedPath } from '../../common/protocol'
import { folderOf, selfAndFoldersOf } from './drivePath'

export interface ChangedFolders {
  /** Folders above files that were added, outermost first: each may be new. */
  readonly added: readonly DrivePath[]
  /** Folders above files that were removed and that hold nothing that came, innermost first: each may be gone. */
  readonly maybeGone: readonly DrivePath[]
}

export function foldersOfChanges(changes: readonly ChangedPath[]): ChangedFolders {
  const there = foldersAbove(changes.filter(({ type }) => type !== 'removed'))
  const added = foldersAbove(changes.filter(({ type }) => type === 'added'))
  const removed = foldersAbove(changes.filter(({ type }) => type === 'removed'))
  return {
    added: [...added].sort(byLength),
    maybeGone: [...removed].filter(folder => !there.has(folder)).sort((a, b) => byLength(b, a)),
  }
}

/** Without the share itself, which neither comes nor goes. */
function foldersAbove(changes: readonly ChangedPath[]): ReadonlySet<DrivePath> {
  const folders = new Set<DrivePath>()
  for (const { path } of changes) {
    const folder = folderOf(path)
    if (folder === undefined || folders.has(folder)) continue
    for (const each of selfAndFoldersOf(folder)) if (each !== '/') folders.add(each)
  }
  return folders
}

function byLength(a: DrivePath, b: DrivePath): number {
  return a.length - b.length
}
