/**
 * Conflicts of a folder in sync. The user compares each, and ends it: by merging both, by keeping their own file, or by
 * taking the incoming one. A file of the user's that is replaced goes to the kept files.
 */
import * as vscode from 'vscode'
import type { ShareId } from '../../common/brand'
import { sharerName } from '../../common/explain'
import { safeText } from '../../common/format'
import type { LiveConflict, LiveCopyState } from '../../common/model'
import { diskPath, pickerText } from '../names'
import { tell } from '../tell'
import { askAboutMerge, mergeConflict, showMarkers } from './mergeConflict'
import type { CommandParts } from './parts'
import { nameOf, showConflict } from './showConflict'

const { l10n } = vscode

type Action = 'compare' | 'merge' | 'markers' | 'mine' | 'theirs'

/** Goes through them until one is shown, or none is left. Throws `PeerfoldError`. */
export async function solveConflicts(parts: CommandParts, { id, share }: LiveCopyState): Promise<void> {
  for (let isFirst = true; ; isFirst = false) {
    const conflicts = await parts.peer.request('live.conflicts', { live: id })
    const [first] = conflicts
    if (first === undefined) {
      tell(l10n.t('All conflicts of this copy are settled.'))
      return
    }
    const chosen = conflicts.length === 1 && isFirst ? first : await choose(parts, conflicts)
    const action = chosen === undefined ? undefined : await chooseAction(parts, chosen, share)
    if (chosen === undefined || action === undefined) return
    if (action === 'compare') return showConflict(chosen)
    if (action === 'merge') return mergeConflict(parts, chosen)
    if (action === 'markers') return showMarkers(chosen.path)
    await parts.peer.request('live.resolve', { live: id, path: chosen.path, take: action })
  }
}

async function chooseAction(
  parts: CommandParts,
  conflict: LiveConflict,
  share: ShareId,
): Promise<Action | undefined> {
  const merge = await askAboutMerge(parts, conflict)
  const isMerging = merge.kind === 'merging'
  const all: Readonly<Record<Action, { readonly label: string; readonly detail: string }>> = {
    markers: {
      label: `$(git-merge) ${l10n.t('Open')}`,
      detail: l10n.t('choose at each conflict marker, then save'),
    },
    compare: {
      label: `$(diff) ${l10n.t('Compare')}`,
      detail: l10n.t('theirs at the left, yours at the right'),
    },
    merge: {
      label: `$(git-merge) ${l10n.t('Merge')}`,
      detail: l10n.t('your changes and theirs in your file, with markers where both changed the same'),
    },
    theirs: {
      label: `$(cloud-download) ${l10n.t('Take Theirs')}`,
      detail: l10n.t('yours goes to the kept files, and can be restored'),
    },
    mine: {
      label: `$(account) ${isMerging ? l10n.t('Mark as Solved') : l10n.t('Keep Mine')}`,
      detail: isMerging
        ? l10n.t('your file stays as it is; theirs is removed here')
        : l10n.t('theirs is removed here'),
    },
  }
  const offered: readonly Action[] = isMerging
    ? ['markers', 'compare', 'mine', 'theirs']
    : ['compare', ...(merge.kind === 'possible' ? (['merge'] as const) : []), 'theirs', 'mine']
  const name = pickerText(nameOf(conflict.path))
  const chosen = await parts.ask.pick(
    offered.map(action => ({ ...all[action], action })),
    {
      title: isMerging
        ? l10n.t('Merged, with conflict markers left: {0}', name)
        : l10n.t(
            'Changed here and by {0}: {1}',
            pickerText(sharerName(parts.model.state, share, l10n)),
            name,
          ),
      placeholder:
        merge.kind === 'refused' ? safeText(merge.error.message, 300) : l10n.t('What to do with it?'),
    },
  )
  return chosen?.action
}

async function choose(
  { ask }: CommandParts,
  conflicts: readonly LiveConflict[],
): Promise<LiveConflict | undefined> {
  const items = conflicts.map(conflict => ({
    label: `${conflict.merging ? '$(git-merge)' : '$(diff)'} ${pickerText(nameOf(conflict.path))}`,
    description: pickerText(diskPath(conflict.path)),
    detail: conflict.merging
      ? l10n.t('merged, with conflict markers left')
      : l10n.t('theirs: {0}', pickerText(nameOf(conflict.copy))),
    conflict,
  }))
  const chosen = await ask.pick(items, {
    title: l10n.t('Conflicts: {0}', conflicts.length),
    placeholder: l10n.t('Which file?'),
  })
  return chosen?.conflict
}
