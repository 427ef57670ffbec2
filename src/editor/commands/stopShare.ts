/** “Stop Sharing” and “Start Sharing Again”: the share stays in the list, with its link, and is served to nobody meanwhile. */
import * as vscode from 'vscode'
import type { OpenedShareState, ShareState } from '../../common/model'
import { chooseShare } from './chooseShare'
import { givenShare, isScripted } from './commandArguments'
import type { CommandParts } from './parts'
import { mayShare } from './publish'

const { l10n } = vscode

const running = {
  isMeant: ({ status }: Pick<ShareState, 'status'> | OpenedShareState) => status.kind !== 'stopped',
  otherwise: l10n.t('Nothing is being shared now.'),
}
const atRest = {
  isMeant: ({ status }: Pick<ShareState, 'status'> | OpenedShareState) =>
    status.kind === 'stopped' || status.kind === 'failed',
  otherwise: l10n.t('Everything you share is being shared now.'),
}

export async function stopShare(parts: CommandParts, given?: unknown): Promise<void> {
  const id = givenShare(given) ?? (await chooseShare(parts, 'own', l10n.t('Stop Sharing'), running))
  if (id !== undefined) await parts.peer.request('share.stop', { id })
}

export async function startShare(parts: CommandParts, given?: unknown): Promise<void> {
  if (!mayShare(!isScripted([given]))) return
  const id = givenShare(given) ?? (await chooseShare(parts, 'own', l10n.t('Start Sharing Again'), atRest))
  if (id !== undefined) await parts.peer.request('share.start', { id })
}
