/**
 * Comparisons of texts or notebooks of which a file was out of reach. Those that show are opened again when somebody
 * comes. One in the background needs nothing: VS Code reads its files when it is turned to.
 */
import * as vscode from 'vscode'
import { Disposable } from '../dispose'
import type { PeerModel } from '../peerModel'
import { cameBack, type Reach, reachOf } from './reach'
import { fileAddress, tabsOfFile } from './shareTabs'
import { fromShareUri } from './shareUri'

type Comparison = vscode.TabInputTextDiff | vscode.TabInputNotebookDiff

interface Missing {
  readonly uri: vscode.Uri
  reach: Reach
}

export class WaitingComparisons extends Disposable {
  /** Files that could not be read, by address. */
  private readonly missing = new Map<string, Missing>()

  constructor(private readonly model: Pick<PeerModel, 'opened' | 'onDidChange'>) {
    super()
    this.own(model.onDidChange(() => this.look()))
  }

  /** Notes a file that could not be read, since nobody within reach has it. */
  note(uri: vscode.Uri): void {
    this.missing.set(fileAddress(uri), { uri, reach: this.reachOf(uri) })
  }

  private look(): void {
    const readable: vscode.Uri[] = []
    for (const [address, file] of this.missing) {
      const before = file.reach
      file.reach = this.reachOf(file.uri)
      if (!cameBack(before, file.reach)) continue
      this.missing.delete(address)
      readable.push(file.uri)
    }
    for (const tab of new Set(readable.flatMap(tabsOfFile))) if (tab.isActive) openAgain(tab)
  }

  private reachOf(uri: vscode.Uri): Reach {
    const id = fromShareUri(uri)?.id
    return reachOf(id === undefined ? undefined : this.model.opened(id))
  }
}

/** Opens a comparison again. Not waited for: a failure is told again. */
function openAgain({ input, label, group, isPreview }: vscode.Tab): void {
  if (!isComparison(input)) return
  const options = { viewColumn: group.viewColumn, preserveFocus: !group.isActive, preview: isPreview }
  vscode.commands
    .executeCommand('vscode.diff', input.original, input.modified, label, options)
    .then(undefined, () => undefined)
}

function isComparison(input: unknown): input is Comparison {
  return input instanceof vscode.TabInputTextDiff || input instanceof vscode.TabInputNotebookDiff
}
