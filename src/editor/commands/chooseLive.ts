/** The folder in sync that a command is about: the row it was given, the only one there is, or one that is chosen. */
import * as path from 'node:path'
import * as vscode from 'vscode'
import { PeerfoldError } from '../../common/errors'
import { describeLive } from '../../common/explainLive'
import type { LiveCopyState } from '../../common/model'
import { diskPath, pickerText } from '../names'
import { tell } from '../tell'
import { givenId } from './commandArguments'
import type { CommandParts } from './parts'

const { l10n } = vscode

/** Undefined when none fits, which is told, or when the user turned away. Throws `unknown-live`. */
export async function chooseLive(
  { ask, model }: CommandParts,
  given: unknown,
  title: string,
  isMeant: (copy: LiveCopyState) => boolean = () => true,
): Promise<LiveCopyState | undefined> {
  const id = givenId(given)
  if (id !== undefined) {
    const found = model.live(id)
    if (found === undefined) throw new PeerfoldError('unknown-live')
    return found
  }
  const copies = (model.state?.live ?? []).filter(isMeant)
  if (copies.length === 0) tell(l10n.t('There is no folder in sync that this is for.'))
  if (copies.length <= 1) return copies[0]
  const items = copies.map(copy => ({
    label: pickerText(path.basename(copy.folder)),
    description: describeLive(copy, l10n),
    detail: pickerText(diskPath(copy.folder)),
    copy,
  }))
  return (await ask.pick(items, { title, placeholder: l10n.t('Which folder?') }))?.copy
}
