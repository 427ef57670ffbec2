/**
 * “Keep Sharing When VS Code Is Closed”: whether the peer process stays when the last window goes. Kept in the data
 * folder, for all windows; the status bar shows a pin while it is on.
 */
import * as vscode from 'vscode'
import { Commands } from '../contributions'
import { offerCommand, tell } from '../tell'
import type { CommandParts } from './parts'

export async function keepSharing({ peer }: CommandParts): Promise<void> {
  await peer.request('settings.set', { keepRunning: true })
  tell(
    vscode.l10n.t(
      'Sharing goes on when VS Code is closed. It ends with the machine, or when you choose “Stop Peer Process”.',
    ),
    offerCommand(vscode.l10n.t('Undo'), Commands.endKeepSharing),
  )
}

export async function endKeepSharing({ peer }: CommandParts): Promise<void> {
  await peer.request('settings.set', { keepRunning: false })
}
