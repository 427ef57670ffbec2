/**
 * Keeps what editors see of shares fresh. Every `changed` notification drops the listings it touches and becomes one
 * file event per path, and one per folder that came or went with them. Where the paths are not known (too many, or they changed while nobody listened), everything
 * that is open of the share is told to look again.
 *
 * Links make one file stand at many paths, and the share tells only where it lies. Folders that are shown through links
 * are told as they are shown. A file that is open through a link is told with every change of the share: what it leads
 * to is looked up then, for a link on the way may lead elsewhere now.
 */
import * as vscode from 'vscode'
import type { DrivePath, ShareId } from '../../common/brand'
import { realPathOf } from '../../common/followed'
import type { FileEntry, PeerState } from '../../common/model'
import type { ChangedPath, Notifications } from '../../common/protocol'
import { Disposable } from '../dispose'
import type { PeerProcess } from '../peerProcess'
import { saysAbsent } from './fileErrors'
import { foldersOfChanges } from './foldersOfChanges'
import type { Listings } from './listings'
import { fileAddress, openFilesOf } from './shareTabs'
import { fromShareUri, ROOT, toShareUri } from './shareUri'
import { throughLinks } from './throughLinks'

const EVENT_TYPES: Readonly<Record<ChangedPath['type'], vscode.FileChangeType>> = {
  added: vscode.FileChangeType.Created,
  changed: vscode.FileChangeType.Changed,
  removed: vscode.FileChangeType.Deleted,
}

/** Paths asked about at once, so that all extensions have their turn in between. */
const ASKED_AT_ONCE = 50

export class ChangedFiles extends Disposable {
  private readonly files = this.own(new vscode.EventEmitter<vscode.FileChangeEvent[]>())
  readonly onDidChangeFile = this.files.event
  private readonly shares = this.own(new vscode.EventEmitter<ShareId>())
  /** The list of files of this share changed. */
  readonly onDidChangeShare = this.shares.event
  /** The version of each share that was last told. */
  private readonly versions = new Map<ShareId, number>()
  /** Open files that were told as gone because of a link, by address. */
  private readonly lost = new Set<string>()

  constructor(
    peer: PeerProcess,
    private readonly listings: Listings,
  ) {
    super()
    this.own(peer.onDidChangeShare(change => this.take(change)))
    this.own(peer.onDidReceiveState(state => this.compare(state)))
  }

  private take({ id, version, paths }: Notifications['changed']): void {
    this.versions.set(id, version)
    const linked = paths === undefined ? undefined : throughLinks(paths, this.listings.linked(id))
    if (paths === undefined || linked === undefined) {
      this.lookAgain(id)
      return
    }
    this.listings.forget(
      id,
      paths.map(({ path }) => path),
    )
    const all = [...paths, ...linked]
    const { added, maybeGone } = foldersOfChanges(all)
    const { Created } = vscode.FileChangeType
    this.files.fire([
      ...added.map(path => ({ uri: toShareUri({ id, path }), type: Created })),
      ...all.map(({ path, type }) => ({ uri: toShareUri({ id, path }), type: EVENT_TYPES[type] })),
    ])
    this.shares.fire(id)
    const told = new Set(all.map(({ path }) => path))
    void this.tellGone(id, maybeGone)
    void this.tellLinkedFolders(id)
    void this.tellLinkedFiles(id, told)
  }

  /** Tells which of these folders are no more. Never rejects. */
  private async tellGone(id: ShareId, folders: readonly DrivePath[]): Promise<void> {
    const { Deleted } = vscode.FileChangeType
    await this.ask(id, folders, (path, found) =>
      found === 'absent' ? [{ uri: toShareUri({ id, path }), type: Deleted }] : [],
    )
  }

  /** Tells which folders that are shown through links are others now, or no more. Never rejects. */
  private async tellLinkedFolders(id: ShareId): Promise<void> {
    const { Created, Deleted } = vscode.FileChangeType
    const linked = new Map(this.listings.linked(id))
    await this.ask(id, [...linked.keys()], (path, found) => {
      if (found !== 'absent' && realPathOf(path, found) === linked.get(path)) return []
      this.listings.forgetLinked(id, path)
      const uri = toShareUri({ id, path })
      return [{ uri, type: Deleted }, ...(found === 'absent' ? [] : [{ uri, type: Created }])]
    })
  }

  /** Tells the files that are open through links. Never rejects. @param told paths that were told already */
  private async tellLinkedFiles(id: ShareId, told: ReadonlySet<DrivePath>): Promise<void> {
    const { Changed, Created, Deleted } = vscode.FileChangeType
    const open = openFilesOf(id).flatMap(uri => fromShareUri(uri)?.path ?? [])
    const paths = open.filter(path => !told.has(path))
    await this.ask(id, paths, (path, found) => {
      const uri = toShareUri({ id, path })
      const address = fileAddress(uri)
      if (found === 'absent') {
        if (this.lost.has(address)) return []
        this.lost.add(address)
        return [{ uri, type: Deleted }]
      }
      if (this.lost.delete(address)) return [{ uri, type: Created }]
      const isLinked = found.kind === 'link' || realPathOf(path, found) !== path
      return isLinked ? [{ uri, type: Changed }] : []
    })
  }

  /** What is at each of these paths now, some at a time; what cannot be told is left out. Never rejects. */
  private async ask(
    id: ShareId,
    paths: readonly DrivePath[],
    eventsFor: (path: DrivePath, found: FileEntry | 'absent') => readonly vscode.FileChangeEvent[],
  ): Promise<void> {
    for (let from = 0; from < paths.length; from += ASKED_AT_ONCE) {
      const some = paths.slice(from, from + ASKED_AT_ONCE)
      const found = await Promise.all(some.map(path => this.lookAt(id, path)))
      const events = some.flatMap((path, at) => {
        const entry = found[at]
        return entry === undefined ? [] : eventsFor(path, entry)
      })
      if (events.length > 0) this.files.fire(events)
    }
  }

  private async lookAt(id: ShareId, path: DrivePath): Promise<FileEntry | 'absent' | undefined> {
    try {
      return await this.listings.stat(id, path)
    } catch (error) {
      return saysAbsent(error) ? 'absent' : undefined
    }
  }

  /** Finds versions that were never told, for instance because the peer process was started again in between. */
  private compare(state: PeerState): void {
    const opened = state.opened.flatMap(({ id, contents }) =>
      contents === undefined ? [] : [{ id, version: contents.version }],
    )
    for (const { id, version } of [...opened, ...state.shares]) {
      const told = this.versions.get(id)
      if (told !== undefined && told >= version) continue
      this.versions.set(id, version)
      this.lookAgain(id)
    }
  }

  private lookAgain(id: ShareId): void {
    this.listings.forgetAll(id)
    const root = toShareUri({ id, path: ROOT })
    const events = [root, ...openFilesOf(id)].map(uri => ({ uri, type: vscode.FileChangeType.Changed }))
    this.files.fire(events)
    this.shares.fire(id)
    void this.tellLinkedFolders(id)
  }
}
