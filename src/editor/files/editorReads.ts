/**
 * Tells reads for an editor from all others. VS Code reads a file in the same way for an editor, for a copy made in the
 * Explorer, and for an extension. Only an editor has a tab, and it reads when the tab comes or is turned to. A file that
 * was refused to its tab is not refused again until something happens to the tab: another read in between is for a copy,
 * which VS Code would leave empty.
 */
import * as vscode from 'vscode'
import { Disposable } from '../dispose'
import { fileAddress, isWaitingTab, tabsOfFile, urisOfTab } from './shareTabs'

export class EditorReads extends Disposable {
  /** Addresses that were refused to their tabs. */
  private readonly refused = new Set<string>()

  constructor() {
    super()
    this.own(
      vscode.window.tabGroups.onDidChangeTabs(({ opened, closed, changed }) => {
        for (const tab of [...opened, ...closed, ...changed])
          for (const uri of urisOfTab(tab)) this.refused.delete(fileAddress(uri))
      }),
    )
  }

  /** Whether this read, which is about to be refused, is an editor's. */
  refuses(uri: vscode.Uri): boolean {
    const address = fileAddress(uri)
    if (!isInTab(uri) || this.refused.has(address)) return false
    this.refused.add(address)
    return true
  }
}

/** Whether a file is, or is about to be, shown in an editor; a tab that waits for it does not read. */
export function isInTab(uri: vscode.Uri): boolean {
  return tabsOfFile(uri).some(tab => !isWaitingTab(tab))
}
