/**
 * “Restore…”: writes a file, a folder or the whole share as it was into a folder on the disk. It is a copy like any
 * other: files that were changed there are never overwritten, and the restored ones land beside them.
 */
import * as path from 'node:path'
import * as vscode from 'vscode'
import { umaskParameter } from '../../client/umask'
import { safeText } from '../../common/format'
import type { TransferResult } from '../../common/model'
import { nameInFolder } from '../copyTargets'
import { folderOf, nameOf } from '../files/drivePath'
import { onDisk } from '../files/ownFiles'
import { ROOT } from '../files/shareUri'
import { folderName } from '../folderName'
import { askParent } from './askParent'
import { givenText, isScripted } from './commandArguments'
import { copyFolder } from './copyFolder'
import { waitForCopy } from './followCopy'
import { newJob } from './followTransfer'
import { makeFolder } from './makeFolder'
import type { CommandParts } from './parts'
import { meantVersion, type PastAddress } from './showHistory'

const { l10n } = vscode

const STALL_LIMIT = 60_000

/** `given`: as for `meantVersion`, also with `folder`. Undefined when the user turned away. */
export async function restoreVersion(
  parts: CommandParts,
  given?: unknown,
): Promise<TransferResult | undefined> {
  const entry = await meantVersion(parts, given, l10n.t('Restore from a Version'))
  if (entry === undefined) return undefined
  const folder = givenText(given, 'folder') ?? (await askWhere(parts, entry))
  if (folder === undefined) return undefined
  await makeFolder(folder)
  const { job } = await parts.peer.request('copy.start', {
    ...entry,
    folder,
    job: newJob(),
    ...umaskParameter(),
  })
  const { id, path: entryPath, version } = entry
  const share = parts.model.opened(id) ?? parts.model.share(id)
  const name = nameInFolder(entryPath, share)
  const what = safeText(entryPath === ROOT ? parts.model.nameOf(id) : nameOf(entryPath), 80)
  const copy = {
    job,
    name: l10n.t('{0} (version {1})', what, String(version)),
    folder,
    ...(name === undefined ? {} : { saved: path.join(folder, name) }),
  }
  return isScripted([given]) ? waitForCopy(parts, copy, STALL_LIMIT) : parts.copies.follow(copy)
}

/** Where the user wants it: for an own share perhaps where it was. A whole share gets a folder of its own. */
async function askWhere(parts: CommandParts, entry: PastAddress): Promise<string | undefined> {
  const { id, path: entryPath, version } = entry
  const own = parts.model.share(id)
  if (own !== undefined && entryPath !== ROOT && !own.isFile) {
    const [here, elsewhere] = [
      {
        label: l10n.t('Put It Back Where It Was'),
        description: l10n.t('What is there stays, and this lands beside it'),
      },
      { label: l10n.t('Choose Another Folder…') },
    ]
    const answer = await parts.ask.pick([here, elsewhere], {
      title: l10n.t('Restore “{0}”', safeText(nameOf(entryPath), 80)),
      placeholder: l10n.t('Where to?'),
    })
    if (answer === undefined) return undefined
    if (answer === here) return onDisk(own, folderOf(entryPath) ?? ROOT).fsPath
  }
  const parent = await askParent(parts, entry)
  if (parent === undefined) return undefined
  const share = own ?? parts.model.opened(id)
  if (entryPath !== ROOT || share?.isFile === true) return parent
  const name = folderName(l10n.t('{0} (version {1})', parts.model.nameOf(id), String(version)))
  return copyFolder(parent, name, id, () => undefined)
}
