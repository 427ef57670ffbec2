/** Which share was saved in which folder, kept beyond the window. Nothing secret: share ids and paths. */
import type * as vscode from 'vscode'
import type { ShareId } from '../common/brand'
import { isShareId } from '../common/link'

/** In globalState: absolute folder → share id, oldest first. */
const MEMORY = 'peerfold.savedCopies'
/** Folders remembered. */
const MAX_FOLDERS = 500

export function savedShareOf(memory: vscode.Memento, folder: string): ShareId | undefined {
  const id = new Map(entriesOf(memory)).get(folder)
  return id !== undefined && isShareId(id) ? id : undefined
}

/** Absolute, the one saved last at the end. */
export function foldersOf(memory: vscode.Memento, id: ShareId): readonly string[] {
  return entriesOf(memory)
    .filter(([, share]) => share === id)
    .map(([folder]) => folder)
}

export function sharesSaved(memory: vscode.Memento): readonly ShareId[] {
  return entriesOf(memory)
    .map(([, id]) => id)
    .filter(isShareId)
}

export async function rememberCopy(memory: vscode.Memento, folder: string, id: ShareId): Promise<void> {
  const others = entriesOf(memory).filter(([other]) => other !== folder)
  await memory.update(MEMORY, [...others, [folder, id]].slice(-MAX_FOLDERS))
}

function entriesOf(memory: vscode.Memento): readonly (readonly [folder: string, id: string])[] {
  const value: unknown = memory.get(MEMORY)
  if (!Array.isArray(value)) return []
  return value.flatMap((entry: unknown) => {
    if (!Array.isArray(entry)) return []
    const [folder, id]: readonly unknown[] = entry
    return typeof folder === 'string' && typeof id === 'string' ? [[folder, id] as const] : []
  })
}
