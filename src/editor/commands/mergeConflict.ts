/**
 * Merges a conflict: what both sides changed comes together in the user's file, which opens. Where both changed the same
 * there are conflict markers, at which VS Code offers what to do; the conflict ends when they are gone.
 */
import * as vscode from 'vscode'
import type { LiveConflict, MergeAnswer } from '../../common/model'
import { Commands } from '../contributions'
import { offerCommand, tell } from '../tell'
import type { CommandParts } from './parts'
import { nameOf } from './showConflict'

const { l10n } = vscode

type Parts = Pick<CommandParts, 'ask' | 'peer'>

export function askAboutMerge(
  { peer }: Pick<Parts, 'peer'>,
  { path, copy }: LiveConflict,
): Promise<MergeAnswer> {
  return peer.request('conflict.about', { path, copy })
}

/** Throws `PeerfoldError`. */
export async function mergeConflict(parts: Parts, { path, copy }: LiveConflict): Promise<void> {
  const name = nameOf(path)
  if (!(await isSaved(parts, path, name))) return
  const { markers } = await parts.peer.request('conflict.merge', { path, copy })
  await showMarkers(path)
  const message =
    markers === 0
      ? l10n.t('Merged “{0}”: it holds your changes and theirs.', name)
      : markers === 1
        ? l10n.t('Merged “{0}”, but for 1 place that both changed: choose there, then save.', name)
        : l10n.t(
            'Merged “{0}”, but for {1} places that both changed: choose there, then save.',
            name,
            markers,
          )
  tell(message, offerCommand(l10n.t('Restore Mine…'), Commands.restoreKept))
}

/** Opens a file at its first conflict marker, if it has any. */
export async function showMarkers(path: string): Promise<void> {
  const document = await vscode.workspace.openTextDocument(vscode.Uri.file(path))
  const editor = await vscode.window.showTextDocument(document, { preview: false })
  const at = document.getText().search(/^<<<<<<< /m)
  if (at === -1) return
  const position = document.positionAt(at)
  editor.selection = new vscode.Selection(position, position)
  editor.revealRange(new vscode.Range(position, position), vscode.TextEditorRevealType.InCenter)
}

/** What is merged is what lies on the disk. */
async function isSaved({ ask }: Pick<Parts, 'ask'>, path: string, name: string): Promise<boolean> {
  const { fsPath } = vscode.Uri.file(path)
  const unsaved = vscode.workspace.textDocuments.find(({ uri, isDirty }) => isDirty && uri.fsPath === fsPath)
  if (unsaved === undefined) return true
  const save = l10n.t('Save and Merge')
  const answer = await ask.confirm({
    message: l10n.t('“{0}” has changes that are not saved. Save them before it is merged?', name),
    detail: l10n.t('The merge takes what is on the disk.'),
    answers: [save],
  })
  return answer === save && unsaved.save()
}
