/**
 * “Save As…” for a file of a share. VS Code's own begins in the share, where nothing can be saved: every folder is
 * refused, and under the same name it does nothing and says nothing. So while a share's file is in front, the command
 * is “Save a Copy…”, from the menu, the palette and the keyboard alike. For all other files it stays VS Code's own.
 *
 * A registered command hides an existing one of the same id until it is disposed.
 */
import * as vscode from 'vscode'
import { Commands } from './contributions'
import { Disposable } from './dispose'
import { urisOfTab } from './files/shareTabs'
import { fromShareUri } from './files/shareUri'

const SAVE_AS = 'workbench.action.files.saveAs'

export class SaveAs extends Disposable {
  private replaced: vscode.Disposable | undefined

  constructor(private readonly log: vscode.LogOutputChannel) {
    super()
    const look = () => this.look()
    this.own(vscode.window.tabGroups.onDidChangeTabs(look))
    this.own(vscode.window.tabGroups.onDidChangeTabGroups(look))
    this.own({ dispose: () => this.giveBack() })
    this.look()
  }

  private look(): void {
    if (shownFile() === undefined) this.giveBack()
    else this.replace()
  }

  private replace(): void {
    if (this.replaced !== undefined) return
    try {
      this.replaced = vscode.commands.registerCommand(SAVE_AS, (...args: unknown[]) => this.run(args))
    } catch (error) {
      this.log.debug(`another extension has “Save As…”: ${String(error)}`)
    }
  }

  private giveBack(): void {
    this.replaced?.dispose()
    this.replaced = undefined
  }

  private async run(args: readonly unknown[]): Promise<unknown> {
    const file = shownFile()
    if (file !== undefined) return vscode.commands.executeCommand(Commands.saveCopy, file)
    this.giveBack() // another file came to the front just now
    return vscode.commands.executeCommand(SAVE_AS, ...args)
  }
}

/** The file in front, when it is of a share. */
function shownFile(): vscode.Uri | undefined {
  const tab = vscode.window.tabGroups.activeTabGroup.activeTab
  const uris = tab === undefined ? [] : urisOfTab(tab)
  // In a comparison the right side is the one to be saved.
  const uri = uris.at(-1)
  return uri !== undefined && fromShareUri(uri) !== undefined ? uri : undefined
}
