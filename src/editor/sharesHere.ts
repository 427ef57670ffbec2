/** Sets `peerfold.sharesHere`: files of this window's folders may be of an own share, so their menus offer a link. */
import * as vscode from 'vscode'
import { ContextKeySetter } from './contextKeys'
import { Disposable } from './dispose'
import { overlaps } from './files/ownFiles'
import type { PeerModel } from './peerModel'

export class SharesHere extends Disposable {
  private readonly contextKeys = new ContextKeySetter()

  constructor(private readonly model: Pick<PeerModel, 'state' | 'onDidChange'>) {
    super()
    this.own(model.onDidChange(() => this.update()))
    this.own(vscode.workspace.onDidChangeWorkspaceFolders(() => this.update()))
    this.update()
  }

  private update(): void {
    const shares = this.model.state?.shares ?? []
    const folders = (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file')
    const isAny = folders.some(({ uri }) => shares.some(({ source }) => overlaps(uri.fsPath, source)))
    this.contextKeys.set('peerfold.sharesHere', isAny)
  }
}
