/**
 * Opened shares, each expandable like a folder. Its files are listed only when somebody looks, through the listings
 * that the file system provider uses too.
 *
 * A file that is shared alone is a leaf: its row opens it.
 *
 * VS Code takes all children of a row at once, and holds up all extensions meanwhile. So a folder shows its first
 * entries as rows, and the others in parts that can be opened (rowsOfFolder.ts).
 *
 * VS Code cannot refresh a row without asking for its children again. So there is a pause between two refreshes of a
 * share: at least a second, and longer the larger its largest folder that was listed.
 */

import * as vscode from 'vscode'
import type { DrivePath, ShareId } from '../../common/brand'
import { toUserError } from '../../common/errors'
import { explainSearch } from '../../common/explain'
import { behind } from '../../common/followed'
import { plural, safeText, withoutRoot } from '../../common/format'
import type { FileEntry, OpenedShareState } from '../../common/model'
import { sorted } from '../../wire/slices'
import { Disposable } from '../dispose'
import type { ChangedFiles } from '../files/changedFiles'
import { childOf } from '../files/drivePath'
import type { Listings } from '../files/listings'
import type { ShareAddresses } from '../files/shareAddresses'
import { ROOT } from '../files/shareUri'
import type { PeerModel } from '../peerModel'
import { ChildrenUnderWay } from './childrenUnderWay'
import { describeOpened, describeOpenedAmong, explainOpened } from './describe'
import { entryFacets, openedFacets } from './facets'
import { openedIcon } from './icons'
import { type Row, signature, toTreeItem } from './listTree'
import { type Part, ROWS, rowsOfFolder } from './rowsOfFolder'

const { l10n } = vscode

/** Milliseconds between two refreshes of a row: a fixed time, and more for each row below it and each entry listed. */
const REFRESH_PAUSE = 1_000
const REFRESH_PAUSE_PER_ROW = 1
const REFRESH_PAUSE_PER_ENTRY = 0.05

export interface OpenedNode {
  readonly kind: 'opened'
  readonly id: ShareId
}
export interface EntryNode {
  readonly kind: 'entry'
  readonly id: ShareId
  readonly path: DrivePath
  readonly entry: FileEntry
  readonly parent: FolderNode
}
/** Some of the entries of a large folder, to be opened like one. */
export interface PartNode {
  readonly kind: 'part'
  readonly id: ShareId
  /** Of the folder. */
  readonly path: DrivePath
  readonly part: Part<FileEntry>
  readonly parent: OpenedNode | EntryNode
}
type FolderNode = OpenedNode | EntryNode | PartNode
/** Stands where files would be, and says why there are none. */
interface MessageNode {
  readonly kind: 'message'
  readonly text: string
  readonly parent: OpenedNode | EntryNode
}
export type OpenedTreeNode = FolderNode | MessageNode

/** What stands below the row of a share: why there is nothing, what is known so far, or everything. */
type Below = 'reason' | 'so-far' | 'all'

interface ShownShare {
  readonly node: OpenedNode
  signature: string
  /** As the last state had it. */
  below: Below
  /** Milliseconds, more than `REFRESH_PAUSE`, for its largest folder that was listed. */
  pause: number
  /** When it may be refreshed again, by `performance.now()`. */
  notBefore: number
  timer: NodeJS.Timeout | undefined
}

export class OpenedTree extends Disposable implements vscode.TreeDataProvider<OpenedTreeNode> {
  private readonly changed = this.own(new vscode.EventEmitter<OpenedTreeNode | undefined>())
  readonly onDidChangeTreeData = this.changed.event
  private readonly shown = new Map<ShareId, ShownShare>()
  private order = ''
  private copiedNow: ReadonlySet<ShareId> = new Set()
  private readonly underWay = new ChildrenUnderWay()
  private readonly orders = new WeakMap<readonly FileEntry[], Promise<readonly FileEntry[]>>()

