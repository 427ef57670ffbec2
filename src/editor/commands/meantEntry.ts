/** The file, folder or share that a command is meant for. It may also be a file on this disk, in an own share. */
import * as vscode from 'vscode'
import type { ShareId } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import type { ShareState } from '../../common/model'
import { nameOf } from '../files/drivePath'
import { sharedAs } from '../files/ownFiles'
import { urisOfTab } from '../files/shareTabs'
import { fromShareUri, ROOT, type ShareAddress } from '../files/shareUri'
import { diskPath, pickerText } from '../names'
import { chooseShare, shareItems } from './chooseShare'
import { givenAddress } from './commandArguments'
import { meantShare } from './meantShare'
import type { CommandParts } from './parts'

const { l10n } = vscode

/**
 * `given`: a row, an address, also of a file on the disk, an id, `{ id, path? }`, or as for `meantShare`. Nothing: the
 * file that is shown, or a share, whichever the user chooses. Undefined when the user turned away.
 * @throws PeerfoldError `not-in-a-share`
 */
export async function meantEntry(
  parts: CommandParts,
  given: unknown,
  title: string,
): Promise<ShareAddress | undefined> {
  const address = givenAddress(given)
  if (address !== undefined) return address
  if (given instanceof vscode.Uri) return ofDisk(parts, given, title)
  const selected = meantShare(parts, given)
  if (selected !== undefined) return { id: selected, path: ROOT }
  const shown = await shownEntry(parts)
  if (shown !== undefined) return chooseBeside(parts, shown, title)
  return wholeShare(await chooseShare(parts, 'any', title))
}

async function ofDisk(
  parts: CommandParts,
  uri: vscode.Uri,
  title: string,
): Promise<ShareAddress | undefined> {
  const entries = uri.scheme === 'file' ? await sharedAs(await ownShares(parts), uri.fsPath) : []
  const [entry] = entries
  if (entry === undefined) throw new PeerfoldError('not-in-a-share', diskPath(uri.fsPath))
  if (entries.length === 1) return entry
  const isMeant = ({ id }: { readonly id: ShareId }) => entries.some(each => each.id === id)
  const id = await chooseShare(parts, 'own', title, { isMeant, otherwise: l10n.t('Nothing is shared.') })
  return entries.find(each => each.id === id)
}

/** What the active tab shows, when it is of a share. */
async function shownEntry(parts: CommandParts): Promise<ShareAddress | undefined> {
  const tab = vscode.window.tabGroups.activeTabGroup.activeTab
  const [uri] = tab === undefined ? [] : urisOfTab(tab)
  if (uri === undefined) return undefined
  const address = fromShareUri(uri)
  if (address !== undefined || uri.scheme !== 'file') return address
  const [entry] = await sharedAs(await ownShares(parts), uri.fsPath)
  return entry
}

/** Asked of the peer process itself: the model may not show yet what was shared a moment ago. */
async function ownShares({ peer }: CommandParts): Promise<readonly ShareState[]> {
  return (await peer.request('state.get', {})).shares
}

async function chooseBeside(
  { peer, model, ask }: CommandParts,
  shown: ShareAddress,
  title: string,
): Promise<ShareAddress | undefined> {
  await peer.start()
  const shares = shareItems(model, 'any').map(item => ({ ...item, path: ROOT }))
  if (shown.path === ROOT) return ask.pick(shares, { title, placeholder: l10n.t('Which share?') })
  const file = {
    ...shown,
    label: pickerText(nameOf(shown.path)),
    description: l10n.t('this file, in {0}', pickerText(model.nameOf(shown.id))),
  }
  return ask.pick([file, ...shares], { title, placeholder: l10n.t('This file, or a whole share?') })
}

function wholeShare(id: ShareId | undefined): ShareAddress | undefined {
  return id === undefined ? undefined : { id, path: ROOT }
}
