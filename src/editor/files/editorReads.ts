/**
 * Tells reads for an editor from all others. VS Code reads a file in the same way for an editor, for a copy made in the
 * Explorer, and for an extension; only an editor has a tab, and reads when that comes or is turned to. A file that was
 * refused to its tab once is not refused again before something happens to the tab: what reads it then is a copy, which
 * VS Code would leave empty.
 */
import * as vscode from 'vscode'
import { Disposable } from '../dispose'

export class EditorReads extends Disposable {
  /** Addresses that were refused to their tabs. */
  private readonly refused = new Set<string>()

  constructor() {
    super()
    this.own(
      vscode.window.tabGroups.onDidChangeTabs(({ opened, closed, changed }) => {
        for (const tab of [...opened, ...closed, ...changed])
          for (const uri of urisOf(tab)) this.refused.delete(uri.toString())
      }),
    )
  }

  /** Whether this read, which is about to be refused, is an editor's. */
  refuses(uri: vscode.Uri): boolean {
    const address = uri.toString()
    if (!isInTab(uri) || this.refused.has(address)) return false
    this.refused.add(address)
    return true
  }
}

/** Whether a file is, or is about to be, shown in an editor. */
export function isInTab(uri: vscode.Uri): boolean {
  return tabsOf(uri).length > 0
}

export function tabsOf(uri: vscode.Uri): readonly vscode.Tab[] {
  const address = uri.toString()
  const tabs = vscode.window.tabGroups.all.flatMap(group => group.tabs)
  return tabs.filter(tab => urisOf(tab).some(shown => shown.toString() === address))
}

/** The files that a tab shows; those of a comparison are two. */
function urisOf({ input }: vscode.Tab): readonly vscode.Uri[] {
  if (input instanceof vscode.TabInputTextDiff || input instanceof vscode.TabInputNotebookDiff)
    return [input.original, input.modified]
  const hasUri =
    input instanceof vscode.TabInputText ||
    input instanceof vscode.TabInputCustom ||
    input instanceof vscode.TabInputNotebook
  return hasUri ? [input.uri] : []
}