  constructor(
    private readonly model: PeerModel,
    private readonly listings: Listings,
    changedFiles: ChangedFiles,
    private readonly addresses: Pick<ShareAddresses, 'uriOf'>,
    /** The shares of which there are copies. */
    private readonly copied: () => ReadonlySet<ShareId>,
  ) {
    super()
    this.own(model.onDidChange(() => this.update()))
    this.own(changedFiles.onDidChangeShare(id => this.refreshSoon(id)))
    this.own(new vscode.Disposable(() => this.clearTimers()))
    this.update()
  }

  /** The row of a share, for `reveal`. */
  find(id: ShareId): OpenedNode | undefined {
    return this.shown.get(id)?.node
  }

  getParent(node: OpenedTreeNode): OpenedTreeNode | undefined {
    return node.kind === 'opened' ? undefined : node.parent
  }

  async getChildren(node?: OpenedTreeNode): Promise<OpenedTreeNode[]> {
    if (node === undefined) return [...this.shown.values()].map(share => share.node)
    if (node.kind === 'message') return []
    if (node.kind === 'part') return entryNodes(node, node.path, node.part.entries)
    const share = this.model.opened(node.id)
    if (share === undefined) return []
    switch (below(share)) {
      case 'reason':
        return [this.whyEmpty(share, node)]
      case 'so-far':
        return this.underWay.until(this.listSoFar(share, node))
      case 'all':
        return this.underWay.until(this.listAll(share, node))
    }
  }

  getTreeItem(node: OpenedTreeNode): vscode.TreeItem | Promise<vscode.TreeItem> {
    switch (node.kind) {
      case 'opened':
        return this.shareItem(node)
      case 'entry':
        return entryItem(node, this.addresses.uriOf(node))
      case 'part':
        return partItem(node)
      case 'message':
        return messageItem(node)
    }
  }

  resolveTreeItem(item: vscode.TreeItem, node: OpenedTreeNode): vscode.TreeItem {
    const share = node.kind === 'opened' ? this.model.opened(node.id) : undefined
    if (share !== undefined) item.tooltip = explainOpened(share, l10n)
    return item
  }

  private async listAll(share: OpenedShareState, node: OpenedNode | EntryNode): Promise<OpenedTreeNode[]> {
    const isLeaf = node.kind === 'opened' && (await this.onlyFile(share)) !== undefined
    return isLeaf ? [] : this.listFolder(node)
  }

  private async listFolder(node: OpenedNode | EntryNode): Promise<OpenedTreeNode[]> {
    const path = node.kind === 'opened' ? ROOT : node.path
    try {
      const entries = await this.inOrder(await this.listings.list(node.id, path))
      const { first, parts } = rowsOfFolder(entries)
      const rows = [
        ...entryNodes(node, path, first),
        ...parts.map((part): PartNode => ({ kind: 'part', id: node.id, path, part, parent: node })),
      ]
      const pause = rows.length * REFRESH_PAUSE_PER_ROW + entries.length * REFRESH_PAUSE_PER_ENTRY
      const shown = this.shown.get(node.id)
      if (shown !== undefined) shown.pause = Math.max(shown.pause, pause)
      return rows
    } catch (error) {
      return [{ kind: 'message', text: safeText(toUserError(error).message, 300), parent: node }]
    }
  }

  /** The known entries of a folder while the list of files is on its way, and a row that says so. */
  private async listSoFar(share: OpenedShareState, node: OpenedNode | EntryNode): Promise<OpenedTreeNode[]> {
    const why = this.whyEmpty(share, node)
    const path = node.kind === 'opened' ? ROOT : node.path
    try {
      const entries = await this.listings.listSoFar(node.id, path, ROWS)
      return [...entryNodes(node, path, [...entries].sort(foldersFirst)), why]
    } catch {
      return [why] // nothing is known yet
    } finally {
      this.refreshSoon(node.id) // there will be more
    }
  }

  /** Sorted once for each listing, since rows are shown again far more often than folders change. */
  private inOrder(entries: readonly FileEntry[]): Promise<readonly FileEntry[]> {
    const known = this.orders.get(entries) ?? sorted(entries, foldersFirst)
    this.orders.set(entries, known)
    return known
  }

