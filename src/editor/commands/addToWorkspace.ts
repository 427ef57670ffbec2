/**
 * “Add to Workspace”: mounts a share as a workspace folder. VS Code ends and restarts all extensions when the first
 * folder is added or a single one becomes several, and sometimes comes back without the folders. So what is wanted
 * is written down before; `finishAddingToWorkspace`, at the next start, checks that it came true, and otherwise
 * opens a generated .code-workspace that holds the old folders and the new one.
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
import { givenShare } from './given'
import type { CommandParts } from './parts'

const { l10n } = vscode

/** In globalState: what a restart must not lose. */
const PENDING = 'peerfold.addingToWorkspace'
/** Milliseconds after which a note is of a window that went another way. */
const PENDING_LIMIT = 120_000
/** Milliseconds that VS Code is given to show the folder by itself. */
const PATIENCE = 5_000

type RepairParts = Pick<CommandParts, 'memory' | 'storage' | 'log' | 'addresses'>

interface Pending {
  readonly id: ShareId
  readonly name: string
  /** Folders of the workspace before, as addresses. */
  readonly before: readonly string[]
  readonly at: number
  /** Of the window that asked; a reload, as remote windows do, changes it. */
  readonly session: string
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
    session: vscode.env.sessionId,
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
  // Where all extensions are restarted now, nothing below is reached.
  if (await mounted) await parts.memory.update(PENDING, undefined)
  return true
}

/** At start-up: sees to it that the folder that was being added is there. */
export async function finishAddingToWorkspace(parts: RepairParts): Promise<void> {
  const pending = readPending(parts.memory)
  if (pending === undefined) return
  const mayBeHere = isMounted(pending.id) || isSameWindow(pending)
  if (!mayBeHere) return
  const arrived = isMounted(pending.id) || (await waitForMount(pending.id))
  if (!arrived && pending.session !== vscode.env.sessionId && hasNoFolders()) {
    offerRepair(parts, pending)
    return
  }
  // Forgotten before the repair: a repair that fails as well must not be tried for ever.
  await parts.memory.update(PENDING, undefined)
  if (!arrived) await repair(parts, pending)
}

/** Any other empty window looks the same as the one that asked, so nothing is opened in it without a word. */
function offerRepair(parts: RepairParts, pending: Pending): void {
  tell(l10n.t('“{0}” is not in the workspace yet. Open it in this window?', pending.name), {
    label: l10n.t('Open Here'),
    run: async () => {
      await parts.memory.update(PENDING, undefined)
      await repair(parts, pending)
    },
  })
}

async function repair(parts: RepairParts, pending: Pending): Promise<void> {
  parts.log.warn('the share was not in the workspace after the restart: opening a workspace file instead')
  const file = await writeWorkspaceFile(parts, pending)
  await vscode.commands.executeCommand('vscode.openFolder', file, { forceReuseWindow: true })
}

function readPending(memory: vscode.Memento): Pending | undefined {
  const value: Partial<Pending> | undefined = memory.get(PENDING)
  const { id, name, before, at, session } = value ?? {}
  const isWhole =
    typeof id === 'string' &&
    isShareId(id) &&
    typeof name === 'string' &&
    Array.isArray(before) &&
    typeof at === 'number' &&
    typeof session === 'string'
  if (!isWhole || Math.abs(Date.now() - at) > PENDING_LIMIT) return undefined
  return { id, name, before, at, session }
}

/** Other windows start up too: only one that has the old folders, or lost them all, is the one that asked. */
function isSameWindow({ before }: Pending): boolean {
  const now = (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.toString())
  return now.length === 0 || now.join('\n') === before.join('\n')
}

function hasNoFolders(): boolean {
  return (vscode.workspace.workspaceFolders ?? []).length === 0
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

async function writeWorkspaceFile(parts: RepairParts, { id, name, before }: Pending): Promise<vscode.Uri> {
  // VS Code shows the file's name as the name of the workspace.
  const folder = vscode.Uri.joinPath(parts.storage, 'workspaces', id.slice(0, 12))
  const file = vscode.Uri.joinPath(folder, `${folderName(name)}.code-workspace`)
  const content = {
    folders: [...before.map(uri => ({ uri })), { uri: rootOf(parts, id).toString(), name }],
  }
  await vscode.workspace.fs.createDirectory(folder)
  await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(JSON.stringify(content, null, 2)))
  return file
}
