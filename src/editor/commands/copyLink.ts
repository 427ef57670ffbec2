/** “Copy Link”, of a share or of a file or folder in one: of own shares, and of opened ones, which can be passed on. */
import * as vscode from 'vscode'
import type { DrivePath, ShareId } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { behind } from '../../common/followed'
import { formatLink, linkOfShare, parseLink } from '../../common/link'
import { isLinkPath } from '../../common/linkFields'
import { Commands } from '../contributions'
import { nameOf } from '../files/drivePath'
import { ROOT, type ShareAddress } from '../files/shareUri'
import { pickerText } from '../names'
import { offerCommand, tellError } from '../tell'
import { isScripted } from './commandArguments'
import { putLinkOnClipboard } from './linkText'
import { meantEntry } from './meantEntry'
import type { CommandParts } from './parts'

const { l10n, window } = vscode

/** → the link, which is on the clipboard then. Undefined when the user turned away. */
export async function copyLink(parts: CommandParts, given?: unknown): Promise<string | undefined> {
  const entry = await meantEntry(parts, given, l10n.t('Copy Link'))
  if (entry === undefined) return undefined
  try {
    const copied = await putLinkOnClipboard(await linkTo(parts, entry))
    const name = entry.path === ROOT ? parts.model.nameOf(entry.id) : nameOf(entry.path)
    window.setStatusBarMessage(l10n.t('Link of {0} copied', pickerText(name)), 4_000)
    return copied
  } catch (error) {
    const isLeftOut = error instanceof PeerfoldError && error.code === 'not-shared'
    if (!isLeftOut || isScripted([given])) throw error
    tellError(error, offerCommand(l10n.t('Show What Is Left Out'), Commands.showSkipped, entry.id))
    return undefined
  }
}

/** Links of all that are selected, one a line. */
export async function copySelectedLinks(parts: CommandParts, selected: readonly vscode.Uri[]): Promise<void> {
  const links: string[] = []
  for (const uri of selected) {
    const entry = await meantEntry(parts, uri, l10n.t('Copy Link'))
    if (entry === undefined) return
    links.push(await linkTo(parts, entry))
  }
  await putLinkOnClipboard(links.join('\n'))
  window.setStatusBarMessage(l10n.t('{0} links copied', links.length), 4_000)
}

/** @throws PeerfoldError `not-shared`, `file-not-found`, `no-link-to-path` */
async function linkTo(parts: CommandParts, { id, path, version }: ShareAddress): Promise<string> {
  const at = version === undefined ? {} : { version }
  const { link, isOwn } = await linkOf(parts, id)
  const parsed = parseLink(link)
  // A share that is one file: every Peerfold opens that by the link of the share.
  if (!parsed.ok) return link
  if (path === ROOT || parsed.link.isFile)
    return version === undefined ? link : formatLink({ ...linkOfShare(parsed.link), version })
  const target = (await isFolder(parts, { id, path, ...at }, isOwn)) ? (`${path}/` as DrivePath) : path
  if (!isLinkPath(target)) throw new PeerfoldError('no-link-to-path', path)
  return formatLink({ ...linkOfShare(parsed.link), path: target, ...at })
}

/** False also while nobody knows. */
async function isFolder({ peer }: CommandParts, address: ShareAddress, isOwn: boolean): Promise<boolean> {
  try {
    return behind(await peer.request('fs.stat', address)).kind === 'folder'
  } catch (error) {
    if (!(error instanceof PeerfoldError)) throw error
    if (error.code === 'not-listed') return false
    throw isOwn && error.code === 'file-not-found' ? new PeerfoldError('not-shared', address.path) : error
  }
}

/** Asked of the peer process itself: the model may not show yet what was shared a moment ago. */
async function linkOf(
  { peer }: CommandParts,
  id: ShareId,
): Promise<{ readonly link: string; readonly isOwn: boolean }> {
  try {
    return { ...(await peer.request('share.link', { id })), isOwn: true }
  } catch (error) {
    if (!(error instanceof PeerfoldError) || error.code !== 'unknown-share') throw error
    return { ...(await peer.request('open.link', { id })), isOwn: false }
  }
}
