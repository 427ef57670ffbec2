/**
 * “Add to Workspace”: mounts a share as a workspace folder. VS Code ends and restarts all extensions when the first
 * folder is added or a single one becomes several, and sometimes comes back without the folders. So a note is made
 * before. At the next start `finishAddingToWorkspace` checks whether the folder is there. If not, it adds what is
 * missing, or offers to (lostFolders.ts). Folders are added in place and no workspace file is written: VS Code keeps a
 * copy of such files, and a window that reads a changed one while it loads may show none of its folders.
 */
import * as vscode from 'vscode'
import type { ShareId } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { safeText } from '../../common/format'
import { isShareId } from '../../common/link'
import { fromShareUri, ROOT } from '../files/shareUri'
import { tell } from '../tell'
import { chooseShare } from './chooseShare'
import { givenShare } from './commandArguments'
import { isUntitledWorkspace, remedyFor, type StartedWindow } from './lostFolders'
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
  /** How often they were put back. */
  readonly tries: number
  readonly at: number
}

/** → whether the folder is there or on its way; false when the user turned away. Throws when VS Code refuses. */
export async function addToWorkspace(parts: CommandParts, given?: unknown): Promise<boolean> {
  const id = givenShare(given) ?? (await chooseShare(parts, 'opened', l10n.t('Add to Workspace')))
  if (id === undefined) return false
  if (isMounted(id)) void vscode.commands.executeCommand('workbench.view.explorer')
  else await mount(parts, { id, name: safeText(parts.model.nameOf(id), 60), before: folders(), tries: 0 })
  return true
}

/**
 * Adds the share to the folders of this window, behind those of `before` if it has none.
 *
 * @returns whether VS Code shows it; nobody hears of it if VS Code restarts all extensions
 */
async function mount(parts: CommandParts, wanted: Omit<Pending, 'at'>): Promise<boolean> {
  const { id, name, before } = wanted
  const pending: Pending = { ...wanted, at: Date.now() }
  await parts.memory.update(PENDING, pending)
  const count = folders().length
  const lost = count === 0 ? before.map(address => ({ uri: vscode.Uri.parse(address, true) })) : []
  const mounted = waitForMount(id)
  const share = { uri: parts.addresses.uriOf({ id, path: ROOT }), name }
  if (!vscode.workspace.updateWorkspaceFolders(count, 0, ...lost, share)) {
    await parts.memory.update(PENDING, undefined)
    throw new PeerfoldError('workspace-refused', name)
  }
  const isThere = await mounted
  if (isThere) forgetSoon(parts, pending)
  return isThere
}

/** Removes the note when the folder has stayed: it may show for a moment before VS Code restarts all extensions. */
function forgetSoon({ memory }: CommandParts, { id, at }: Pending): void {
  setTimeout(() => {
    if (!isMounted(id) || readPending(memory)?.at !== at) return
    // Not waited for: a note counts no longer than `PENDING_LIMIT`.
    memory.update(PENDING, undefined).then(undefined, () => undefined)
  }, PATIENCE)
}

/** At start-up: makes sure that the folder that was being added is there. */
export async function finishAddingToWorkspace(parts: CommandParts): Promise<void> {
  const pending = readPending(parts.memory)
  if (pending === undefined) return
  const remedy = () => remedyFor(thisWindow(pending.id), pending)
  if (remedy() === 'not-meant') return
  // VS Code may start extensions before it has put the folders in place.
  if (remedy() !== 'none') await waitForMount(pending.id)
  switch (remedy()) {
    case 'none':
      forgetSoon(parts, pending)
      break
    case 'put-back':
      parts.log.warn('the workspace was without folders after the restart: putting them back')
      // One that VS Code has not refused yet counts as mounted: it is on its way.
      if (!(await mount(parts, { ...pending, tries: pending.tries + 1 })) && !isMounted(pending.id))
        await finishAddingToWorkspace(parts)
      break
    case 'offer':
      offer(parts, pending)
  }
}

/** Other windows may look like the one that asked, so nothing is added to them without a word. */
function offer(parts: CommandParts, { id, name, before }: Pending): void {
  tell(l10n.t('“{0}” is not in the workspace yet.', name), {
    label: l10n.t('Add to Workspace'),
    run: async () => {
      if (isMounted(id)) return
      const here = folders()
      await mount(parts, { id, name, before: here.length === 0 ? before : here, tries: 0 })
    },
  })
}

function readPending(memory: vscode.Memento): Pending | undefined {
  const value: Partial<Pending> | undefined = memory.get(PENDING)
  const { id, name, before, tries, at } = value ?? {}
  const isWhole =
    typeof id === 'string' &&
    isShareId(id) &&
    typeof name === 'string' &&
    Array.isArray(before) &&
    before.every(address => typeof address === 'string') &&
    typeof tries === 'number' &&
    typeof at === 'number'
  if (!isWhole || Math.abs(Date.now() - at) > PENDING_LIMIT) return undefined
  return { id, name, before, tries, at }
}

function thisWindow(id: ShareId): StartedWindow {
  return {
    folders: folders(),
    isUntitled: isUntitledWorkspace(vscode.workspace.workspaceFile?.toString() ?? ''),
    hasShare: isMounted(id),
  }
}

/** The folders of this window, as the addresses that VS Code gives them: `mount` gives the same back to it. */
function folders(): readonly string[] {
  return (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.toString())
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
