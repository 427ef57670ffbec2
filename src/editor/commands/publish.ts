/**
 * Shares a folder or file: shows what would be shared and what is left out, asks, publishes with progress, and puts
 * the link on the clipboard. Nothing is published before the user has agreed.
 */
import * as path from 'node:path'
import * as vscode from 'vscode'
import type { DrivePath, ShareId } from '../../common/brand'
import { formatCount, safeText } from '../../common/format'
import type { SkippedEntry } from '../../common/model'
import type { ShareAdded, SharePreview, ShareSource } from '../../common/protocol'
import { Commands } from '../contributions'
import { fromShareUri } from '../files/shareUri'
import { progressIfSlow } from '../progressIfSlow'
import { offerCommand, tell, warn } from '../tell'
import { agreesToSecrets, askToShare, askWithoutFiles, nameOf } from './askToShare'
import { followTransfer, newJob } from './followTransfer'
import { allowedPath } from './leftOut'
import { putLinkOnClipboard } from './linkText'
import type { CommandParts } from './parts'

const { l10n } = vscode

/** Milliseconds; reading the names of a very large folder takes minutes, and the user can cancel. */
const PREVIEW_LIMIT = 30 * 60_000

export interface PublishChoices {
  /** Undefined: not chosen, so a new share is private. */
  readonly isPublic: boolean | undefined
  readonly allow: readonly DrivePath[]
  /** False: the caller has agreed in the user's place. */
  readonly ask: boolean
}

export interface Published {
  readonly id: ShareId
  readonly link: string
}

/** Undefined when the user turned away or sharing is off here (which is told). Throws `PeerfoldError`. */
export async function publish(
  parts: CommandParts,
  folder: vscode.Uri,
  choices: PublishChoices,
): Promise<Published | undefined> {
  if (!mayShare(choices.ask) || !isOnDisk(folder, choices.ask)) return undefined
  let source = sourceOf(folder.fsPath, choices)
  let preview = await previewOf(parts, source)
  if (preview.existing !== undefined) return shareAgain(parts, preview.existing, choices)
  let allowed = choices.ask ? await reasonsOf(parts, source) : []
  while (choices.ask) {
    const question = preview.files === 0 ? askWithoutFiles : askToShare
    const answer = await question(parts, source, preview, allowed)
    if (answer === undefined) return undefined
    if (answer.isPublic !== undefined) source = { ...source, isPublic: answer.isPublic }
    if (answer.agreed && (await agreesToSecrets(parts, source, allowed))) break
    if (answer.allowed === undefined) continue
    allowed = answer.allowed
    source = { ...source, allow: allowed.map(allowedPath) }
    preview = await previewOf(parts, source)
  }
  return importFolder(parts, source)
}

/**
 * False in Restricted Mode, which is told.
 * @throws instead of telling, where nobody can be told (`ask` is false)
 */
export function mayShare(ask: boolean): boolean {
  if (vscode.workspace.isTrusted) return true
  const message = l10n.t(
    'Sharing is off in Restricted Mode, so that a folder you do not trust sends nothing. Opening shares works.',
  )
  if (!ask) throw new Error(message)
  warn(message, offerCommand(l10n.t('Manage Workspace Trust'), 'workbench.trust.manage'))
  return false
}

/** False for folders of other file systems, which is told or thrown as above. */
function isOnDisk(folder: vscode.Uri, ask: boolean): boolean {
  if (folder.scheme === 'file') return true
  const message = l10n.t(
    '“{0}” cannot be shared: it is not on this machine’s disk (it comes from “{1}:”). Save a copy to disk and share that.',
    safeText(path.posix.basename(folder.path) || folder.toString(), 80),
    folder.scheme,
  )
  if (!ask) throw new Error(message)
  warn(
    message,
    ...(fromShareUri(folder) === undefined
      ? []
      : [offerCommand(l10n.t('Save a Copy…'), Commands.saveCopy, folder)]),
  )
  return false
}

function sourceOf(source: string, { isPublic, allow }: PublishChoices): ShareSource {
  return { source, isPublic: isPublic ?? false, once: false, keep: true, allow }
}

function previewOf({ peer }: CommandParts, source: ShareSource): Promise<SharePreview> {
  return progressIfSlow({
    title: l10n.t('Looking into “{0}”…', nameOf(source)),
    work: token => peer.request('share.preview', source, { timeout: PREVIEW_LIMIT, token }),
  })
}

/** The entries that the caller lets in, with the reasons for which they would be left out. */
async function reasonsOf(parts: CommandParts, source: ShareSource): Promise<readonly SkippedEntry[]> {
  if (source.allow.length === 0) return []
  const { skipped } = await previewOf(parts, { ...source, allow: [] })
  return skipped.filter(entry => source.allow.includes(allowedPath(entry)))
}

async function importFolder(parts: CommandParts, source: ShareSource): Promise<Published> {
  const job = newJob()
  const added = await followTransfer(
    parts,
    { title: l10n.t('Publishing “{0}”', nameOf(source)), job },
    token =>
      parts.peer.request('share.add', { ...source, job }, { timeout: Number.POSITIVE_INFINITY, token }),
  )
  const link = await putLinkOnClipboard(added.link)
  tell(
    [
      l10n.t(
        '“{0}” is shared. The link is on your clipboard: send it to the people who should have the files.',
        nameOf(source),
      ),
      ...heldBack(added),
    ].join(' '),
    offerCommand(l10n.t('Copy Link Again'), Commands.copyLink, added.id),
    ...(added.skippedCount > 0
      ? [offerCommand(l10n.t('Show What Is Left Out'), Commands.showSkipped, added.id)]
      : []),
  )
  parts.views.showShare(added.id)
  return { id: added.id, link }
}

/** Tells how many files were left out for their content. The preview may not have looked into all of them. */
function heldBack({ skipped }: ShareAdded): readonly string[] {
  const secrets = skipped.filter(({ reason }) => reason === 'secret-content').length
  if (secrets === 0) return []
  return [
    secrets === 1
      ? l10n.t('1 file was left out: it holds a secret.')
      : l10n.t('{0} files were left out: they hold secrets.', formatCount(secrets)),
  ]
}

/** The same folder keeps its link: the share is started and kept, whoever made it, and its link is copied. */
async function shareAgain(
  { peer, model, views }: CommandParts,
  id: ShareId,
  { isPublic, allow }: PublishChoices,
): Promise<Published> {
  // A share that a command made would end with that command.
  await peer.request('share.start', { id })
  const share = model.share(id)
  const differs = isPublic !== undefined && share !== undefined && share.isPublic !== isPublic
  const link = await putLinkOnClipboard((await peer.request('share.link', { id })).link)
  const told = l10n.t(
    '“{0}” is shared already. Its link is on your clipboard.',
    safeText(model.nameOf(id), 80),
  )
  const offer = offerCommand(l10n.t('Copy Link Again'), Commands.copyLink, id)
  if (differs || allow.length > 0) warn(`${told} ${stays(share?.isPublic ?? false)}`, offer)
  else tell(told, offer)
  views.showShare(id)
  return { id, link }
}

function stays(isPublic: boolean): string {
  return isPublic
    ? l10n.t('It stays public and shares what it did. To change that, remove it and share it again.')
    : l10n.t('It stays private and shares what it did. To change that, remove it and share it again.')
}
