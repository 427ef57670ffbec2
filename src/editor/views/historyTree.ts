/**
 * The history of a share, or of a folder or file in it: its versions, the newest first. Below each version stand what it
 * changed and all files as they were then. Pages of older versions come when they are asked for.
 */
import * as vscode from 'vscode'
import type { DrivePath, ShareId } from '../../common/brand'
import { toUserError } from '../../common/errors'
import { behind } from '../../common/followed'
import { safeText, withoutRoot } from '../../common/format'
import type { FileEntry, VersionDifference, VersionSummary } from '../../common/model'
import { Commands } from '../contributions'
import { Disposable } from '../dispose'
import type { ChangedFiles } from '../files/changedFiles'
import { childOf, nameOf } from '../files/drivePath'
import type { ShareAddresses } from '../files/shareAddresses'
import type { ShareAddress } from '../files/shareUri'
import type { VersionListings } from '../files/versionListings'
import type { PeerProcess } from '../peerProcess'
import { ChildrenUnderWay } from './childrenUnderWay'
import { describeVersion, versionTime } from './describeVersion'

const { l10n } = vscode

const PAGE = 50
/** Paths that are shown below a version. */
const MOST_CHANGES = 500
/** Milliseconds that each part of the history is waited for. */
const TIMEOUT = 15_000
/** Milliseconds after a change of the share before the list is read again. */
const REFRESH_AFTER = 500

export interface VersionNode {
  readonly kind: 'version'
  readonly id: ShareId
  readonly path: DrivePath
  readonly version: number
  readonly summary: VersionSummary
  /** The version listed before it, as far as that is known. */
  readonly previous: number | undefined
}
/** A file or folder as it was. */
export interface PastNode {
  readonly kind: 'past'
  readonly id: ShareId
  readonly path: DrivePath
  readonly version: number
  /** Undefined: all files of the version. */
  readonly entry: FileEntry | undefined
}
/** What a version did to a path. */
export interface DifferenceNode {
  readonly kind: 'difference'
  readonly id: ShareId
  readonly path: DrivePath
  /** The version that has the path: if it was removed, the version before. */
  readonly version: number
  readonly difference: VersionDifference
}
interface OlderNode {
  readonly kind: 'older'
}
interface TextNode {
  readonly kind: 'text'
  readonly text: string
}
export type HistoryNode = VersionNode | PastNode | DifferenceNode | OlderNode | TextNode

export class HistoryTree extends Disposable implements vscode.TreeDataProvider<HistoryNode> {
  private readonly changed = this.own(new vscode.EventEmitter<undefined>())
  readonly onDidChangeTreeData = this.changed.event
  private shown: ShareAddress | undefined
  /** The history is that of a file. */
  private isFile = false
  private versions: VersionSummary[] = []
  private next: number | undefined
  private note: string | undefined
  private loading: Promise<void> = Promise.resolve()
  private timer: NodeJS.Timeout | undefined
  private readonly underWay = new ChildrenUnderWay()

  constructor(
    private readonly peer: Pick<PeerProcess, 'request'>,
    private readonly listings: VersionListings,
    private readonly addresses: Pick<ShareAddresses, 'uriOf'>,
    changedFiles: Pick<ChangedFiles, 'onDidChangeShare'>,
  ) {
    super()
    this.own(changedFiles.onDidChangeShare(id => this.shareChanged(id)))
    this.own(new vscode.Disposable(() => clearTimeout(this.timer)))
  }

  /** The entry whose history is shown. */
  get address(): ShareAddress | undefined {
    return this.shown
  }

  /** Resolves when the first versions are known. Throws `PeerfoldError`. */
  async show({ id, path }: ShareAddress): Promise<void> {
    this.shown = { id, path }
    this.versions = []
    await this.again()
  }

  async older(): Promise<void> {
    const { shown, next } = this
    if (shown === undefined || next === undefined) return
    this.note = undefined
    this.loading = this.loading
      .then(() => (next === this.next ? this.load(shown, next) : undefined)) // a second click finds it loaded
      .catch(error => {
        if (shown === this.shown) this.note = safeText(toUserError(error).message, 300) // it can be asked again
      })
    await this.loading
    this.underWay.refresh(() => this.changed.fire(undefined))
  }

