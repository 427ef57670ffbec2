/** “Disconnect” and “Reconnect” an opened share: it stays in the list, and what is here can be opened meanwhile. */
import * as vscode from 'vscode'
import type { OpenedShareState, ShareState } from '../../common/model'
import { chooseShare } from './chooseShare'
import { givenShare } from './commandArguments'
import type { CommandParts } from './parts'

const { l10n } = vscode

const connected = {
  isMeant: (share: ShareState | OpenedShareState) => !isDisconnected(share),
  otherwise: l10n.t('No opened share is connected now.'),
}
const disconnected = { isMeant: isDisconnected, otherwise: l10n.t('Every opened share is connected.') }

function isDisconnected(share: ShareState | OpenedShareState): boolean {
  return 'stopped' in share && share.stopped
}

export async function stopOpened(parts: CommandParts, given?: unknown): Promise<void> {
  const id = givenShare(given) ?? (await chooseShare(parts, 'opened', l10n.t('Disconnect'), connected))
  if (id !== undefined) await parts.peer.request('open.stop', { id })
}

export async function startOpened(parts: CommandParts, given?: unknown): Promise<void> {
  const id = givenShare(given) ?? (await chooseShare(parts, 'opened', l10n.t('Reconnect'), disconnected))
  if (id !== undefined) await parts.peer.request('open.start', { id })
}
