/** “Remove Share…”: forgets an own share for good. Its link never works again; the files on disk are not touched. */
import * as vscode from 'vscode'
import { safeText } from '../../common/format'
import { chooseShare } from './chooseShare'
import { isScripted } from './commandArguments'
import { meantShare } from './meantShare'
import type { CommandParts } from './parts'

export async function removeShare(parts: CommandParts, given?: unknown): Promise<void> {
  const { l10n } = vscode
  const { peer, model, ask } = parts
  const id = meantShare(parts, given) ?? (await chooseShare(parts, 'own', l10n.t('Remove Share')))
  if (id === undefined) return
  const remove = l10n.t('Remove')
  const answer = isScripted([given])
    ? remove
    : await ask.confirm({
        message: l10n.t('Remove the share “{0}”?', safeText(model.nameOf(id), 80)),
        detail: l10n.t(
          'Its link stops working for good. Your files are not touched, and others keep what they have. To pause, choose “Stop Sharing” instead.',
        ),
        answers: [remove],
        warning: true,
      })
  if (answer === remove) await peer.request('share.remove', { id })
}