  async getChildren(node?: HistoryNode): Promise<HistoryNode[]> {
    if (node === undefined) return this.roots()
    try {
      if (node.kind === 'version') return await this.underWay.until(this.below(node))
      if (node.kind === 'past') return await this.underWay.until(this.filesOf(node))
      return []
    } catch (error) {
      return [{ kind: 'text', text: safeText(toUserError(error).message, 300) }]
    }
  }

  getParent(): undefined {
    return undefined
  }

  /** The row of a version. */
  find(version: number): HistoryNode | undefined {
    return this.roots().find(node => node.kind === 'version' && node.version === version)
  }

  getTreeItem(node: HistoryNode): vscode.TreeItem {
    switch (node.kind) {
      case 'version':
        return this.versionItem(node)
      case 'past':
        return this.pastItem(node)
      case 'difference':
        return this.differenceItem(node)
      case 'older': {
        const item = new vscode.TreeItem(l10n.t('Show Older Versions'))
        item.iconPath = new vscode.ThemeIcon('history')
        item.command = { command: Commands.olderVersions, title: l10n.t('Show Older Versions') }
        return item
      }
      case 'text': {
        const item = new vscode.TreeItem('')
        item.description = node.text
        item.tooltip = node.text
        item.iconPath = new vscode.ThemeIcon('info')
        item.accessibilityInformation = { label: node.text }
        return item
      }
    }
  }

  private shareChanged(id: ShareId): void {
    if (this.shown?.id !== id) return
    // A further change does not restart the timer: a share that is saved all the time would never be read again.
    this.timer ??= setTimeout(() => {
      this.timer = undefined
      this.again().catch(() => undefined) // the list says why
    }, REFRESH_AFTER)
  }

  /** Reads the list again from the newest version on, as many as were shown. */
  async again(): Promise<void> {
    const { shown } = this
    if (shown === undefined) return
    const loading = this.loading.catch(() => undefined).then(() => this.loadFirst(shown))
    this.loading = loading
    try {
      await loading
    } finally {
      this.underWay.refresh(() => this.changed.fire(undefined))
    }
  }

  private async loadFirst(shown: ShareAddress): Promise<void> {
    const limit = Math.min(1_000, Math.max(PAGE, this.versions.length))
    if (shown !== this.shown) return
    this.versions = []
    this.next = undefined
    this.note = undefined
    try {
      await this.load(shown, undefined, limit)
    } catch (error) {
      this.note = safeText(toUserError(error).message, 300)
      throw error
    }
  }

  private async load(shown: ShareAddress, from: number | undefined, limit = PAGE): Promise<void> {
    const page = await this.peer.request('versions.list', {
      ...shown,
      limit,
      timeout: TIMEOUT,
      ...(from === undefined ? {} : { from }),
    })
    if (shown !== this.shown) return // something else is shown by now
    this.versions.push(...page.versions)
    this.next = page.next
    this.isFile = this.versions.some(({ change }) => change !== undefined)
    if (page.isCut === true)
      this.note = l10n.t('What is older is not known here, and nobody online gave it in time.')
  }

  private roots(): HistoryNode[] {
    const { shown, versions, next, note } = this
    if (shown === undefined) return []
    const nodes: HistoryNode[] = versions.map((summary, at) => ({
      kind: 'version',
      ...shown,
      version: summary.version,
      summary,
      previous: versions[at + 1]?.version,
    }))
    if (note !== undefined) nodes.push({ kind: 'text', text: note })
    if (next !== undefined) nodes.push({ kind: 'older' })
    else if (versions.length === 0 && note === undefined)
      nodes.push({ kind: 'text', text: l10n.t('No version of it is known.') })
    return nodes
  }

  private async below(node: VersionNode): Promise<HistoryNode[]> {
    const { id, path, version } = node
    const previous = node.previous ?? (await this.versionBefore(node))
    const all: PastNode = { kind: 'past', id, path, version, entry: undefined }
    if (previous === undefined) return [all]
    const { paths } = await this.peer.request('versions.diff', {
      id,
      from: previous,
      to: version,
      path,
      limit: MOST_CHANGES + 1,
    })
    const shown = paths.slice(0, MOST_CHANGES)
    return [
      all,
      ...shown.map((difference): DifferenceNode => {
        const there = difference.type === 'removed' ? previous : version
        return { kind: 'difference', id, path: difference.path, version: there, difference }
      }),
      ...(shown.length < paths.length
        ? [{ kind: 'text' as const, text: l10n.t('… and more. “All Files” has them.') }]
        : []),
    ]
  }

