/** “Reveal on Disk”: the folder of an own share or of a transfer, in the Explorer if it is open there, else outside. */
import * as vscode from 'vscode'
import { PeerfoldError } from '../../common/errors'
import { givenId, givenShare } from './commandArguments'
import type { CommandParts } from './parts'

export async function reveal({ model }: CommandParts, given?: unknown): Promise<void> {
  const share = givenShare(given)
  const transfer = givenId(given)
  const own = share === undefined ? undefined : model.share(share)
  const shown = own?.source ?? (transfer === undefined ? undefined : model.transfer(transfer)?.folder)
  if (shown === undefined) throw new PeerfoldError('unknown-share')
  const uri = vscode.Uri.file(shown)
  const isOpenHere = vscode.workspace.getWorkspaceFolder(uri) !== undefined
  const canShowOutside = vscode.env.remoteName === undefined && vscode.env.uiKind === vscode.UIKind.Desktop
  if (isOpenHere) await vscode.commands.executeCommand('revealInExplorer', uri)
  else if (canShowOutside) await vscode.commands.executeCommand('revealFileInOS', uri)
  else
    await vscode.commands.executeCommand('vscode.openFolder', await folderOf(uri), { forceNewWindow: true })
}

/** The folder itself, or the one a file lies in: a file cannot be opened as a window. */
async function folderOf(uri: vscode.Uri): Promise<vscode.Uri> {
  const { type } = await vscode.workspace.fs.stat(uri)
  return (type & vscode.FileType.Directory) !== 0 ? uri : vscode.Uri.joinPath(uri, '..')
}