  private whyEmpty(share: OpenedShareState, parent: OpenedNode | EntryNode): MessageNode {
    const { status, stopped } = share
    if (stopped) return { kind: 'message', text: describeOpened(share, l10n), parent }
    switch (status.kind) {
      case 'failed':
        return { kind: 'message', text: safeText(status.error.message, 300), parent }
      case 'connected':
        return { kind: 'message', text: l10n.t('Fetching the list of files…'), parent }
      default:
        return { kind: 'message', text: explainSearch(status.why, l10n), parent }
    }
  }

  private shareItem(node: OpenedNode): vscode.TreeItem | Promise<vscode.TreeItem> {
    const share = this.model.opened(node.id)
    if (share === undefined) return new vscode.TreeItem('')
    const row = this.rowOf(share)
    const shown = this.shown.get(node.id)
    if (shown !== undefined) shown.signature = this.signatureOf(share)
    const { Collapsed, None } = vscode.TreeItemCollapsibleState
    if (!saysItIsAFile(share)) return toTreeItem(node.id, row, Collapsed)
    return this.onlyFile(share).then(path => {
      if (path === undefined) return toTreeItem(node.id, row, Collapsed)
      const item = toTreeItem(node.id, row, None)
      item.command = opening(this.addresses.uriOf({ id: node.id, path }))
      return item
    })
  }

  /** The file of a share that is a file alone. Undefined for any other, and when it cannot be told. Never rejects. */
  private async onlyFile(share: OpenedShareState): Promise<DrivePath | undefined> {
    if (!saysItIsAFile(share)) return undefined
    const [file] = await this.listings.list(share.id, ROOT).catch(() => [])
    if (file === undefined || behind(file).kind === 'folder') return undefined
    return childOf(ROOT, file.name)
  }

  /** Shows the current state, and which shares have copies. */
  update(): void {
    this.copiedNow = this.copied()
    const opened = this.model.state?.opened ?? []
    const order = opened.map(share => share.id).join('\n')
    if (order !== this.order) {
      this.order = order
      this.take(opened)
      this.changed.fire(undefined)
      return
    }
    for (const share of opened) {
      const shown = this.shown.get(share.id)
      if (shown === undefined) continue
      if (shown.below !== below(share)) shown.notBefore = 0 // files that the user waits for are not delayed
      shown.below = below(share)
      if (shown.signature !== this.signatureOf(share)) this.refreshSoon(share.id)
    }
  }

  private take(opened: readonly OpenedShareState[]): void {
    const before = new Map(this.shown)
    this.shown.clear()
    for (const share of opened) {
      const { id } = share
      const kept = before.get(id)
      before.delete(id)
      this.shown.set(
        id,
        kept ?? {
          node: { kind: 'opened', id },
          signature: '',
          below: below(share),
          pause: 0,
          notBefore: 0,
          timer: undefined,
        },
      )
    }
    for (const gone of before.values()) clearTimeout(gone.timer)
  }

  private refreshSoon(id: ShareId): void {
    const shown = this.shown.get(id)
    if (shown === undefined || (shown.timer !== undefined && shown.notBefore > 0)) return
    clearTimeout(shown.timer)
    shown.timer = setTimeout(
      () =>
        this.underWay.refresh(() => {
          shown.timer = undefined
          shown.notBefore = performance.now() + REFRESH_PAUSE + shown.pause
          this.changed.fire(shown.node)
        }),
      Math.max(0, shown.notBefore - performance.now()),
    )
  }

  /** All that it shows: its row, its tooltip, and what stands where files would be. */
  private signatureOf(share: OpenedShareState): string {
    return [signature(this.rowOf(share)), whyOf(share), explainOpened(share, l10n)].join('\n')
  }

