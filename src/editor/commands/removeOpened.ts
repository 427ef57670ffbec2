/**
 * “Remove Opened Share…”: forgets somebody's share and what was fetched of it. Its tabs and its workspace folder are
 * closed first, so that nothing points at files that nobody serves any more. Copies on disk stay.
 */
import * as vscode from 'vscode'
import type { ShareId } from '../../common/brand'
import { safeText } from '../../common/format'
import { fromShareUri } from '../files/shareUri'
import { chooseShare } from './chooseShare'
import { isScripted } from './given'
import { meantShare } from './meantShare'
import type { CommandParts } from './parts'

export async function removeOpened(parts: CommandParts, given?: unknown): Promise<void> {
  const { l10n } = vscode
  const { peer, model, ask } = parts
  const id = meantShare(parts, given) ?? (await chooseShare(parts, 'opened', l10n.t('Remove Opened Share')))
  if (id === undefined) return
  const remove = l10n.t('Remove')
  const answer = isScripted([given])
    ? remove
    : await ask.confirm({
        message: l10n.t('Remove the opened share “{0}”?', safeText(model.nameOf(id), 80)),
        detail: l10n.t(
          'What was fetched of it is deleted from Peerfold’s data folder. Copies you saved stay where they are. Its link opens it again.',
        ),
        answers: [remove],
      })
  if (answer !== remove) return
  await closeTabs(id)
  await peer.request('open.remove', { id })
  unmount(id)
}

async function closeTabs(id: ShareId): Promise<void> {
  const tabs = vscode.window.tabGroups.all.flatMap(group => group.tabs).filter(tab => shows(tab, id))
  if (tabs.length > 0) await vscode.window.tabGroups.close(tabs)
}

function shows({ input }: vscode.Tab, id: ShareId): boolean {
  const uris =
    input instanceof vscode.TabInputText || input instanceof vscode.TabInputCustom
      ? [input.uri]
      : input instanceof vscode.TabInputTextDiff
        ? [input.original, input.modified]
        : []
  return uris.some(uri => fromShareUri(uri)?.id === id)
}

/** Last: where it was the only other folder, all extensions are restarted by it. */
function unmount(id: ShareId): void {
  const folder = vscode.workspace.workspaceFolders?.find(({ uri }) => fromShareUri(uri)?.id === id)
  if (folder !== undefined) vscode.workspace.updateWorkspaceFolders(folder.index, 1)
}
