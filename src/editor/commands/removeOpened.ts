/**
 * “Remove Opened Share…”: forgets somebody's share and what was fetched of it. Its tabs and its workspace folder are
 * closed first, so that nothing points at files that nobody serves any more. Copies on disk stay.
 */
import * as vscode from 'vscode'
import { safeText } from '../../common/format'
import { chooseShare } from './chooseShare'
import { isScripted } from './commandArguments'
import { meantShare } from './meantShare'
import type { CommandParts } from './parts'

export async function removeOpened(parts: CommandParts, given?: unknown): Promise<void> {
  const { l10n } = vscode
  const { peer, model, ask, letGo } = parts
  const id = meantShare(parts, given) ?? (await chooseShare(parts, 'opened', l10n.t('Remove Opened Share')))
  if (id === undefined) return
  if (await letGo.ofUnknown(id)) return
  const remove = l10n.t('Remove')
  const answer = isScripted([given])
    ? remove
    : await ask.confirm({
        message: l10n.t('Remove the opened share “{0}”?', safeText(model.nameOf(id), 80)),
        detail: l10n.t(
          'Copies you saved and folders in sync stay as they are; nothing follows the share any more. What Peerfold fetched is deleted; its link opens it again.',
        ),
        answers: [remove],
      })
  if (answer !== remove) return
  await letGo.whileRemoving(id, () => peer.request('open.remove', { id }))
}
