/**
 * “Save a Copy…”: writes a share, or a folder or file of it, to disk. The peer process does the work and remembers it,
 * so that it continues when this window is closed, or when it is asked for again. Files that were changed here are never
 * overwritten: the incoming ones land beside them.
 */
import * as path from 'node:path'
import * as vscode from 'vscode'
import { umaskParameter } from '../../client/umask'
import type { TransferResult } from '../../common/model'
import { type CopyTarget, nameInFolder, rememberTarget } from '../copyTargets'
import { ROOT, type ShareAddress } from '../files/shareUri'
import { folderName } from '../folderName'
import { rememberCopy, savedShareOf } from '../savedCopies'
import { askParent, labelOf } from './askParent'
import { chooseShare } from './chooseShare'
import { givenAddress, givenText, isScripted } from './commandArguments'
import { copyFolder } from './copyFolder'
import { waitForCopy } from './followCopy'
import { newJob } from './followTransfer'
import { makeFolder } from './makeFolder'
import type { CommandParts } from './parts'
import { restoreVersion } from './restoreVersion'

const { l10n } = vscode

/** Milliseconds without any peer after which a script waits no longer. The copy itself continues later. */
const STALL_LIMIT = 60_000

/**
 * `given`: a row, an address, an id, or `{ id, path?, folder, ask: false }`. Without arguments: the file in the
 * active editor, or a share to choose. Undefined when the user turned away. Throws `PeerfoldError`.
 */
export async function saveCopy(parts: CommandParts, given?: unknown): Promise<TransferResult | undefined> {
  const address = givenAddress(given) ?? (await askWhat(parts))
  if (address === undefined) return undefined
  if (address.version !== undefined) return restoreVersion(parts, given ?? address)
  const folder = givenText(given, 'folder') ?? (await askWhere(parts, address))
  if (folder === undefined) return undefined
  const share = parts.model.opened(address.id) ?? parts.model.share(address.id)
  const name = nameInFolder(address.path, share)
  const target = { ...address, folder, ...(name === undefined ? {} : { name }) }
  return copyTo(parts, target, isScripted([given]))
}

/** Saves a share, or a part of it, at its target, and remembers the target. @param isScripted nothing is told */
export async function copyTo(
  parts: CommandParts,
  target: CopyTarget,
  isScripted: boolean,
): Promise<TransferResult | undefined> {
  const { id, path: entry, folder } = target
  await makeFolder(folder)
  if (target.name === undefined) await rememberCopy(parts.memory, folder, id)
  // A copy that is under way already is joined, and followed under its own id.
  const { job } = await parts.peer.request('copy.start', {
    id,
    path: entry,
    folder,
    job: newJob(),
    ...umaskParameter(),
  })
  await rememberTarget(parts.memory, target)
  parts.views.copiesChanged()
  const saved = target.name === undefined ? {} : { saved: path.join(folder, target.name) }
  const copy = { job, name: labelOf(parts, { id, path: entry }), folder, share: id, path: entry, ...saved }
  return isScripted ? waitForCopy(parts, copy, STALL_LIMIT) : parts.copies.follow(copy)
}

/** What the active editor shows, if it is of a share; else a share that the user chooses. */
async function askWhat(parts: CommandParts): Promise<ShareAddress | undefined> {
  const shown = givenAddress(vscode.window.activeTextEditor?.document.uri)
  if (shown !== undefined) return shown
  const id = await chooseShare(parts, 'opened', l10n.t('Save a Copy'))
  return id === undefined ? undefined : { id, path: ROOT }
}

async function askWhere(parts: CommandParts, address: ShareAddress): Promise<string | undefined> {
  const parent = await askParent(parts, address)
  return parent === undefined ? undefined : targetIn(parts, parent, address)
}

/** A whole share gets a folder of its own inside the chosen one; a folder or file of it goes into the chosen one. */
export function targetIn(parts: CommandParts, parent: string, address: ShareAddress): string {
  const { model } = parts
  const share = model.opened(address.id) ?? model.share(address.id)
  if (address.path !== ROOT || share?.isFile) return parent
  const transfers = model.state?.transfers ?? []
  return copyFolder(
    parent,
    folderName(model.nameOf(address.id)),
    address.id,
    folder =>
      savedShareOf(parts.memory, folder) ??
      transfers.find(transfer => transfer.kind === 'copy' && transfer.folder === folder)?.share,
  )
}
