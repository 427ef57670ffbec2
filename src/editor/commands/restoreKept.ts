/** “Restore Deleted File…”: puts back a file that a folder in sync took away. If its place is taken, it lands beside. */
import * as vscode from 'vscode'
import { formatBytes } from '../../common/format'
import { diskPath, pickerText } from '../names'
import { tell } from '../tell'
import type { CommandParts } from './parts'
import { nameOf } from './showConflict'

const { l10n } = vscode

/** Throws `PeerfoldError`. */
export async function restoreKept({ peer, ask }: CommandParts): Promise<void> {
  const files = await peer.request('kept.list', {})
  if (files.length === 0) {
    tell(l10n.t('No folder in sync has taken a file away lately.'))
    return
  }
  const items = files.map(({ id, path, size, at }) => ({
    label: pickerText(nameOf(path)),
    description: pickerText(diskPath(path)),
    detail: `${formatBytes(size)} · ${new Date(at).toLocaleString()}`,
    id,
  }))
  const chosen = await ask.pick(items, {
    title: l10n.t('Restore Deleted File'),
    placeholder: l10n.t('Which file to put back?'),
  })
  if (chosen === undefined) return
  const { path } = await peer.request('kept.restore', { kept: chosen.id })
  await vscode.commands.executeCommand('vscode.open', vscode.Uri.file(path))
}
