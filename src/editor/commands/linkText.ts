/** Links as this editor writes them: with its own address scheme, so that a click opens the editor they came from. */
import * as vscode from 'vscode'
import { formatLink, parseLink } from '../../common/link'
import { findLinks } from '../../common/linkSearch'

/** The link with this editor's scheme. */
export function toEditorLink(link: string): string {
  const parsed = parseLink(link)
  return parsed.ok ? formatLink(parsed.link, vscode.env.uriScheme) : link
}

/** @param links one a line. → what was put there */
export async function putLinkOnClipboard(links: string): Promise<string> {
  const text = links.split('\n').map(toEditorLink).join('\n')
  await vscode.env.clipboard.writeText(text)
  return text
}

/** The links in the text on the clipboard, or an empty text when there is none. */
export async function linksOnClipboard(): Promise<string> {
  const found = findLinks(await vscode.env.clipboard.readText())
  return found.ok ? found.links.map(link => formatLink(link, vscode.env.uriScheme)).join(' ') : ''
}
