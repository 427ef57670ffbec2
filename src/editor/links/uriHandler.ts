/**
 * Links clicked outside the editor: `<scheme>://peerfold.peerfold/open/<ticket>`. Anything may call this, with anything:
 * what is no well-formed link is told and dropped, and what is one goes through the same consent as a pasted one.
 */
import * as vscode from 'vscode'
import { EXTENSION_ID, MAX_LINK_LENGTH, parseLink } from '../../common/link'
import { Commands } from '../contributions'
import { warn } from '../tell'

export class LinkHandler implements vscode.UriHandler {
  async handleUri(uri: vscode.Uri): Promise<void> {
    const read = readLinkUri(uri)
    if (read.ok) await vscode.commands.executeCommand(Commands.openLink, read.link)
    else warn(read.message)
  }
}

/** The link in an address that was handed to the extension. Never throws. */
export function readLinkUri({
  scheme,
  path,
}: Pick<vscode.Uri, 'scheme' | 'path'>):
  | { readonly ok: true; readonly link: string }
  | { readonly ok: false; readonly message: string } {
  const link = `${scheme}://${EXTENSION_ID}${path}`.slice(0, MAX_LINK_LENGTH + 1)
  const parsed = parseLink(link)
  return parsed.ok ? { ok: true, link } : { ok: false, message: parsed.message }
}
