/**
 * “Save a Copy…”: writes a share, or a folder or file of it, to disk. The peer process does the work and remembers it,
 * so that it goes on when this window is closed; asked again for the same place it continues. Local files are never
 * overwritten: what was changed here is kept, and the incoming one lands beside it.
 */
import * as vscode from 'vscode'
import { umaskParameter } from '../../client/umask'
import { PeerfoldError } from '../../common/errors'
import { formatBytes, formatCount, plural, safeText } from '../../common/format'
import type { TransferResult } from '../../common/model'
import { Commands } from '../contributions'
import { nameOf } from '../files/drivePath'
import { ROOT, type ShareAddress } from '../files/shareUri'
import { diskPath, pickerText } from '../names'
import { rememberCopy, savedShareOf } from '../savedCopies'
import { offerCommand, tell, tellError, warn } from '../tell'
import { chooseShare } from './chooseShare'
import { copyFolder } from './copyFolder'
import { folderName } from './folderName'
import { followTransfer, newJob } from './followTransfer'
import { givenAddress, givenText, isScripted } from './given'
import { makeFolder } from './makeFolder'
import type { CommandParts } from './parts'

const { l10n } = vscode

/** Milliseconds without any progress and without any peer after which waiting ends. The copy itself goes on later. */
const STALL_LIMIT = 60_000
/** So many of who was not heard are named. */
const NAMED = 3

/**
 * `given`: a row, an address, an id, or `{ id, path?, folder, ask: false }`. Without arguments: the file in the
 * active editor, or a share to choose. Undefined when the user turned away. Throws `PeerfoldError`.
 */
export async function saveCopy(parts: CommandParts, given?: unknown): Promise<TransferResult | undefined> {
  const address = givenAddress(given) ?? (await askWhat(parts))
  if (address === undefined) return undefined
  const folder = givenText(given, 'folder') ?? (await askWhere(parts, address))
  if (folder === undefined) return undefined
  await makeFolder(folder)
  const isFile = (parts.model.opened(address.id) ?? parts.model.share(address.id))?.isFile
  if (address.path === ROOT && !isFile) await rememberCopy(parts.memory, folder, address.id)
  const name = labelOf(parts, address)
  try {
    // Where this copy is under way already, that one is joined, and followed under its own id.
    const wanted = { ...address, folder, job: newJob(), ...umaskParameter() }
    const { job } = await parts.peer.request('copy.start', wanted)
    const result = await followTransfer(
      parts,
      { title: l10n.t('Saving a copy of “{0}”', name), job },
      token =>
        parts.peer.request(
          'copy.wait',
          { job, timeout: STALL_LIMIT },
          { timeout: Number.POSITIVE_INFINITY, token },
        ),
    )
    if (!isScripted([given])) showResult(parts, name, folder, result)
    return result
  } catch (error) {
    if (isScripted([given]) || !isStalled(error)) throw error
    tellError(error, offerCommand(l10n.t('Try Again'), Commands.saveCopy, { ...address, folder }))
    return undefined
  }
}

/** What the active editor shows, when it is of a share. */
async function askWhat(parts: CommandParts): Promise<ShareAddress | undefined> {
  const shown = givenAddress(vscode.window.activeTextEditor?.document.uri)
  if (shown !== undefined) return shown
  const id = await chooseShare(parts, 'opened', l10n.t('Save a Copy'))
  return id === undefined ? undefined : { id, path: ROOT }
}

async function askWhere(parts: CommandParts, address: ShareAddress): Promise<string | undefined> {
  const parent = await askParent(parts, address)
  return parent === undefined ? undefined : targetIn(parts, parent, address)
}

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

/** A whole share gets a folder of its own inside the chosen one; a folder or file of it goes into the chosen one. */
export function targetIn(parts: CommandParts, parent: string, address: ShareAddress): string {
  const { model } = parts
  const share = model.opened(address.id) ?? model.share(address.id)
  if (address.path !== ROOT || share?.isFile) return parent
  const transfers = model.state?.transfers ?? []
  return copyFolder(
    parent,
    folderName(model.nameOf(address.id)),
    address.id,
    folder =>
      savedShareOf(parts.memory, folder) ??
      transfers.find(transfer => transfer.kind === 'copy' && transfer.folder === folder)?.share,
  )
}

function labelOf({ model }: CommandParts, { id, path: entry }: ShareAddress): string {
  return safeText(entry === ROOT ? model.nameOf(id) : nameOf(entry), 80)
}

function isStalled(error: unknown): boolean {
  return error instanceof PeerfoldError && (error.code === 'stalled' || error.code === 'nobody-found')
}

function showResult({ ask }: CommandParts, name: string, folder: string, result: TransferResult): void {
  const notes = [
    doubtNote(result),
    conflictNote(result.conflicts.length),
    result.skippedCount === 0
      ? ''
      : result.skippedCount === 1
        ? l10n.t('One entry could not be written.')
        : l10n.t('{0} entries could not be written.', formatCount(result.skippedCount)),
    result.warnings.length === 0
      ? ''
      : result.warnings.length === 1
        ? l10n.t('One file can run something on this machine: look at the details first.')
        : l10n.t(
            '{0} files can run something on this machine: look at the details first.',
            formatCount(result.warnings.length),
          ),
  ].filter(note => note !== '')
  const files = plural(result.files, l10n.t('file'), l10n.t('files'))
  const done = l10n.t(
    'A copy of “{0}” is saved in {1}: {2}, {3}.',
    name,
    diskPath(folder),
    files,
    formatBytes(result.bytes),
  )
  const details = detailsOf(result)
  const offers = [
    { label: l10n.t('Open Folder'), run: () => openFolder(folder) },
    ...(details.length === 0
      ? []
      : [
          {
            label: l10n.t('Show Details'),
            run: () => ask.pick(details, { title: done, placeholder: l10n.t('What to look at') }),
          },
        ]),
  ]
  const show = notes.length === 0 ? tell : warn
  show([done, ...notes].join(' '), ...offers)
}

function doubtNote({ stale, silent = [] }: TransferResult): string {
  if (silent.length > 0) {
    const named = silent.slice(0, NAMED).map(({ id, name }) => (name === '' ? id : safeText(name, 40)))
    return l10n.t('There may be a newer version: {0} did not say in time.', named.join(', '))
  }
  return stale ? l10n.t('Nobody could be asked whether there is a newer version.') : ''
}

function conflictNote(count: number): string {
  if (count === 0) return ''
  if (count === 1) return l10n.t('One file that was changed here was kept; the incoming one lies beside it.')
  return l10n.t(
    '{0} files that were changed here were kept; the incoming ones lie beside them.',
    formatCount(count),
  )
}

function detailsOf({ conflicts, skipped, warnings }: TransferResult): readonly vscode.QuickPickItem[] {
  return [
    ...warnings.map(warning => ({ label: '$(warning)', description: pickerText(warning) })),
    ...conflicts.map(({ path: kept, copy }) => ({
      label: `$(diff) ${pickerText(kept)}`,
      detail: l10n.t('kept as it is; the incoming one is {0}', pickerText(copy)),
    })),
    ...skipped.map(entry => ({
      label: `$(circle-slash) ${pickerText(entry.path)}`,
      detail: pickerText(entry.detail),
    })),
  ]
}

/** In a window of its own: it opens as untrusted as any folder that comes from elsewhere. */
function openFolder(folder: string): Thenable<unknown> {
  return vscode.commands.executeCommand('vscode.openFolder', vscode.Uri.file(folder), {
    forceNewWindow: true,
  })
}
