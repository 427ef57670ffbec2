/**
 * Lets go of shares that are gone: closes their tabs and takes them out of the workspace, so that nothing points at
 * files that nobody serves any more. Every window goes by the state, whichever program removed the share. After a start
 * this includes shares that were removed while the window was closed.
 *
 * The list of shares is whole from the first state on. While there is none, nothing is known to be gone.
 */
import * as vscode from 'vscode'
import type { ShareId } from '../common/brand'
import { safeText } from '../common/format'
import { Commands } from './contributions'
import { Disposable } from './dispose'
import { allTabs, tabsOfShare, urisOfTab } from './files/shareTabs'
import { fromShareUri } from './files/shareUri'
import type { PeerModel } from './peerModel'
import type { PeerProcess } from './peerProcess'
import { offerCommand, tell, tellError } from './tell'

const { l10n } = vscode

export class LettingGo extends Disposable {
  /** Names of shares, from when they were here. */
  private readonly names = new Map<ShareId, string>()
  /** Shares that this window is removing or letting go of. */
  private readonly busy = new Set<ShareId>()
  /** Shares of which it was told why they cannot be let go of. It is tried again with every state. */
  private readonly told = new Set<ShareId>()

  constructor(
    private readonly peer: Pick<PeerProcess, 'request'>,
    private readonly model: Pick<PeerModel, 'state' | 'onDidChange' | 'share' | 'opened'>,
  ) {
    super()
    this.own(model.onDidChange(() => this.look()))
    // VS Code brings some tabs back after the first state is here.
    this.own(vscode.window.tabGroups.onDidChangeTabs(() => this.look()))
  }

  /** Removes a share as the user asked for in this window, so nothing is told of it. */
  async whileRemoving(id: ShareId, remove: () => Promise<unknown>): Promise<void> {
    this.busy.add(id)
    try {
      await closeTabs(id)
      await remove()
      // After this the next state finds nothing left to let go of.
      this.names.delete(id)
      unmount(id)
    } finally {
      this.busy.delete(id)
    }
  }

  /** True when the share is not known here any more: nothing is left to remove but its tabs and its folder. */
  async ofUnknown(id: ShareId): Promise<boolean> {
    if (!this.isGone(id)) return false
    await this.letGo(id)
    return true
  }

  private look(): void {
    const { state } = this.model
    if (state === undefined) return
    for (const { id, name } of [...state.shares, ...state.opened]) {
      this.names.set(id, name)
      this.told.delete(id)
    }
    for (const id of shown())
      if (this.isGone(id)) void this.letGo(id).catch(error => this.tellOnce(id, error))
  }

  private tellOnce(id: ShareId, error: unknown): void {
    if (!this.told.has(id)) tellError(error)
    this.told.add(id)
  }

  private isGone(id: ShareId): boolean {
    const { model } = this
    return model.state !== undefined && model.share(id) === undefined && model.opened(id) === undefined
  }

  private async letGo(id: ShareId): Promise<void> {
    if (this.busy.has(id)) return
    this.busy.add(id)
    try {
      // The last state may be a moment old, and the share opened in that moment.
      const now = await this.peer.request('state.get', {})
      if ([...now.shares, ...now.opened].some(share => share.id === id)) return
      const mounted = folderOf(id)
      const known = this.names.get(id)
      const name = safeText(known ?? mounted?.name ?? id.slice(0, 8), 60)
      this.names.delete(id)
      await closeTabs(id)
      // Told first: all extensions may be restarted when a folder goes.
      if (known === undefined)
        tell(
          l10n.t('“{0}” is not known here any more, so it was closed. Its link opens it again.', name),
          offerCommand(l10n.t('Open Shared Link…'), Commands.openLink),
        )
      else tell(l10n.t('“{0}” was removed and is closed here too. Copies you saved stay.', name))
      unmount(id)
    } finally {
      this.busy.delete(id)
    }
  }
}

/** The shares that this window shows something of. */
function shown(): ReadonlySet<ShareId> {
  const uris = [
    ...(vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri),
    ...allTabs().flatMap(urisOfTab),
  ]
  return new Set(uris.flatMap(uri => fromShareUri(uri)?.id ?? []))
}

async function closeTabs(id: ShareId): Promise<void> {
  const tabs = tabsOfShare(id)
  if (tabs.length > 0) await vscode.window.tabGroups.close(tabs)
}

function folderOf(id: ShareId): vscode.WorkspaceFolder | undefined {
  return vscode.workspace.workspaceFolders?.find(({ uri }) => fromShareUri(uri)?.id === id)
}

/** To be called last: all extensions are restarted when only one other folder is left. */
function unmount(id: ShareId): void {
  const folder = folderOf(id)
  if (folder !== undefined) vscode.workspace.updateWorkspaceFolders(folder.index, 1)
}
