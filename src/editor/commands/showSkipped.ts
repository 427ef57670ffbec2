/** “Show What Is Left Out” of a share, as its last scan found it. */
import * as vscode from 'vscode'
import type { SkippedEntry } from '../../common/model'
import { tell } from '../tell'
import { chooseShare } from './chooseShare'
import { givenShare, isScripted } from './commandArguments'
import { showLeftOut, totalOf } from './leftOut'
import type { CommandParts } from './parts'

/** → the list, at most 1,000 entries. */
export async function showSkipped(
  parts: CommandParts,
  given?: unknown,
): Promise<readonly SkippedEntry[] | undefined> {
  const { l10n } = vscode
  const { peer, model, ask } = parts
  const id = givenShare(given) ?? (await chooseShare(parts, 'own', l10n.t('Show What Is Left Out')))
  if (id === undefined) return undefined
  const { skipped, unportable = [] } = await peer.request('share.skipped', { id })
  if (isScripted([given])) return skipped
  const count = Math.max(totalOf(model.share(id)?.skipped ?? {}), skipped.length)
  if (skipped.length + unportable.length === 0) tell(l10n.t('Nothing is left out of this share.'))
  else await showLeftOut(ask, skipped, count, unportable)
  return skipped
}
