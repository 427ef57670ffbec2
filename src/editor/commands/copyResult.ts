/** Tells what became of a copy, with the next thing to do as a button. */
import { stat } from 'node:fs/promises'
import * as path from 'node:path'
import * as vscode from 'vscode'
import { countChanges, explainConflicts, explainFound, isUpdate, peerName } from '../../common/explain'
import { formatBytes, formatCount, plural, safeText } from '../../common/format'
import type { TransferResult } from '../../common/model'
import { Commands } from '../contributions'
import { diskPath, pickerText } from '../names'
import { offerCommand, tell, warn } from '../tell'
import type { CommandParts, FollowedCopy } from './parts'
import { showAndOffer, showConflicts } from './reviewConflicts'

const { l10n } = vscode

/** The most silent peers that are named. */
const NAMED = 3

/** @param copy its `name` may be a stranger's text; `folder` and `saved` are absolute, see `FollowedCopy` */
export async function tellCopyResult(
  parts: Pick<CommandParts, 'ask' | 'model' | 'peer'>,
  copy: Omit<FollowedCopy, 'job'>,
  result: TransferResult,
): Promise<void> {
  const saved = await lookAt(copy)
  const notes = [
    doubtNote(result),
    isUpdate(result) ? '' : explainConflicts(result.conflicts.length, l10n),
    result.skippedCount === 0
      ? ''
      : result.skippedCount === 1
        ? l10n.t('1 entry could not be written.')
        : l10n.t('{0} entries could not be written.', formatCount(result.skippedCount)),
    result.warnings.length === 0
      ? ''
      : result.warnings.length === 1
        ? l10n.t('1 file can run something on this machine. Look at the details first.')
        : l10n.t(
            '{0} files can run something on this machine. Look at the details first.',
            formatCount(result.warnings.length),
          ),
  ].filter(note => note !== '')
  const done = doneSentence(copy.name, saved.isFile ? path.dirname(saved.path) : saved.path, result)
  const details = detailsOf(result)
  const { conflicts } = result
  const offers = [
    ...(conflicts.length === 0
      ? []
      : [{ label: l10n.t('Review Conflicts'), run: () => showConflicts(parts, conflicts, copy.share) }]),
    saved.isFile
      ? { label: l10n.t('Open File'), run: () => openFile(saved.path) }
      : { label: l10n.t('Open Folder'), run: () => openFolder(saved.path) },
    // A fourth button would not fit on the toast.
    ...(copy.share === undefined || conflicts.length > 0
      ? []
      : [
          offerCommand(l10n.t('Keep in Sync'), Commands.keepInSync, {
            id: copy.share,
            path: copy.path,
            folder: copy.folder,
          }),
        ]),
    ...(details.length === 0
      ? []
      : [
          {
            label: l10n.t('Show Details'),
            run: async () => {
              const placeholder = l10n.t('What to look at')
              const chosen = await parts.ask.pick(details, { title: done, placeholder })
              if (chosen?.conflict !== undefined) await showAndOffer(parts, chosen.conflict, copy.share)
            },
          },
        ]),
  ]
  const show = notes.length === 0 ? tell : warn
  show([done, ...notes].join(' '), ...offers)
}

/** Says what was saved where, or if there was a copy before, what changed in it. @param place absolute */
function doneSentence(name: string, place: string, result: TransferResult): string {
  const what = safeText(name, 80)
  const where = diskPath(place)
  if (!isUpdate(result)) {
    const files = plural(result.files, l10n.t('file'), l10n.t('files'))
    return l10n.t('A copy of “{0}” is saved in {1}: {2}, {3}.', what, where, files, formatBytes(result.bytes))
  }
  const changes = countChanges(result, l10n)
  if (result.conflicts.length > 0) changes.push(explainConflicts(result.conflicts.length, l10n))
  const found = explainFound(result, l10n)
  if (found !== '') changes.push(found)
  if (changes.length === 0) return l10n.t('Nothing changed in the copy of “{0}” in {1}.', what, where)
  return ended(l10n.t('Updated the copy of “{0}” in {1}: {2}', what, where, changes.join(', ')))
}

function ended(sentence: string): string {
  return sentence.endsWith('.') ? sentence : `${sentence}.`
}

/** The file or folder that was saved; the folder around it if its name is spelled otherwise and cannot be found. */
async function lookAt(copy: {
  readonly folder: string
  readonly saved?: string
}): Promise<{ readonly path: string; readonly isFile: boolean }> {
  const { folder, saved = folder } = copy
  return stat(saved).then(
    found => ({ path: saved, isFile: !found.isDirectory() }),
    () => ({ path: folder, isFile: false }),
  )
}

function doubtNote({ stale, silent = [] }: TransferResult): string {
  if (silent.length > 0) {
    const named = silent.slice(0, NAMED).map(peer => peerName(peer, l10n))
    return l10n.t('There may be a newer version: {0} did not answer in time.', named.join(', '))
  }
  return stale ? l10n.t('Nobody was online to ask for a newer version.') : ''
}

interface Detail extends vscode.QuickPickItem {
  readonly conflict?: TransferResult['conflicts'][number]
}

function detailsOf({ changes, conflicts, skipped, warnings }: TransferResult): readonly Detail[] {
  return [
    ...((changes?.gone ?? 0) === 0
      ? []
      : [{ label: `$(info) ${l10n.t('What is no longer shared stays in your copy')}` }]),
    ...warnings.map(warning => ({ label: '$(warning)', description: pickerText(warning) })),
    ...conflicts.map(conflict => ({
      label: `$(diff) ${pickerText(conflict.path)}`,
      detail: l10n.t('yours was kept; theirs is {0}', pickerText(conflict.copy)),
      conflict,
    })),
    ...skipped.map(entry => ({
      label: `$(circle-slash) ${pickerText(entry.path)}`,
      detail: pickerText(entry.detail),
    })),
  ]
}

function openFile(file: string): Thenable<unknown> {
  return vscode.commands.executeCommand('vscode.open', vscode.Uri.file(file))
}

/** In a window of its own: it opens as untrusted as any folder that comes from elsewhere. */
function openFolder(folder: string): Thenable<unknown> {
  return vscode.commands.executeCommand('vscode.openFolder', vscode.Uri.file(folder), {
    forceNewWindow: true,
  })
}
