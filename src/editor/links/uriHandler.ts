/**
 * Links clicked outside the editor: `<scheme>://peerfold.peerfold/open/<ticket>`. Anything may call this, with anything.
 * An address without a well-formed link is reported and dropped. A link asks for the same consent as a pasted one.
 */
import * as vscode from 'vscode'
import { badLink, EXTENSION_ID, formatLink } from '../../common/link'
import { findLinks } from '../../common/linkSearch'
import { Commands } from '../contributions'
import { offerCommand, warn } from '../tell'

export class LinkHandler implements vscode.UriHandler {
  async handleUri(uri: vscode.Uri): Promise<void> {
    const read = readLinkUri(uri)
    if (read.ok) await vscode.commands.executeCommand(Commands.openLink, read.link)
    else warn(read.message, offerCommand(vscode.l10n.t('Open Shared Link…'), Commands.openLink))
  }
}

/** The link in an address that was handed to the extension, whatever a chat program added to it. Never throws. */
export function readLinkUri({
  scheme,
  path,
}: Pick<vscode.Uri, 'scheme' | 'path'>):
  | { readonly ok: true; readonly link: string }
  | { readonly ok: false; readonly message: string } {
  if (!path.startsWith('/open/')) return badLink('not-a-link')
  const found = findLinks(`${scheme}://${EXTENSION_ID}${path}`)
  return found.ok ? { ok: true, link: formatLink(found.links[0], scheme) } : found
}
