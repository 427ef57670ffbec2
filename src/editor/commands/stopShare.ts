/** “Stop Sharing” and “Start Sharing Again”: the share stays in the list, with its link, and is served to nobody meanwhile. */
import * as vscode from 'vscode'
import { chooseShare } from './chooseShare'
import { givenShare, isScripted } from './given'
import type { CommandParts } from './parts'
import { mayShare } from './publish'

export async function stopShare(parts: CommandParts, given?: unknown): Promise<void> {
  const id = givenShare(given) ?? (await chooseShare(parts, 'own', vscode.l10n.t('Stop Sharing')))
  if (id !== undefined) await parts.peer.request('share.stop', { id })
}

export async function startShare(parts: CommandParts, given?: unknown): Promise<void> {
  if (!mayShare(!isScripted([given]))) return
  const id = givenShare(given) ?? (await chooseShare(parts, 'own', vscode.l10n.t('Start Sharing Again')))
  if (id !== undefined) await parts.peer.request('share.start', { id })
}
