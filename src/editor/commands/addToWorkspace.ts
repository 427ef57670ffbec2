/**
 * “Add to Workspace”: mounts a share as a workspace folder. VS Code ends and restarts all extensions when the first
 * folder is added or a single one becomes several, and sometimes comes back without the folders. So a note is made
 * before. At the next start `finishAddingToWorkspace` checks whether the folder is there. If not, it adds the folder
 * again, or opens a generated .code-workspace that holds the old folders and the new one (lostFolders.ts).
 */
import * as vscode from 'vscode'
import type { ShareId } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { safeText } from '../../common/format'
import { isShareId } from '../../common/link'
import { fromShareUri, ROOT } from '../files/shareUri'
import { folderName } from '../folderName'
import { tell } from '../tell'
import { chooseShare } from './chooseShare'
import { givenShare } from './commandArguments'
import { isUntitledWorkspace, remedyFor, type StartedWindow, workspaceFile } from './lostFolders'
import type { CommandParts } from './parts'

const { l10n } = vscode

/** In globalState: what a restart must not lose. */
const PENDING = 'peerfold.addingToWorkspace'
/** Milliseconds after which a note does not count any more: its window went another way. */
const PENDING_LIMIT = 120_000
/** Milliseconds that VS Code is given to show the folder by itself. */
const PATIENCE = 5_000

interface Pending {
  readonly id: ShareId
  readonly name: string
  /** Folders of the workspace before, as addresses. */
  readonly before: readonly string[]
  readonly at: number
}

/** → whether the folder is there or on its way; false when the user turned away. Throws when VS Code refuses. */
export async function addToWorkspace(parts: CommandParts, given?: unknown): Promise<boolean> {
  const id = givenShare(given) ?? (await chooseShare(parts, 'opened', l10n.t('Add to Workspace')))
  if (id === undefined) return false
  if (isMounted(id)) {
    void vscode.commands.executeCommand('workbench.view.explorer')
    return true
  }
  const folders = vscode.workspace.workspaceFolders ?? []
  const pending: Pending = {
    id,
    name: safeText(parts.model.nameOf(id), 60),
    before: folders.map(({ uri }) => uri.toString()),
    at: Date.now(),
  }
  await parts.memory.update(PENDING, pending)
  const mounted = waitForMount(id)
  const accepted = vscode.workspace.updateWorkspaceFolders(folders.length, 0, {
    uri: rootOf(parts, id),
    name: pending.name,
  })
  if (!accepted) {
    await parts.memory.update(PENDING, undefined)
    throw new PeerfoldError('workspace-refused', pending.name)
  }
  // If all extensions are restarted, nothing below is reached. The folder may show for a moment before that, so the note
  // stays for a while.
  if (await mounted) setTimeout(() => forgetPending(parts, pending), PATIENCE)
  return true
}

/** Removes the note, unless a newer one has its place. Not waited for: a note counts no longer than `PENDING_LIMIT`. */
function forgetPending({ memory }: CommandParts, { at }: Pending): void {
  if (readPending(memory)?.at === at) memory.update(PENDING, undefined).then(undefined, () => undefined)
}

/** At start-up: makes sure that the folder that was being added is there. */
export async function finishAddingToWorkspace(parts: CommandParts): Promise<void> {
  const pending = readPending(parts.memory)
  if (pending === undefined) return
  const remedy = () => remedyFor(thisWindow(pending.id), pending.before)
  if (remedy() === 'not-meant') return
  // VS Code may start extensions before it has put the folders in place.
  if (remedy() !== 'none') await waitForMount(pending.id)
  const found = remedy()
  if (found === 'not-meant') return
  // Forgotten before the repair: a repair that fails as well must not be tried for ever.
  const forget = () => parts.memory.update(PENDING, undefined)
  switch (found) {
    case 'none':
      await forget()
      break
    case 'open':
      await forget()
      await openWorkspaceFile(parts, pending)
      break
    case 'offer-opening':
      offer(pending, l10n.t('Open Here'), async () => {
        await forget()
        await openWorkspaceFile(parts, pending)
      })
      break
    case 'offer-adding':
      offer(pending, l10n.t('Add to Workspace'), () => addToWorkspace(parts, pending.id))
  }
}

/** Other windows may look like the one that asked, so nothing is opened in them without a word. */
function offer({ name }: Pending, label: string, run: () => unknown): void {
  tell(l10n.t('“{0}” is not in the workspace yet. Open it in this window?', name), { label, run })
}

async function openWorkspaceFile(
  parts: Pick<CommandParts, 'storage' | 'log' | 'addresses'>,
  pending: Pending,
): Promise<void> {
  parts.log.warn('the workspace was without folders after the restart: opening a workspace file instead')
  const file = await writeWorkspaceFile(parts, pending)
  await vscode.commands.executeCommand('vscode.openFolder', file, { forceReuseWindow: true })
}

function readPending(memory: vscode.Memento): Pending | undefined {
  const value: Partial<Pending> | undefined = memory.get(PENDING)
  const { id, name, before, at } = value ?? {}
  const isWhole =
    typeof id === 'string' &&
    isShareId(id) &&
    typeof name === 'string' &&
    Array.isArray(before) &&
    before.every(address => typeof address === 'string') &&
    typeof at === 'number'
  if (!isWhole || Math.abs(Date.now() - at) > PENDING_LIMIT) return undefined
  return { id, name, before, at }
}

function thisWindow(id: ShareId): StartedWindow {
  return {
    folders: (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.toString()),
    isUntitled: isUntitledWorkspace(vscode.workspace.workspaceFile?.toString() ?? ''),
    hasShare: isMounted(id),
  }
}

function rootOf({ addresses }: Pick<CommandParts, 'addresses'>, id: ShareId): vscode.Uri {
  return addresses.uriOf({ id, path: ROOT })
}

function isMounted(id: ShareId): boolean {
  const mounted = (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => fromShareUri(uri))
  return mounted.some(address => address?.id === id && address.path === ROOT)
}

function waitForMount(id: ShareId): Promise<boolean> {
  return new Promise(resolve => {
    const settle = (arrived: boolean) => {
      clearTimeout(timer)
      subscription.dispose()
      resolve(arrived)
    }
    const timer = setTimeout(() => settle(false), PATIENCE)
    const subscription = vscode.workspace.onDidChangeWorkspaceFolders(() => {
      if (isMounted(id)) settle(true)
    })
  })
}

async function writeWorkspaceFile(
  parts: Pick<CommandParts, 'storage' | 'addresses'>,
  { id, name, before }: Pending,
): Promise<vscode.Uri> {
  // VS Code shows the file's name as the name of the workspace.
  const folder = vscode.Uri.joinPath(parts.storage, 'workspaces', id.slice(0, 12))
  const file = vscode.Uri.joinPath(folder, `${folderName(name)}.code-workspace`)
  const content = workspaceFile(before, { uri: rootOf(parts, id).toString(), name })
  await vscode.workspace.fs.createDirectory(folder)
  await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(content))
  return file
}
