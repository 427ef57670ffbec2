/**
 * Merges a conflict: the changes of both sides come together in the user's file, which opens. Places that both changed
 * have conflict markers, at which VS Code offers what to do. The conflict ends when the markers are gone.
 */
import * as vscode from 'vscode'
import type { LiveConflict, MergeAnswer } from '../../common/model'
import { Commands } from '../contributions'
import { offerCommand, tell } from '../tell'
import type { CommandParts } from './parts'
import { nameOf } from './showConflict'

const { l10n } = vscode

const MARKER = /^<<<<<<< /m
/** Milliseconds until VS Code has read a file again that was written. */
const READ_WITHIN = 5_000

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
  if (markers > 0) await showMarkers(path)
  else await vscode.commands.executeCommand('vscode.open', vscode.Uri.file(path))
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

/** Opens a file at its first conflict marker. */
export async function showMarkers(path: string): Promise<void> {
  const document = await vscode.workspace.openTextDocument(vscode.Uri.file(path))
  const editor = await vscode.window.showTextDocument(document, { preview: false })
  await untilRead(document)
  const at = document.getText().search(MARKER)
  if (at === -1) return
  const position = document.positionAt(at)
  editor.selection = new vscode.Selection(position, position)
  editor.revealRange(new vscode.Range(position, position), vscode.TextEditorRevealType.InCenter)
}

/** A file that is open is read again a moment after it was written. Resolves when it has markers, or after a while. */
async function untilRead(document: vscode.TextDocument): Promise<void> {
  if (MARKER.test(document.getText())) return
  await new Promise<void>(resolve => {
    const done = () => {
      clearTimeout(timer)
      reading.dispose()
      resolve()
    }
    const timer = setTimeout(done, READ_WITHIN)
    const reading = vscode.workspace.onDidChangeTextDocument(({ document: changed }) => {
      if (changed === document && MARKER.test(document.getText())) done()
    })
  })
}

/** Asks to save the file if it has changes: the merge takes what is on the disk. → whether it may be merged */
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
