/** “Copy Link”, of an own share or of an opened one, which can be passed on. */
import * as vscode from 'vscode'
import { safeText } from '../../common/format'
import { chooseShare } from './chooseShare'
import { givenShare } from './given'
import { putLinkOnClipboard } from './linkText'
import type { CommandParts } from './parts'

/** → the link, which is on the clipboard then. Undefined when the user turned away. */
export async function copyLink(parts: CommandParts, given?: unknown): Promise<string | undefined> {
  const { l10n, window } = vscode
  const { peer, model } = parts
  const id = givenShare(given) ?? (await chooseShare(parts, 'any', l10n.t('Copy Link')))
  if (id === undefined) return undefined
  await peer.start()
  const method = model.share(id) === undefined ? 'open.link' : 'share.link'
  const { link } = await peer.request(method, { id })
  const copied = await putLinkOnClipboard(link)
  window.setStatusBarMessage(l10n.t('Link of {0} copied', safeText(model.nameOf(id), 60)), 4_000)
  return copied
}
