/** “Disconnect” and “Reconnect” an opened share: it stays in the list, and what is here can be opened meanwhile. */
import * as vscode from 'vscode'
import { chooseShare } from './chooseShare'
import { givenShare } from './given'
import type { CommandParts } from './parts'

export async function stopOpened(parts: CommandParts, given?: unknown): Promise<void> {
  const id = givenShare(given) ?? (await chooseShare(parts, 'opened', vscode.l10n.t('Disconnect')))
  if (id !== undefined) await parts.peer.request('open.stop', { id })
}

export async function startOpened(parts: CommandParts, given?: unknown): Promise<void> {
  const id = givenShare(given) ?? (await chooseShare(parts, 'opened', vscode.l10n.t('Reconnect')))
  if (id !== undefined) await parts.peer.request('open.start', { id })
}