  /** For the last version of a page, whose predecessor is on the next one. */
  private async versionBefore({ id, path, version }: VersionNode): Promise<number | undefined> {
    const page = await this.peer.request('versions.list', {
      id,
      path,
      from: version,
      limit: 2,
      timeout: TIMEOUT,
    })
    return page.versions[1]?.version
  }

  private async filesOf({ id, path, version, entry }: PastNode): Promise<HistoryNode[]> {
    if (entry !== undefined && behind(entry).kind !== 'folder') return []
    const entries = await this.listings.of({ id, path, version }).list(id, path)
    return [...entries]
      .sort((a, b) => Number(behind(b).kind === 'folder') - Number(behind(a).kind === 'folder'))
      .map((each): PastNode => ({ kind: 'past', id, path: childOf(path, each.name), version, entry: each }))
  }

  private versionItem({ id, path, version, summary }: VersionNode): vscode.TreeItem {
    const { isFile } = this
    const { Collapsed, None } = vscode.TreeItemCollapsibleState
    const label = versionTime(summary)
    const item = new vscode.TreeItem(label, isFile ? None : Collapsed)
    item.id = `${id}${path}//${version}`
    item.description = describeVersion(summary, l10n)
    const isGone = summary.kept === false
    item.iconPath = new vscode.ThemeIcon(
      summary.pinned
        ? 'pinned'
        : isGone
          ? 'circle-slash'
          : summary.change === 'removed'
            ? 'trash'
            : 'history',
    )
    const facets = [
      isFile ? 'file' : 'folder',
      summary.change === 'removed' ? 'removed' : 'there',
      summary.pinned ? 'pinned' : 'unpinned',
    ]
    item.contextValue = `version:${facets.join(':')}`
    item.tooltip = `${l10n.t('Version {0}', String(version))}\n${label}\n${item.description}`
    item.accessibilityInformation = { label: `${label}, ${item.description}` }
    if (isFile && summary.change !== 'removed')
      item.command = {
        command: Commands.compareVersion,
        title: l10n.t('Compare with the Version Before'),
        arguments: [{ id, path, version }],
      }
    return item
  }

  private pastItem({ id, path, version, entry }: PastNode): vscode.TreeItem {
    const { Collapsed, None } = vscode.TreeItemCollapsibleState
    const isFolder = entry === undefined || behind(entry).kind === 'folder'
    const label = entry === undefined ? l10n.t('All Files') : safeText(entry.name)
    const item = new vscode.TreeItem(label, isFolder ? Collapsed : None)
    item.id = `${id}${path}//${version}/${entry === undefined ? 'all' : 'past'}`
    item.contextValue = `past:${isFolder ? 'folder' : 'file'}`
    item.iconPath = isFolder ? vscode.ThemeIcon.Folder : vscode.ThemeIcon.File
    const uri = this.addresses.uriOf({ id, path, version })
    if (entry !== undefined) item.resourceUri = uri
    if (!isFolder) item.command = { command: 'vscode.open', title: l10n.t('Open'), arguments: [uri] }
    return item
  }

  private differenceItem(node: DifferenceNode): vscode.TreeItem {
    const { id, path, version, difference } = node
    const item = new vscode.TreeItem(safeText(nameOf(path)), vscode.TreeItemCollapsibleState.None)
    item.id = `${id}${path}//${version}/${difference.type}`
    const folder = path.slice(1, path.lastIndexOf('/'))
    const words = { added: l10n.t('added'), changed: l10n.t('changed'), removed: l10n.t('removed') }
    item.description = [words[difference.type], safeText(folder)].filter(part => part !== '').join(' · ')
    item.tooltip = safeText(withoutRoot(path), 400)
    item.contextValue = `difference:${difference.type}`
    const icons = { added: 'diff-added', changed: 'diff-modified', removed: 'diff-removed' } as const
    item.iconPath = new vscode.ThemeIcon(icons[difference.type])
    item.command =
      difference.type === 'removed'
        ? {
            command: 'vscode.open',
            title: l10n.t('Open'),
            arguments: [this.addresses.uriOf({ id, path, version })],
          }
        : {
            command: Commands.compareVersion,
            title: l10n.t('Compare with the Version Before'),
            arguments: [node],
          }
    return item
  }
}
