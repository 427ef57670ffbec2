/** Asks which share is meant, where a command was not told. With only one there is nothing to ask. */
import * as vscode from 'vscode'
import type { ShareId } from '../../common/brand'
import type { OpenedShareState, ShareState } from '../../common/model'
import { pickerText } from '../names'
import { warn } from '../tell'
import { describeOpenedAmong, describeShare } from '../views/describe'
import type { CommandParts } from './parts'

const { l10n } = vscode

export interface ShareItem extends vscode.QuickPickItem {
  readonly id: ShareId
}

/** Undefined when the user turned away, or there is none (which is told). */
export async function chooseShare(
  { model, peer, ask }: CommandParts,
  which: 'own' | 'opened' | 'any',
  title: string,
  only?: {
    readonly isMeant: (share: ShareState | OpenedShareState) => boolean
    /** Told when no share is meant. */
    readonly otherwise: string
  },
): Promise<ShareId | undefined> {
  await peer.start()
  const items = shareItems(model, which, only?.isMeant)
  if (items.length === 0) {
    warn(only?.otherwise ?? (which === 'own' ? l10n.t('Nothing is shared.') : l10n.t('No share is opened.')))
    return undefined
  }
  if (items.length === 1) return items[0]?.id
  return (await ask.pick(items, { title, placeholder: l10n.t('Which share?') }))?.id
}

/** Own shares first. */
export function shareItems(
  model: CommandParts['model'],
  which: 'own' | 'opened' | 'any',
  isMeant: (share: ShareState | OpenedShareState) => boolean = Boolean,
): readonly ShareItem[] {
  const own = (which === 'opened' ? [] : (model.state?.shares ?? [])).filter(isMeant).map(share => ({
    id: share.id,
    label: pickerText(share.name),
    description: describeShare(share, l10n),
    detail: pickerText(share.source),
  }))
  const opened = (which === 'own' ? [] : (model.state?.opened ?? []))
    .filter(isMeant)
    .map((share, _at, all) => ({
      id: share.id,
      label: pickerText(share.name),
      description: describeOpenedAmong(all, share, l10n),
    }))
  return [...own, ...opened]
}
