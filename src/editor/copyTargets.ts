/**
 * Remembers where copies were saved, so that one is brought up to date without asking for its folder again. Kept beyond
 * the window. Nothing secret: share ids and paths. Copies of whole shares that an earlier version remembered are known
 * too.
 */
import type * as vscode from 'vscode'
import type { DrivePath, ShareId } from '../common/brand'
import { isShareId } from '../common/link'
import { nameOf } from './files/drivePath'
import { ROOT } from './files/shareAddress'
import { foldersOf, sharesSaved } from './savedCopies'

/** In globalState: copies, oldest first. */
const MEMORY = 'peerfold.copyTargets'
/** Copies remembered. */
const MAX_COPIES = 500

export interface CopyTarget {
  readonly id: ShareId
  /** What was saved: `/` for everything. */
  readonly path: DrivePath
  /** As `copy.start` takes it: absolute, and for a part of a share the folder around it. */
  readonly folder: string
  /** The folder or file that was made in `folder`; undefined: `folder` itself is the copy. */
  readonly name?: string
}

/** Copies of a share, the latest first. */
export function copiesOf(memory: vscode.Memento, id: ShareId): readonly CopyTarget[] {
  const copies = recall(memory).filter(copy => copy.id === id)
  const earlier = foldersOf(memory, id)
    .filter(folder => !copies.some(copy => copy.path === ROOT && copy.folder === folder))
    .map(folder => ({ id, path: ROOT, folder }))
  return [...earlier, ...copies].reverse()
}

/** Shares of which there are copies, as far as is known. */
export function copiedShares(memory: vscode.Memento): ReadonlySet<ShareId> {
  return new Set([...sharesSaved(memory), ...recall(memory).map(({ id }) => id)])
}

export async function rememberTarget(memory: vscode.Memento, target: CopyTarget): Promise<void> {
  const others = recall(memory).filter(copy => !isSame(copy, target))
  await memory.update(MEMORY, [...others, target].slice(-MAX_COPIES))
}

/** The name of a copy in its folder; see `CopyTarget.name`. @param share undefined while it is not known */
export function nameInFolder(
  path: DrivePath,
  share: { readonly isFile: boolean; readonly name: string } | undefined,
): string | undefined {
  if (path !== ROOT) return nameOf(path)
  return share?.isFile === true ? share.name : undefined
}

function isSame(a: CopyTarget, b: CopyTarget): boolean {
  return a.id === b.id && a.path === b.path && a.folder === b.folder
}

function recall(memory: vscode.Memento): readonly CopyTarget[] {
  const value: unknown = memory.get(MEMORY)
  return Array.isArray(value) ? value.filter(isTarget) : []
}

function isTarget(value: unknown): value is CopyTarget {
  if (typeof value !== 'object' || value === null) return false
  const fields = new Map<string, unknown>(Object.entries(value))
  const [id, path, folder, name] = ['id', 'path', 'folder', 'name'].map(field => fields.get(field))
  return (
    typeof id === 'string' &&
    isShareId(id) &&
    typeof path === 'string' &&
    path.startsWith('/') &&
    typeof folder === 'string' &&
    (name === undefined || typeof name === 'string')
  )
}
