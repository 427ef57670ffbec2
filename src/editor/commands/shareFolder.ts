/** “Share Folder with Peer”: the folder that was clicked, the one that is open, or one that the user picks. */
import { realpath } from 'node:fs/promises'
import * as vscode from 'vscode'
import { pickerText } from '../names'
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
    isPublic: givenFlag(given, 'isPublic'),
    allow: givenPaths(given, 'allow'),
    ask,
  })
}

interface FolderItem extends vscode.QuickPickItem {
  /** Undefined: any other. */
  readonly uri: vscode.Uri | undefined
}

async function chooseFolder({ ask, model }: CommandParts): Promise<vscode.Uri | undefined> {
  const pick = () => ask.folder({ title: l10n.t('Choose the folder to share'), button: l10n.t('Share') })
  const roots = (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file')
  if (roots.length === 0) return pick()
  const [only] = roots
  const shared = new Set(model.state?.shares.map(({ source }) => source))
  if (only !== undefined && roots.length === 1 && !shared.has(await realPath(only))) return only.uri
  const items: readonly FolderItem[] = [
    ...roots.map(({ name, uri }) => ({ label: pickerText(name), description: pickerText(uri.fsPath), uri })),
    { label: l10n.t('Another folder…'), uri: undefined },
  ]
  const title = l10n.t('Share Folder with Peer')
  const chosen = await ask.pick(items, { title, placeholder: l10n.t('Which folder?') })
  return chosen === undefined ? undefined : (chosen.uri ?? pick())
}

/** As the peer process names it; where there is none, publishing tells. */
async function realPath({ uri }: vscode.WorkspaceFolder): Promise<string> {
  return realpath(uri.fsPath).catch(() => uri.fsPath)
}
