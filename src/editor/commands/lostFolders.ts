/**
 * What to do when a window starts after a share was to be added to a workspace. Other windows start as well, perhaps with
 * the same folders, and VS Code tells nothing that tells them apart: its session id is the same for all where telemetry
 * is off. So nothing is added without a question, unless only the window that asked can look like this one.
 */

/** How often folders that were lost are put back before the user is asked. */
export const TRIES = 3

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
  /** The share is not there, and the folders are as before, or there are none. This may be another window. */
  | 'offer'
  /** The workspace that VS Code made for the folders has none of them. */
  | 'put-back'

/**
 * Whether a workspace file, by its address, is one that nobody saved. VS Code in a browser says so only in the first
 * window. A window that was loaded again has the file's own address, in the folder where VS Code keeps such files.
 */
export function isUntitledWorkspace(address: string): boolean {
  return /^untitled:|\/Workspaces\/Untitled-\d+\.code-workspace$/.test(address)
}

/**
 * @param before the folders when the share was to be added
 * @param tries how often they were put back
 */
export function remedyFor(
  { folders, isUntitled, hasShare }: StartedWindow,
  { before, tries }: { readonly before: readonly string[]; readonly tries: number },
): Remedy {
  if (hasShare) return 'none'
  if (folders.length === 0) return isUntitled && tries < TRIES ? 'put-back' : 'offer'
  return folders.join('\n') === before.join('\n') ? 'offer' : 'not-meant'
}
