/**
 * Files that could not be shown. VS Code's editor only speaks of an unexpected error, whatever a file system answers,
 * so the reason is told here; and what was out of reach is opened again when a peer comes back, if it is still what
 * the user looks at. Only files in an editor count: extensions try to read many others in the background.
 */
import * as vscode from 'vscode'
import { type ErrorCode, toUserError } from '../../common/errors'
import { Commands } from '../contributions'
import { Disposable } from '../dispose'
import type { PeerModel } from '../peerModel'
import { type Offer, offerCommand, warn } from '../tell'
import { fromShareUri } from './shareUri'

/** What passes when somebody who has the file comes. */
const OUT_OF_REACH: ReadonlySet<ErrorCode> = new Set(['offline', 'stalled', 'nobody-found'])

export class UnreadableFiles extends Disposable {
  /** By address. */
  private readonly waiting = new Map<string, vscode.Uri>()

  constructor(private readonly model: PeerModel) {
    super()
    this.own(model.onDidChange(() => this.openAgain()))
  }

  tell(error: unknown, uri: vscode.Uri): void {
    if (tabsOf(uri).length === 0) return
    const { code, message } = toUserError(error)
    if (OUT_OF_REACH.has(code)) this.waiting.set(uri.toString(), uri)
    warn(message, code === 'too-large' ? saveCopy(uri) : tryAgain(uri))
  }

  private openAgain(): void {
    for (const [address, uri] of this.waiting) {
      const id = fromShareUri(uri)?.id
      if (id !== undefined && this.model.opened(id)?.status.kind !== 'connected') continue
      this.waiting.delete(address)
      if (tabsOf(uri).some(tab => tab.isActive && tab.group.isActive)) {
        void vscode.commands.executeCommand('vscode.open', uri, { preserveFocus: true })
      }
    }
  }
}

function tabsOf(uri: vscode.Uri): readonly vscode.Tab[] {
  const tabs = vscode.window.tabGroups.all.flatMap(group => group.tabs)
  return tabs.filter(({ input }) => {
    const hasUri = input instanceof vscode.TabInputText || input instanceof vscode.TabInputCustom
    return hasUri && input.uri.toString() === uri.toString()
  })
}

function saveCopy(uri: vscode.Uri): Offer {
  return offerCommand(vscode.l10n.t('Save a Copy…'), Commands.saveCopy, uri)
}

function tryAgain(uri: vscode.Uri): Offer {
  return offerCommand(vscode.l10n.t('Try Again'), 'vscode.open', uri)
}
