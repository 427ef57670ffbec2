/** “Share Folder with Peer”: the folder that was clicked, one that is open, or any other that the user picks. */
import { realpath } from 'node:fs/promises'
import * as vscode from 'vscode'
import { diskPath, pickerText } from '../names'
import { givenFlag, givenPaths, givenSource, isScripted } from './commandArguments'
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
  /** Undefined: another one. */
  readonly uri: vscode.Uri | undefined
}

async function chooseFolder({ ask, model }: CommandParts): Promise<vscode.Uri | undefined> {
  const pick = () => ask.folder({ title: l10n.t('Choose the folder to share'), button: l10n.t('Share') })
  const roots = (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file')
  if (roots.length === 0) return pick()
  const sources = new Set(model.state?.shares.map(({ source }) => source))
  const folders = await Promise.all(
    roots.map(async folder => ({ folder, isShared: sources.has(await realPath(folder)) })),
  )
  const toItem = ({ folder: { name, uri }, isShared }: (typeof folders)[number]): FolderItem => {
    const place = pickerText(diskPath(uri.fsPath))
    return {
      label: pickerText(name),
      description: isShared ? l10n.t('{0} · shared already', place) : place,
      uri,
    }
  }
  // The first row is the one that Enter takes.
  const items: readonly FolderItem[] = [
    ...folders.filter(({ isShared }) => !isShared).map(toItem),
    ...folders.filter(({ isShared }) => isShared).map(toItem),
    { label: l10n.t('Choose another folder…'), uri: undefined },
  ]
  const title = l10n.t('Share Folder with Peer')
  const chosen = await ask.pick(items, { title, placeholder: l10n.t('Which folder?') })
  return chosen === undefined ? undefined : (chosen.uri ?? pick())
}

/** As the peer process names it; where there is none, publishing tells. */
async function realPath({ uri }: vscode.WorkspaceFolder): Promise<string> {
  return realpath(uri.fsPath).catch(() => uri.fsPath)
}
