/**
 * “Keep Sharing When VS Code Closes”: whether the peer process stays when the last window goes. Kept in the data
 * folder, for all windows; the status bar shows a pin while it is on.
 */
import * as vscode from 'vscode'
import type { CommandParts } from './parts'

export async function keepSharing({ peer }: CommandParts): Promise<void> {
  await peer.request('settings.set', { keepRunning: true })
  say(vscode.l10n.t('Sharing continues when VS Code closes.'))
}

export async function endKeepSharing({ peer }: CommandParts): Promise<void> {
  await peer.request('settings.set', { keepRunning: false })
  say(vscode.l10n.t('Sharing stops when the last window of VS Code closes.'))
}

/** Milliseconds that it shows in the status bar: a toast would stay after the opposite was chosen. */
const SHOWN_FOR = 8_000
let said: vscode.Disposable | undefined

/** In place of what was said before. */
function say(message: string): void {
  said?.dispose()
  said = vscode.window.setStatusBarMessage(`$(pinned) ${message}`, SHOWN_FOR)
}