  private rowOf(share: OpenedShareState): Row {
    const label = safeText(share.name)
    const description = describeOpenedAmong(this.model.state?.opened ?? [], share, l10n)
    return {
      label,
      description,
      icon: openedIcon(share),
      contextValue: openedFacets(share, this.copiedNow.has(share.id)),
      accessibleLabel: l10n.t('Opened share {0}, {1}', label, description),
    }
  }

  private clearTimers(): void {
    for (const { timer } of this.shown.values()) clearTimeout(timer)
  }
}

/** Its sharer may say anything. */
function saysItIsAFile({ isFile, contents }: OpenedShareState): boolean {
  return isFile && contents?.files === 1
}

function below({ contents, stopped, status }: OpenedShareState): Below {
  if (contents !== undefined) return 'all'
  return !stopped && status.kind === 'connected' ? 'so-far' : 'reason'
}

/** What the rows below depend on beside the share's row: whether there are files, and what stands there until then. */
function whyOf({ status, contents }: OpenedShareState): string {
  if (contents !== undefined) return 'listed'
  return 'why' in status ? status.why : ''
}

function entryNodes(parent: FolderNode, path: DrivePath, entries: readonly FileEntry[]): EntryNode[] {
  return entries.map(entry => ({
    kind: 'entry',
    id: parent.id,
    path: childOf(path, entry.name),
    entry,
    parent,
  }))
}

/** A part is named by its first and its last entry. */
function partItem({ id, path, part }: PartNode): vscode.TreeItem {
  const { entries, from } = part
  const [first, last] = [entries[0]?.name ?? '', entries.at(-1)?.name ?? '']
  const label = `${safeText(first, 60)} … ${safeText(last, 60)}`
  const item = new vscode.TreeItem(label, vscode.TreeItemCollapsibleState.Collapsed)
  item.id = `${id}${path}//${from}` // no path of an entry has an empty component
  item.description = plural(entries.length, l10n.t('entry'), l10n.t('entries'))
  item.tooltip = l10n.t('Part of a large folder')
  item.iconPath = new vscode.ThemeIcon('ellipsis')
  return item
}

function entryItem({ id, path, entry }: EntryNode, uri: vscode.Uri): vscode.TreeItem {
  const { kind } = behind(entry)
  const isFolder = kind === 'folder'
  const { Collapsed, None } = vscode.TreeItemCollapsibleState
  const item = new vscode.TreeItem(safeText(entry.name), isFolder ? Collapsed : None)
  item.id = `${id}${path}`
  item.resourceUri = uri
  item.iconPath = iconOf(kind)
  item.contextValue = entryFacets(entry)
  item.tooltip = safeText(withoutRoot(path), 400)
  if (entry.linkTarget !== undefined) {
    item.description = `→ ${safeText(entry.linkTarget, 60)}`
    item.accessibilityInformation = {
      label: l10n.t('{0}, link to {1}', safeText(entry.name), safeText(entry.linkTarget, 60)),
    }
  }
  if (!isFolder) {
    item.command = opening(uri)
  }
  return item
}

function opening(uri: vscode.Uri): vscode.Command {
  return { command: 'vscode.open', title: l10n.t('Open'), arguments: [uri] }
}

function iconOf(kind: FileEntry['kind']): vscode.ThemeIcon {
  if (kind === 'link') return new vscode.ThemeIcon('file-symlink-file') // it leads nowhere from here
  return kind === 'folder' ? vscode.ThemeIcon.Folder : vscode.ThemeIcon.File
}

function messageItem({ text }: MessageNode): vscode.TreeItem {
  const item = new vscode.TreeItem('')
  item.description = text
  item.tooltip = text
  item.iconPath = new vscode.ThemeIcon('info')
  item.accessibilityInformation = { label: text }
  return item
}

const collator = new Intl.Collator(undefined, { numeric: true })

export function foldersFirst(a: FileEntry, b: FileEntry): number {
  const byKind = Number(behind(b).kind === 'folder') - Number(behind(a).kind === 'folder')
  return byKind !== 0 ? byKind : collator.compare(a.name, b.name)
}
