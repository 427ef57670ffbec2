/**
 * Conflicts of a folder in sync, each to be compared and then ended: by keeping one's own file, or by taking theirs, when
 * one's own goes to the kept versions.
 */
import * as vscode from 'vscode'
import type { LiveConflict, LiveCopyState } from '../../common/model'
import { diskPath, pickerText } from '../names'
import { tell } from '../tell'
import type { CommandParts } from './parts'
import { nameOf, showConflict } from './showConflict'

const { l10n } = vscode

/** Throws `PeerfoldError`. */
export async function solveConflicts(parts: CommandParts, { id }: LiveCopyState): Promise<void> {
  const conflicts = await parts.peer.request('live.conflicts', { live: id })
  const [first] = conflicts
  if (first === undefined) {
    tell(l10n.t('All conflicts of this copy are settled.'))
    return
  }
  const chosen = conflicts.length === 1 ? first : await choose(parts, conflicts)
  if (chosen === undefined) return
  const name = pickerText(nameOf(chosen.path))
  const actions = [
    {
      label: `$(diff) ${l10n.t('Compare')}`,
      detail: l10n.t('theirs at the left, yours at the right'),
      take: undefined,
    },
    {
      label: `$(cloud-download) ${l10n.t('Take Theirs')}`,
      detail: l10n.t('yours goes to the kept versions, and can be restored'),
      take: 'theirs' as const,
    },
    {
      label: `$(account) ${l10n.t('Keep Mine')}`,
      detail: l10n.t('theirs is removed here'),
      take: 'mine' as const,
    },
  ]
  const action = await parts.ask.pick(actions, {
    title: l10n.t('Changed here and by the sharer: {0}', name),
    placeholder: l10n.t('What to do with it?'),
  })
  if (action === undefined) return
  if (action.take === undefined) await showConflict(chosen)
  else await parts.peer.request('live.resolve', { live: id, path: chosen.path, take: action.take })
}

async function choose(
  { ask }: CommandParts,
  conflicts: readonly LiveConflict[],
): Promise<LiveConflict | undefined> {
  const items = conflicts.map(conflict => ({
    label: `$(diff) ${pickerText(nameOf(conflict.path))}`,
    description: pickerText(diskPath(conflict.path)),
    detail: l10n.t('theirs: {0}', pickerText(nameOf(conflict.copy))),
    conflict,
  }))
  const chosen = await ask.pick(items, {
    title: l10n.t('Conflicts: {0}', conflicts.length),
    placeholder: l10n.t('Which file?'),
  })
  return chosen?.conflict
}
