/**
 * What to do when a window starts after a share was to be added to a workspace. Other windows start as well, perhaps with
 * the same folders, and VS Code tells nothing that tells them apart: its session id is the same for all where telemetry
 * is off. So nothing is opened without a question, unless only the window that asked can look like this one.
 */
import { fileURLToPath } from 'node:url'

/** The folders of a window, as addresses. */
export interface StartedWindow {
  readonly folders: readonly string[]
  /** Its workspace was never saved: VS Code makes such a one when a folder is added to one folder or none. */
  readonly isUntitled: boolean
  readonly hasShare: boolean
}

export type Remedy =
  /** The share is there. */
  | 'none'
  /** This is another window. */
  | 'not-meant'
  /** The folders are there as before, and the share is not: it can be added again. */
  | 'offer-adding'
  /** There are no folders: the window may have lost them, or never had any. */
  | 'offer-opening'
  /** The workspace that VS Code made for the folders has none of them. */
  | 'open'

/**
 * Whether a workspace file, by its address, is one that nobody saved. VS Code in a browser says so only in the first
 * window. A window that was loaded again has the file's own address, in the folder where VS Code keeps such files.
 */
export function isUntitledWorkspace(address: string): boolean {
  return /^untitled:|\/Workspaces\/Untitled-\d+\.code-workspace$/.test(address)
}

/** @param before the folders when the share was to be added */
export function remedyFor(
  { folders, isUntitled, hasShare }: StartedWindow,
  before: readonly string[],
): Remedy {
  if (hasShare) return 'none'
  if (folders.length === 0) return isUntitled ? 'open' : 'offer-opening'
  return folders.join('\n') === before.join('\n') ? 'offer-adding' : 'not-meant'
}

/**
 * The content of a workspace file with these folders. Folders on the disk are named by paths: a path means the machine on
 * which the workspace file lies, whatever kind of remote that is. An address would not do. If the extension runs on
 * another machine than the window, a folder is `file:` for it, and `vscode-remote://…` for the window, which reads this.
 */
export function workspaceFile(
  before: readonly string[],
  share: { readonly uri: string; readonly name: string },
): string {
  const folders = before.map(address =>
    address.startsWith('file:') ? { path: fileURLToPath(address) } : { uri: address },
  )
  return JSON.stringify({ folders: [...folders, share] }, null, 2)
}
