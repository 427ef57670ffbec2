/**
 * Which files a tab shows, for every kind of tab: texts, notebooks, custom editors such as pictures, comparisons of
 * two, and kinds that a later VS Code brings. Kinds are not listed here: an input names its files as addresses, alone
 * or in a list of pairs, whatever the kind. A preview names none; VS Code does not say what it shows.
 */
import * as vscode from 'vscode'
import type { ShareId } from '../../common/brand'
import { WAITING_EDITOR } from '../contributions'
import { fromShareUri, toShareUri } from './shareUri'

export function allTabs(): readonly vscode.Tab[] {
  return vscode.window.tabGroups.all.flatMap(group => group.tabs)
}

/** The files that a tab shows; those of a comparison are two. */
export function urisOfTab({ input }: Pick<vscode.Tab, 'input'>): readonly vscode.Uri[] {
  return urisIn(input, 2)
}

/** Tabs that show this file, under whichever of its addresses. */
export function tabsOfFile(uri: vscode.Uri): readonly vscode.Tab[] {
  const address = fileAddress(uri)
  return allTabs().filter(tab => urisOfTab(tab).some(shown => fileAddress(shown) === address))
}

/** A tab that waits for its file, see waitingFiles.ts. */
export function isWaitingTab({ input }: Pick<vscode.Tab, 'input'>): boolean {
  return input instanceof vscode.TabInputCustom && input.viewType === WAITING_EDITOR
}

export function tabsOfShare(id: ShareId): readonly vscode.Tab[] {
  return allTabs().filter(tab => urisOfTab(tab).some(uri => fromShareUri(uri)?.id === id))
}

/** Every file of a share's newest version that is open, in a tab or only in memory; each address once. */
export function openFilesOf(id: ShareId): readonly vscode.Uri[] {
  const { textDocuments, notebookDocuments } = vscode.workspace
  const uris = [
    ...textDocuments.map(({ uri }) => uri),
    ...notebookDocuments.map(({ uri }) => uri),
    ...tabsOfShare(id).flatMap(urisOfTab),
  ].filter(uri => {
    const address = fromShareUri(uri)
    return address?.id === id && address.version === undefined
  })
  return [...new Map(uris.map(withoutQuery).map(uri => [uri.toString(), uri])).values()]
}

/** The same text for all addresses of a file. */
export function fileAddress(uri: vscode.Uri): string {
  const address = fromShareUri(uri)
  return (address === undefined ? withoutQuery(uri) : toShareUri(address)).toString()
}

/** An address may have a query: viewers of pictures ask for `?version=…`. That of a former version stays. */
export function withoutQuery(uri: vscode.Uri): vscode.Uri {
  const isFormer = fromShareUri(uri)?.version !== undefined
  return uri.with(isFormer ? { fragment: '' } : { query: '', fragment: '' })
}

function urisIn(value: unknown, depth: number): readonly vscode.Uri[] {
  if (value instanceof vscode.Uri) return [value]
  if (depth === 0 || typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(part =>
    Array.isArray(part) ? part.flatMap(each => urisIn(each, depth - 1)) : urisIn(part, depth - 1),
  )
}
