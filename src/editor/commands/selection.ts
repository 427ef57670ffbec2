/** Menus of the Explorer hand over the entry that was clicked and, beside it, all that are selected. */
import * as vscode from 'vscode'
import { fromShareUri } from '../files/shareUri'
import { askParent } from './askParent'
import type { CommandParts } from './parts'
import { publish } from './publish'
import { saveCopy, targetIn } from './saveCopy'

/** All selected entries when the clicked one is among several; else none, and the clicked one is meant. */
export function selectionOf([clicked, all]: readonly unknown[]): readonly vscode.Uri[] {
  if (!(clicked instanceof vscode.Uri) || !Array.isArray(all)) return []
  const selected = all.filter((entry: unknown) => entry instanceof vscode.Uri)
  const isAmong = selected.some(entry => entry.toString() === clicked.toString())
  return isAmong && selected.length > 1 ? selected : []
}

/** Shares one after the other; turning away from one ends it. All links are on the clipboard then, one a line. */
export async function shareSelected(parts: CommandParts, selected: readonly vscode.Uri[]): Promise<void> {
  const links: string[] = []
  for (const entry of selected) {
    const published = await publish(parts, entry, { isPublic: undefined, allow: [], ask: true })
    if (published === undefined) break
    links.push(published.link)
    await vscode.env.clipboard.writeText(links.join('\n'))
  }
}

/** Saves one after the other into one folder. */
export async function saveSelected(parts: CommandParts, selected: readonly vscode.Uri[]): Promise<void> {
  const addresses = selected.map(fromShareUri).filter(address => address !== undefined)
  const [first] = addresses
  if (first === undefined) return
  const parent = await askParent(parts, first)
  if (parent === undefined) return
  for (const address of addresses) {
    const saved = await saveCopy(parts, { ...address, folder: targetIn(parts, parent, address) })
    if (saved === undefined) break
  }
}
