/**
 * What is to be done when a window starts after a share was to be added to its workspace. Other windows start as well,
 * also ones with the same folders, and nothing that VS Code tells tells them apart: its session id is the same for all
 * where telemetry is off. So nothing is opened without a word unless only the window that asked can look like this one.
 */
import { fileURLToPath } from 'node:url'

/** The folders of a window, as addresses. */
export interface StartedWindow {
  readonly folders: readonly string[]
  /** A workspace is open in it that nobody saved, such as VS Code makes when a folder is added to one or none. */
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
 * Whether a workspace file, by its address, is one that nobody saved. Where VS Code runs in a browser it says so only of
 * the first window: one that was loaded again has the file's own address, in the folder where VS Code keeps these.
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
 * The content of a workspace file with these folders. Where the extension runs on another machine than the window, that
 * machine's files have `file:` addresses for the extension, and others (`vscode-remote://…`) for the window, which reads
 * this. A path is taken as one of the machine on which the workspace file lies, whichever kind of remote that is.
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
