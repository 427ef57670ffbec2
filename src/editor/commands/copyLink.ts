/** “Copy Link”, of an own share or of an opened one, which can be passed on. */
import * as vscode from 'vscode'
import type { ShareId } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { pickerText } from '../names'
import { chooseShare } from './chooseShare'
import { putLinkOnClipboard } from './linkText'
import { meantShare } from './meantShare'
import type { CommandParts } from './parts'

/** → the link, which is on the clipboard then. Undefined when the user turned away. */
export async function copyLink(parts: CommandParts, given?: unknown): Promise<string | undefined> {
  const { l10n, window } = vscode
  const { model } = parts
  const id = meantShare(parts, given) ?? (await chooseShare(parts, 'any', l10n.t('Copy Link')))
  if (id === undefined) return undefined
  const { link } = await linkOf(parts, id)
  const copied = await putLinkOnClipboard(link)
  window.setStatusBarMessage(l10n.t('Link of {0} copied', pickerText(model.nameOf(id))), 4_000)
  return copied
}

/** Asked of the peer process itself: the model may not show yet what was shared a moment ago. */
async function linkOf({ peer }: CommandParts, id: ShareId): Promise<{ readonly link: string }> {
  try {
    return await peer.request('share.link', { id })
  } catch (error) {
    if (!(error instanceof PeerfoldError) || error.code !== 'unknown-share') throw error
    return peer.request('open.link', { id })
  }
}
