/** The one item in the status bar; what it says is decided by statusText.ts. */
import * as vscode from 'vscode'
import { safeText } from '../../common/format'
import { Disposable } from '../dispose'
import type { PeerModel } from '../peerModel'
import { statusText } from './statusText'

export class StatusBar extends Disposable {
  private readonly item: vscode.StatusBarItem

  constructor(private readonly model: PeerModel) {
    super()
    this.item = this.own(
      vscode.window.createStatusBarItem('peerfold.status', vscode.StatusBarAlignment.Left, 0),
    )
    this.item.name = vscode.l10n.t('Peerfold')
    this.own(model.onDidChange(() => this.update()))
    this.update()
  }

  private update(): void {
    const shown = statusText(this.model.status, this.model.state, vscode.l10n)
    if (shown === undefined) {
      this.item.hide()
      return
    }
    const lines = shown.tooltip.split('\n').map(line => safeText(line, 600))
    this.item.text = shown.text
    this.item.tooltip = lines.join('\n')
    this.item.command = shown.command
    this.item.backgroundColor = shown.isError
      ? new vscode.ThemeColor('statusBarItem.errorBackground')
      : undefined
    this.item.accessibilityInformation = { label: lines.join(', ') }
    this.item.show()
  }
}
