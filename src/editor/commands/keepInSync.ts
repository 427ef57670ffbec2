/**
 * “Keep a Folder in Sync…”: writes a share, or a folder of it, to a folder on disk that follows it from then on. The peer
 * process does so as long as it runs, and again after a restart; nothing that was changed in the folder is overwritten.
 */
import * as vscode from 'vscode'
import { umaskParameter } from '../../client/umask'
import { ROOT, type ShareAddress } from '../files/shareUri'
import { diskPath } from '../names'
import { rememberCopy } from '../savedCopies'
import { tell } from '../tell'
import { askParent, labelOf } from './askParent'
import { chooseShare } from './chooseShare'
import { askWhatToSync, type Chosen } from './chooseSynced'
import { givenAddress, givenText, givenTexts, isScripted } from './commandArguments'
import { makeFolder } from './makeFolder'
import type { CommandParts } from './parts'
import { targetIn } from './saveCopy'

const { l10n } = vscode

/** `given`: a row, an address, an id, or `{ id, path?, folder?, ask?: false }`. → its id; undefined when the user turned
 *  away. Throws `PeerfoldError`. */
export async function keepInSync(parts: CommandParts, given?: unknown): Promise<string | undefined> {
  const address = givenAddress(given) ?? (await askWhat(parts))
  if (address === undefined) return undefined
  const { id, path } = address
  const chosen = await whatOf(parts, address, given)
  if (chosen === undefined) return undefined
  const parent = givenText(given, 'folder') === undefined ? await askParent(parts, address) : undefined
  const folder = givenText(given, 'folder') ?? (parent && targetIn(parts, parent, address))
  if (folder === undefined) return undefined
  await makeFolder(folder)
  const { only } = chosen
  const { live } = await parts.peer.request('live.start', {
    id,
    path,
    folder,
    keep: true,
    ...(only === undefined ? {} : { only }),
    ...umaskParameter(),
  })
  if (path === ROOT) await rememberCopy(parts.memory, folder, id)
  if (isScripted([given])) return live
  const name = labelOf(parts, address)
  tell(l10n.t('“{0}” is kept in sync in {1}.', name, diskPath(folder)), {
    label: l10n.t('Open Folder'),
    run: () =>
      vscode.commands.executeCommand('vscode.openFolder', vscode.Uri.file(folder), { forceNewWindow: true }),
  })
  return live
}

/**
 * What is kept in sync: the patterns that were given, if any. Otherwise everything, if the folder was given by a script
 * or by the message about a copy, or if it is a file. Otherwise what the user chooses.
 */
async function whatOf(
  parts: CommandParts,
  address: ShareAddress,
  given: unknown,
): Promise<Chosen | undefined> {
  const only = givenTexts(given, 'only')
  if (only.length > 0) return { only }
  if (givenText(given, 'folder') !== undefined) return { only: undefined }
  const isFolder = await isFolderThere(parts, address)
  return isFolder ? askWhatToSync(parts, address, l10n.t('Keep a Folder in Sync')) : { only: undefined }
}

async function isFolderThere({ peer, model }: CommandParts, { id, path }: ShareAddress): Promise<boolean> {
  if (path === ROOT) return (model.opened(id) ?? model.share(id))?.isFile !== true
  const { kind, pointsAt } = await peer.request('fs.stat', { id, path })
  return kind === 'folder' || pointsAt?.kind === 'folder'
}

async function askWhat(parts: CommandParts) {
  const id = await chooseShare(parts, 'opened', l10n.t('Keep a Folder in Sync'))
  return id === undefined ? undefined : { id, path: ROOT }
}
