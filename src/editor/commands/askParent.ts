/** Asks for the folder in which something of a share is saved. */
import * as vscode from 'vscode'
import { PeerfoldError } from '../../common/errors'
import { safeText } from '../../common/format'
import { nameOf } from '../files/drivePath'
import { ROOT, type ShareAddress } from '../files/shareUri'
import type { CommandParts } from './parts'

const { l10n } = vscode

/** → absolute. Undefined when the user turned away. Throws `PeerfoldError` for a folder that is not on disk. */
export async function askParent(parts: CommandParts, address: ShareAddress): Promise<string | undefined> {
  const parent = await parts.ask.folder({
    title: l10n.t('Choose the folder to save “{0}” in', labelOf(parts, address)),
    button: l10n.t('Save Here'),
  })
  if (parent === undefined) return undefined
  if (parent.scheme !== 'file') throw new PeerfoldError('not-a-folder', parent.toString())
  return parent.fsPath
}

/** What is saved, safe to show. */
export function labelOf({ model }: CommandParts, { id, path: entry }: ShareAddress): string {
  return safeText(entry === ROOT ? model.nameOf(id) : nameOf(entry), 80)
}
