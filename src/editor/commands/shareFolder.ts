/** “Share Folder with Peer”: the folder that was clicked, the one that is open, or one that the user picks. */
import * as vscode from 'vscode'
import { givenFlag, givenPaths, givenSource, isScripted } from './given'
import type { CommandParts } from './parts'
import { mayShare, type Published, publish } from './publish'

const { l10n } = vscode

export async function shareFolder(parts: CommandParts, given?: unknown): Promise<Published | undefined> {
  const ask = !isScripted([given])
  if (!mayShare(ask)) return undefined
  const folder = givenSource(given) ?? (await chooseFolder(parts))
  if (folder === undefined) return undefined
  return publish(parts, folder, {
    isPublic: givenFlag(given, 'isPublic') ?? false,
    allow: givenPaths(given, 'allow'),
    ask,
  })
}

interface FolderItem extends vscode.QuickPickItem {
  /** Undefined: any other. */
  readonly uri: vscode.Uri | undefined
}

async function chooseFolder({ ask }: CommandParts): Promise<vscode.Uri | undefined> {
  const pick = () => ask.folder({ title: l10n.t('Choose the folder to share'), button: l10n.t('Share') })
  const roots = vscode.workspace.workspaceFolders ?? []
  if (roots.length === 0) return pick()
  if (roots.length === 1) return roots[0]?.uri
  const items: readonly FolderItem[] = [
    ...roots.map(({ name, uri }) => ({ label: name, description: uri.fsPath, uri })),
    { label: l10n.t('Another folder…'), uri: undefined },
  ]
  const title = l10n.t('Share Folder with Peer')
  const chosen = await ask.pick(items, { title, placeholder: l10n.t('Which folder?') })
  return chosen === undefined ? undefined : (chosen.uri ?? pick())
}
