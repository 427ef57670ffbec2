/**
 * Shows what an opened link points at: a share in its view, a file in a tab, a folder in the tree of opened shares. If
 * it is an own share, shows the files and folders on this disk.
 */
import * as vscode from 'vscode'
import type { DrivePath, ShareId } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { behind } from '../../common/followed'
import { safeText, withoutRoot } from '../../common/format'
import { fingerprint, type ShareLink } from '../../common/link'
import { Commands, Views } from '../contributions'
import { childOf } from '../files/drivePath'
import { onDisk } from '../files/ownFiles'
import { ROOT } from '../files/shareUri'
import { type Offer, offerCommand, tell, warn } from '../tell'
import type { CommandParts } from './parts'
import { HISTORY_TIMEOUT, type PastAddress, showHistoryOf } from './showHistory'

const { l10n } = vscode

/** Milliseconds that the Opened Shares view shows progress while nobody is found; the search itself goes on. */
const READY_LIMIT = 30_000
/** Milliseconds for a list of one file that has just arrived. */
const LIST_LIMIT = 5_000

/** A path of a link as people read it: `beds/tomatoes.md`. */
export function shownPath(path: DrivePath): string {
  return safeText(withoutRoot(path), 200)
}

/**
 * Never rejects, and need not be waited for: the share is in the list from now on, whoever is found and whenever.
 *
 * @param target what is shown beside the share; undefined: nothing
 */
export async function showArrival(
  parts: CommandParts,
  id: ShareId,
  target: ShareLink | undefined,
): Promise<void> {
  const { peer, model, views, log } = parts
  const location = { viewId: Views.opened }
  const isReady = () =>
    peer.request('open.ready', { id, newest: false, timeout: READY_LIMIT }, { timeout: READY_LIMIT + 10_000 })
  const arrive = () => Promise.all([isReady(), model.untilKnown(id)])
  const reveal = async (arrived: Thenable<unknown>) => {
    await views.revealOpened(id)
    await arrived
    await model.until(() => model.opened(id)?.contents !== undefined) // its files are there to be unfolded then
    await views.revealOpened(id, target?.path)
  }
  try {
    await vscode.commands.executeCommand(`${Views.opened}.focus`)
    const arrived = vscode.window.withProgress({ location }, arrive)
    // A busy tree takes its time to reveal something: the file does not wait for it.
    await Promise.all([reveal(arrived), showWhenHere(parts, id, target, arrived)])
  } catch (error) {
    // The view says why nobody is found, for as long as that is so.
    log.info(`${fingerprint(id)} is not here yet: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** What a link to an own share points at; resolves when it is shown. */
export async function showOwn(
  parts: CommandParts,
  id: ShareId,
  target: ShareLink | undefined,
): Promise<void> {
  const { model } = parts
  await model.until(() => model.share(id) !== undefined)
  const share = model.share(id)
  const { path, version } = target ?? {}
  if (version !== undefined) return showVersion(parts, { id, path: withoutSlash(path ?? ROOT), version })
  if (path === undefined || share === undefined) return tellOwn(parts, id)
  const kind = await kindOf(parts, id, path)
  if (kind === undefined) return
  const uri = onDisk(share, withoutSlash(path))
  if (kind === 'file') await vscode.commands.executeCommand('vscode.open', uri)
  else if (vscode.workspace.getWorkspaceFolder(uri) === undefined) tellOwn(parts, id, path)
  else await vscode.commands.executeCommand('revealInExplorer', uri)
}

function tellOwn({ model, views }: CommandParts, id: ShareId, path?: DrivePath): void {
  tell(
    l10n.t('“{0}” is shared from this machine: its files are already here.', safeText(model.nameOf(id), 80)),
    offerCommand(l10n.t('Reveal on Disk'), Commands.reveal, path === undefined ? id : { id, path }),
  )
  views.showShare(id)
}

async function showWhenHere(
  parts: CommandParts,
  id: ShareId,
  target: ShareLink | undefined,
  arrived: Thenable<unknown>,
): Promise<void> {
  try {
    await arrived
  } catch (error) {
    const isAlone = error instanceof PeerfoldError && error.code === 'nobody-found'
    // A tab waits for it, and becomes the file when somebody comes. Nobody knows yet whether the share has it.
    if (isAlone && target?.path?.endsWith('/') === false) await openFile(parts, id, target.path)
    throw error
  }
  if (target?.version !== undefined)
    await showVersion(parts, { id, path: withoutSlash(target.path ?? ROOT), version: target.version })
  else if (target?.path !== undefined) await showTarget(parts, id, target.path)
  else if (target?.isFile) await showOnlyFile(parts, id)
}

/** A link of a version: a file as it was, or the history of what it points at, with that version selected. */
async function showVersion(parts: CommandParts, entry: PastAddress): Promise<void> {
  const { peer, addresses } = parts
  const { id, path } = entry
  try {
    const { version } = await peer.request('versions.at', {
      id,
      version: entry.version,
      timeout: HISTORY_TIMEOUT,
    })
    const { kind } = behind(await peer.request('fs.stat', { id, path, version }))
    const uri = addresses.uriOf({ id, path, version })
    if (kind === 'folder') await showHistoryOf(parts, { id, path, version })
    else await vscode.commands.executeCommand('vscode.open', uri)
  } catch (error) {
    if (!(error instanceof PeerfoldError)) throw error
    warn(error.message, offerCommand(l10n.t('Show History'), Commands.showHistory, { id, path }))
  }
}

async function showTarget(parts: CommandParts, id: ShareId, path: DrivePath): Promise<void> {
  if ((await kindOf(parts, id, path)) === 'file') await openFile(parts, id, path)
}

/** A link in the share counts as what it leads to. Undefined when the share does not have it, which is told. */
async function kindOf(
  parts: CommandParts,
  id: ShareId,
  path: DrivePath,
): Promise<'file' | 'folder' | undefined> {
  try {
    const { kind } = behind(await parts.peer.request('fs.stat', { id, path }))
    return kind === 'folder' ? 'folder' : 'file' // a link that leads nowhere says so in its tab
  } catch (error) {
    if (!(error instanceof PeerfoldError) || error.code !== 'file-not-found') throw error
    warn(
      l10n.t(
        'The link leads to “{0}”, which is not in “{1}”: it was moved or deleted, or is not here yet.',
        shownPath(path),
        safeText(parts.model.nameOf(id), 80),
      ),
      offerShare(parts, id),
    )
    return undefined
  }
}

function offerShare({ model, views }: CommandParts, id: ShareId): Offer {
  const show = () => (model.share(id) === undefined ? views.revealOpened(id) : views.showShare(id))
  return { label: l10n.t('Show Share'), run: show }
}

async function showOnlyFile(parts: CommandParts, id: ShareId): Promise<void> {
  const [file] = await parts.peer.request('fs.list', { id, path: ROOT, limit: 1, timeout: LIST_LIMIT })
  if (file !== undefined && file.kind !== 'folder') await openFile(parts, id, childOf(ROOT, file.name))
}

async function openFile({ addresses }: CommandParts, id: ShareId, path: DrivePath): Promise<void> {
  await vscode.commands.executeCommand('vscode.open', addresses.uriOf({ id, path: withoutSlash(path) }))
}

/** A path without the slash at its end, which says that it was a folder when the link was made. */
function withoutSlash(path: DrivePath): DrivePath {
  return path === ROOT ? path : (path.replace(/\/$/, '') as DrivePath)
}
