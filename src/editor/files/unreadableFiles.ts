/**
 * Files that could not be shown. VS Code's editor only speaks of an unexpected error, whatever a file system answers,
 * so the reason is told here; and what was out of reach is opened again when a peer comes back, if it is still what
 * the user looks at. Only files in an editor count: extensions try to read many others in the background.
 */
import * as vscode from 'vscode'
import { type ErrorCode, toUserError } from '../../common/errors'
import { Commands, EXTENSION_SCHEME, type SettingName } from '../contributions'
import { Disposable } from '../dispose'
import type { PeerModel } from '../peerModel'
import { isCancelled, type Offer, offerCommand, tellError, warn } from '../tell'
import { isInTab, tabsOf } from './editorReads'
import { cameBack, type Reach } from './reach'
import { fromShareUri } from './shareUri'

/** What passes when somebody who has the file comes. */
const OUT_OF_REACH: ReadonlySet<ErrorCode> = new Set([
  'offline',
  'not-listed',
  'stalled',
  'nobody-found',
  'process-ended',
])

interface Waiting {
  readonly uri: vscode.Uri
  /** How things stood when it was looked at last. */
  reach: Reach
}

export class UnreadableFiles extends Disposable {
  /** By address. */
  private readonly waiting = new Map<string, Waiting>()

  constructor(private readonly model: PeerModel) {
    super()
    this.own(model.onDidChange(() => this.openAgain()))
  }

  tell(error: unknown, uri: vscode.Uri): void {
    const { code, message } = toUserError(error)
    // Whoever reads it: VS Code leaves an empty file where it was to be copied. Stays until the user has seen it.
    if (code === 'too-large-to-read') tellError(error, saveCopy(uri))
    if (code === 'too-large-to-read' || !isInTab(uri) || isCancelled(error)) return
    if (OUT_OF_REACH.has(code)) this.waiting.set(uri.toString(), { uri, reach: this.reachOf(uri) })
    warn(message, offerFor(code, uri))
  }

  private openAgain(): void {
    for (const [address, waiting] of this.waiting) {
      const { uri, reach } = waiting
      waiting.reach = this.reachOf(uri)
      // Peers that were there when it failed do not have it: only another one can help.
      if (!cameBack(reach, waiting.reach)) continue
      this.waiting.delete(address)
      if (tabsOf(uri).some(tab => tab.isActive && tab.group.isActive)) {
        void vscode.commands.executeCommand('vscode.open', uri, { preserveFocus: true })
      }
    }
  }

  private reachOf(uri: vscode.Uri): Reach {
    const id = fromShareUri(uri)?.id
    const share = id === undefined ? undefined : this.model.opened(id)
    return { connected: share?.status.kind === 'connected', peers: share?.peers ?? 0 }
  }
}

function offerFor(code: ErrorCode, uri: vscode.Uri): Offer {
  switch (code) {
    case 'too-large':
      return saveCopy(uri)
    case 'message-too-large':
      return openSetting('maxRequestSize')
    case 'process-ended':
      return offerCommand(vscode.l10n.t('Start Again'), Commands.retry)
    default:
      return tryAgain(uri)
  }
}

function openSetting(name: SettingName): Offer {
  const setting = `${EXTENSION_SCHEME}.${name}`
  return offerCommand(vscode.l10n.t('Open Settings'), 'workbench.action.openSettings', setting)
}

function saveCopy(uri: vscode.Uri): Offer {
  return offerCommand(vscode.l10n.t('Save a Copy…'), Commands.saveCopy, uri)
}

function tryAgain(uri: vscode.Uri): Offer {
  return offerCommand(vscode.l10n.t('Try Again'), 'vscode.open', uri)
}
