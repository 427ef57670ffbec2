/**
 * “Update Copy”: brings a saved copy up to date where it lies. With one copy there is nothing to ask. Files that were
 * changed in it are kept, as whenever a copy is saved again. The result is told in numbers.
 */
import { stat } from 'node:fs/promises'
import * as path from 'node:path'
import * as vscode from 'vscode'
import type { ShareId } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { safeText } from '../../common/format'
import type { OpenedShareState, ShareState, TransferResult } from '../../common/model'
import { Commands } from '../contributions'
import { type CopyTarget, copiedShares, copiesOf } from '../copyTargets'
import { diskPath, pickerText } from '../names'
import { offerCommand, tellError } from '../tell'
import { chooseShare } from './chooseShare'
import { givenShare, givenText, isScripted } from './commandArguments'
import type { CommandParts } from './parts'
import { copyTo } from './saveCopy'

const { l10n } = vscode

/** `given`: a row, an address, an id, or `{ id, folder?, ask: false }`. Undefined when the user turned away. */
export async function updateCopy(parts: CommandParts, given?: unknown): Promise<TransferResult | undefined> {
  const { memory, model } = parts
  const id = givenShare(given) ?? (await chooseCopied(parts))
  if (id === undefined) return undefined
  const copies = await stillThere(copiesOf(memory, id))
  const asked = givenText(given, 'folder')
  const meant = asked === undefined ? copies : copies.filter(({ folder }) => folder === asked)
  const [latest] = meant
  if (latest === undefined) {
    const error = new PeerfoldError('no-copy', safeText(model.nameOf(id), 80))
    if (isScripted([given])) throw error
    tellError(error, offerCommand(l10n.t('Save a Copy…'), Commands.saveCopy, id))
    return undefined
  }
  const isClear = meant.length === 1 || isScripted([given])
  const target = isClear ? latest : await choose(parts, id, meant)
  return target && copyTo(parts, target, isScripted([given]))
}

function chooseCopied(parts: CommandParts): Promise<ShareId | undefined> {
  const copied = copiedShares(parts.memory)
  return chooseShare(parts, 'opened', l10n.t('Update Copy'), {
    isMeant: (share: ShareState | OpenedShareState) => copied.has(share.id),
    otherwise: l10n.t('No copy of an opened share was saved yet.'),
  })
}

/** Offers the copies in the order given, the latest first. */
async function choose(
  { ask, model }: CommandParts,
  id: ShareId,
  copies: readonly CopyTarget[],
): Promise<CopyTarget | undefined> {
  const items = copies.map(target => ({
    label: pickerText(target.name ?? model.nameOf(id)),
    description: pickerText(diskPath(placeOf(target))),
    target,
  }))
  const title = l10n.t('Update Copy')
  const chosen = await ask.pick(items, { title, placeholder: l10n.t('Which copy?') })
  return chosen?.target
}

/** Leaves out copies that were deleted or moved away: saving there would make a new copy. */
async function stillThere(copies: readonly CopyTarget[]): Promise<readonly CopyTarget[]> {
  const found = await Promise.all(
    copies.map(target =>
      stat(placeOf(target)).then(
        () => [target],
        () => [],
      ),
    ),
  )
  return found.flat()
}

function placeOf({ folder, name }: CopyTarget): string {
  return name === undefined ? folder : path.join(folder, name)
}
