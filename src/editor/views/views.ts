/**
 * Creates the views. Looking at one starts the peer process when there is anything known to show; a view of
 * somebody who never shared starts nothing.
 */
import * as vscode from 'vscode'
import type { DrivePath, ShareId } from '../../common/brand'
import { safeText } from '../../common/format'
import type { ShareState } from '../../common/model'
import { ContextKeySetter } from '../contextKeys'
import { Views } from '../contributions'
import { Disposable } from '../dispose'
import type { ChangedFiles } from '../files/changedFiles'
import type { Listings } from '../files/listings'
import type { ShareAddresses } from '../files/shareAddresses'
import { ROOT, type ShareAddress } from '../files/shareUri'
import type { VersionListings } from '../files/versionListings'
import type { PeerModel } from '../peerModel'
import type { PeerProcess } from '../peerProcess'
import { findEntry } from './findEntry'
import { type HistoryNode, HistoryTree } from './historyTree'
import { liveList, peerList, shareList, transferList } from './lists'
import { type ListNode, ListTree } from './listTree'
import { OpenedTree, type OpenedTreeNode } from './openedTree'

/** Entries of an opened share that are brought into sight with it. */
const SHOWN_BELOW = 3

export class PeerfoldViews extends Disposable {
  private readonly looked = this.own(new vscode.EventEmitter<void>())
  /** Somebody looks at a view. */
  readonly onDidLook = this.looked.event
  private readonly shareTree: ListTree<ShareState>
  private readonly shareView: vscode.TreeView<ListNode<ShareState>>
  private readonly openedTree: OpenedTree
  private readonly openedView: vscode.TreeView<OpenedTreeNode>

  private readonly historyTree: HistoryTree
  private readonly historyView: vscode.TreeView<HistoryNode>
  private readonly keys = new ContextKeySetter()

  constructor(
    private readonly model: PeerModel,
    peer: Pick<PeerProcess, 'request'>,
    listings: Listings,
    versionListings: VersionListings,
    changedFiles: ChangedFiles,
    addresses: ShareAddresses,
    private readonly log: vscode.LogOutputChannel,
    copied: () => ReadonlySet<ShareId>,
  ) {
    super()
    this.shareTree = this.own(new ListTree(model, shareList(model)))
    this.shareView = this.create(Views.shares, this.shareTree)
    this.openedTree = this.own(new OpenedTree(model, listings, changedFiles, addresses, copied))
    this.openedView = this.create(Views.opened, this.openedTree)
    this.historyTree = this.own(new HistoryTree(peer, versionListings, addresses, changedFiles))
    this.historyView = this.create(Views.history, this.historyTree)
    this.create(Views.live, this.own(new ListTree(model, liveList(model))))
    this.create(Views.peers, this.own(new ListTree(model, peerList(model))))
    this.create(Views.transfers, this.own(new ListTree(model, transferList(model))))
  }

  /** The share whose own row is selected in that view. */
  selected(view: string): ShareId | undefined {
    if (view === Views.shares) return this.shareView.selection[0]?.value.id
    const [node] = view === Views.opened ? this.openedView.selection : []
    return node?.kind === 'opened' ? node.id : undefined
  }

  /** Selects an own share in its view, as soon as it is there; not waited for. */
  showShare(id: ShareId): void {
    this.revealShare(id).catch((error: unknown) => this.log.debug(`not selected: ${String(error)}`))
  }

  private async revealShare(id: ShareId): Promise<void> {
    await this.model.until(() => this.model.share(id) !== undefined)
    const node = this.shareTree.find(id)
    if (node !== undefined) await this.shareView.reveal(node, { select: true })
  }

  /** Selects an opened share in its view and opens it like a folder, or that folder or file in it, if it is there. */
  async revealOpened(id: ShareId, path: DrivePath = ROOT): Promise<void> {
    await this.model.until(() => this.model.opened(id) !== undefined)
    const node = (await findEntry(this.openedTree, id, path)) ?? this.openedTree.find(id)
    if (node === undefined) return
    await this.openedView.reveal(node, { select: true, expand: true })
    if (path === ROOT) await this.showBelow(node)
  }

  /** Brings some entries of a share into sight: they stand below its row, perhaps below what can be seen. */
  private async showBelow(node: OpenedTreeNode): Promise<void> {
    const children = await this.openedTree.getChildren(node)
    const last = children.filter(({ kind }) => kind === 'entry').slice(0, SHOWN_BELOW)
    for (const each of [...last.slice(-1), node])
      await this.openedView.reveal(each, { select: each === node, focus: false })
  }

  /** Shows the versions of an entry, and selects one of them if it is listed. Throws what keeps them from being read. */
  async showHistory(address: ShareAddress, name: string, version?: number): Promise<void> {
    this.keys.set('peerfold.hasHistory', true)
    this.historyView.description = safeText(name, 80)
    const [, shown] = await Promise.allSettled([
      vscode.commands.executeCommand(`${Views.history}.focus`),
      this.historyTree.show(address),
    ])
    if (shown.status === 'rejected') throw shown.reason
    const node = version === undefined ? undefined : this.historyTree.find(version)
    if (node !== undefined) await this.historyView.reveal(node, { select: true, expand: true })
  }

  /** The share whose history is shown; undefined while the view is not visible. */
  get historyShown(): ShareId | undefined {
    return this.historyView.visible ? this.historyTree.address?.id : undefined
  }

  olderVersions(): Promise<void> {
    return this.historyTree.older()
  }

  /** To be called when a version was pinned or unpinned. */
  historyChanged(): Promise<void> {
    return this.historyTree.again()
  }

  /** To be called when a copy of a share was saved. */
  copiesChanged(): void {
    this.openedTree.update()
  }

  private create<T>(id: string, treeDataProvider: vscode.TreeDataProvider<T>): vscode.TreeView<T> {
    const view = this.own(
      vscode.window.createTreeView(id, {
        treeDataProvider,
        showCollapseAll: id === Views.opened || id === Views.history,
      }),
    )
    this.own(
      view.onDidChangeVisibility(({ visible }) => {
        if (visible) this.looked.fire()
      }),
    )
    return view
  }
}
