/** A file that was changed here and by the sharer, beside what came in. */
import * as vscode from 'vscode'
import { PeerfoldError } from '../../common/errors'
import { safeText } from '../../common/format'
import type { LiveConflict } from '../../common/model'

const { l10n } = vscode

/** Theirs at the left, the user's own file at the right, where it can be edited. */
export async function showConflict({ path, copy }: LiveConflict): Promise<void> {
  const [theirs, mine] = [vscode.Uri.file(copy), vscode.Uri.file(path)]
  if (!(await isThere(theirs)) || !(await isThere(mine)))
    throw new PeerfoldError('file-not-found', nameOf(path))
  const title = l10n.t('{0}: theirs ↔ yours', safeText(nameOf(path), 80))
  await vscode.commands.executeCommand('vscode.diff', theirs, mine, title, { preview: true })
}

export async function isThere(file: vscode.Uri): Promise<boolean> {
  return vscode.workspace.fs.stat(file).then(
    () => true,
    () => false,
  )
}

/** Of a path on this disk. */
export function nameOf(path: string): string {
  return vscode.Uri.file(path).path.split('/').at(-1) ?? path
}
