/**
 * “Review Conflicts”: the files that were changed here and by the sharer, each beside what came in, as a diff. Those
 * that the user has dealt with, by deleting or moving one of the two, are listed no more.
 */
import * as vscode from 'vscode'
import type { ShareId } from '../../common/brand'
import { sharerName } from '../../common/explain'
import type { LiveCopyState, TransferResult } from '../../common/model'
import { diskPath, pickerText } from '../names'
import { hasConflicts } from '../peerModel'
import { tell } from '../tell'
import { givenId } from './commandArguments'
import { askAboutMerge, mergeConflict, showMarkers } from './mergeConflict'
import type { CommandParts } from './parts'
import { isThere, nameOf, showConflict } from './showConflict'
import { solveConflicts } from './solveConflicts'

const { l10n } = vscode

type Conflict = TransferResult['conflicts'][number]
type Parts = Pick<CommandParts, 'ask' | 'model' | 'peer'>

/** Milliseconds: the copy is over, so its result is only looked up. */
const LOOK_UP = 5_000

/** `given`: a transfer or a folder in sync, by row or id; without, the newest with conflicts. Throws `PeerfoldError`. */
export async function reviewConflicts(parts: CommandParts, given?: unknown): Promise<void> {
  const { peer, model } = parts
  const isConflicting = ({ conflictCount }: LiveCopyState) => conflictCount > 0
  const id = givenId(given)
  const live = id === undefined ? model.state?.live?.find(isConflicting) : model.live(id)
  if (live !== undefined) return solveConflicts(parts, live)
  const job = id ?? model.state?.transfers.find(hasConflicts)?.id
  if (job === undefined) {
    tell(l10n.t('There are no conflicts to review.'))
    return
  }
  // The state lists the first few only.
  const { conflicts } = await peer.request('copy.wait', { job, timeout: LOOK_UP })
  await showConflicts(parts, conflicts, model.transfer(job)?.share)
}

/** Shows the only conflict at once, or the one of several that the user chooses. */
export async function showConflicts(
  parts: Parts,
  conflicts: readonly Conflict[],
  share: ShareId | undefined,
): Promise<void> {
  const open = await stillOpen(conflicts)
  const [first] = open
  if (first === undefined) {
    tell(l10n.t('All conflicts of this copy are settled.'))
    return
  }
  if (open.length === 1) {
    await showAndOffer(parts, first, share)
    return
  }
  const items = open.map(conflict => ({
    label: `$(diff) ${pickerText(nameOf(conflict.path))}`,
    description: pickerText(diskPath(conflict.path)),
    detail: l10n.t('theirs: {0}', pickerText(nameOf(conflict.copy))),
    conflict,
  }))
  const chosen = await parts.ask.pick(items, {
    title: l10n.t('Conflicts: {0}', open.length),
    placeholder: l10n.t('Which file to compare with theirs?'),
  })
  if (chosen !== undefined) await showAndOffer(parts, chosen.conflict, share)
}

/** Shows a conflict as a diff, and offers to merge it where that is possible. A merged one shows its markers instead. */
export async function showAndOffer(
  parts: Parts,
  conflict: Conflict,
  share: ShareId | undefined,
): Promise<void> {
  const merge = await askAboutMerge(parts, conflict)
  if (merge.kind === 'merging') return showMarkers(conflict.path)
  await showConflict(conflict)
  if (merge.kind === 'possible')
    tell(
      l10n.t(
        '“{0}” was changed here and by {1}.',
        nameOf(conflict.path),
        sharerName(parts.model.state, share, l10n),
      ),
      { label: l10n.t('Merge'), run: () => mergeConflict(parts, conflict) },
    )
}

async function stillOpen(conflicts: readonly Conflict[]): Promise<readonly Conflict[]> {
  const there = await Promise.all(
    conflicts.map(async ({ path, copy }) => {
      const both = await Promise.all([isThere(vscode.Uri.file(path)), isThere(vscode.Uri.file(copy))])
      return both.every(Boolean)
    }),
  )
  return conflicts.filter((_, at) => there[at])
}
