/**
 * “Reveal on Disk”: shows an own share, an entry of it, the folder of a transfer, or a folder in sync, in the Explorer
 * if it is open there, else outside.
 */
import * as vscode from 'vscode'
import { PeerfoldError } from '../../common/errors'
import { onDisk } from '../files/ownFiles'
import { ROOT } from '../files/shareUri'
import { givenAddress, givenId } from './commandArguments'
import type { CommandParts } from './parts'

export async function reveal({ model }: CommandParts, given?: unknown): Promise<void> {
  const entry = givenAddress(given)
  const transfer = givenId(given)
  const own = entry === undefined ? undefined : model.share(entry.id)
  const folder =
    transfer === undefined ? undefined : (model.transfer(transfer) ?? model.live(transfer))?.folder
  if (own === undefined && folder === undefined) throw new PeerfoldError('unknown-share')
  const uri = own === undefined ? vscode.Uri.file(folder ?? '') : onDisk(own, entry?.path ?? ROOT)
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
