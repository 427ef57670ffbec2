/**
 * “Keep a Folder in Sync…”: writes a share, or a folder of it, to a folder on disk that follows it from then on. The peer
 * process does so as long as it runs, and again after a restart; nothing that was changed in the folder is overwritten.
 */
import * as vscode from 'vscode'
import { umaskParameter } from '../../client/umask'
import { ROOT } from '../files/shareUri'
import { diskPath } from '../names'
import { rememberCopy } from '../savedCopies'
import { tell } from '../tell'
import { askParent, labelOf } from './askParent'
import { chooseShare } from './chooseShare'
import { givenAddress, givenPaths, givenText, isScripted } from './commandArguments'
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
  const parent = givenText(given, 'folder') === undefined ? await askParent(parts, address) : undefined
  const folder = givenText(given, 'folder') ?? (parent && targetIn(parts, parent, address))
  if (folder === undefined) return undefined
  await makeFolder(folder)
  const only = givenPaths(given, 'only').map(pattern => pattern.slice(1))
  const { live } = await parts.peer.request('live.start', {
    id,
    path,
    folder,
    keep: true,
    ...(only.length === 0 ? {} : { only }),
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

async function askWhat(parts: CommandParts) {
  const id = await chooseShare(parts, 'opened', l10n.t('Keep a Folder in Sync'))
  return id === undefined ? undefined : { id, path: ROOT }
}
