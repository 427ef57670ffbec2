/**
 * Keeps what editors see of shares fresh. Every `changed` notification drops the listings it touches. It becomes one file
 * event for each path and address, and one for each folder that came or went with them. Where the paths are not known
 * (too many, or they changed while nobody listened), everything that is open of the share is told to look again.
 *
 * Links make one file stand at many paths, and the share tells only where it lies. Changes in folders that are shown
 * through links are told for the paths that are shown. A file that is open through a link is looked up and told with
 * every change of the share, since a link on the way may lead elsewhere then.
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
import type { ShareAddresses } from './shareAddresses'
import { openFilesOf } from './shareTabs'
import { fromShareUri, ROOT } from './shareUri'
import { throughLinks } from './throughLinks'

const EVENT_TYPES: Readonly<Record<ChangedPath['type'], vscode.FileChangeType>> = {
  added: vscode.FileChangeType.Created,
  changed: vscode.FileChangeType.Changed,
  removed: vscode.FileChangeType.Deleted,
}

/** Paths asked about at once. All extensions have their turn in between. */
const ASKED_AT_ONCE = 50

interface FileChange {
  readonly path: DrivePath
  readonly type: vscode.FileChangeType
}

export class ChangedFiles extends Disposable {
  private readonly files = this.own(new vscode.EventEmitter<vscode.FileChangeEvent[]>())
  readonly onDidChangeFile = this.files.event
  private readonly shares = this.own(new vscode.EventEmitter<ShareId>())
  /** The list of files of this share changed. */
  readonly onDidChangeShare = this.shares.event
  /** The version of each share that was last told. */
  private readonly versions = new Map<ShareId, number>()
  /** Open files that were told as gone because of a link: share id and path. One that was closed is told anew. */
  private readonly lost = new Set<string>()

  constructor(
    peer: PeerProcess,
    private readonly listings: Listings,
    private readonly addresses: Pick<ShareAddresses, 'urisOf'>,
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
    this.tell(id, [
      ...added.map(path => ({ path, type: Created })),
      ...all.map(({ path, type }) => ({ path, type: EVENT_TYPES[type] })),
    ])
    this.shares.fire(id)
    const told = new Set(all.map(({ path }) => path))
    void this.tellGone(id, maybeGone)
    void this.tellLinkedFolders(id)
    void this.tellLinkedFiles(id, told)
  }

  /** Tells which of these folders are gone. Never rejects. */
  private async tellGone(id: ShareId, folders: readonly DrivePath[]): Promise<void> {
    const { Deleted } = vscode.FileChangeType
    await this.ask(id, folders, (path, found) => (found === 'absent' ? [{ path, type: Deleted }] : []))
  }

  private tell(id: ShareId, changes: readonly FileChange[]): void {
    const urisOf = this.addresses.urisOf(id)
    const events = changes.flatMap(({ path, type }) => urisOf(path).map(uri => ({ uri, type })))
    if (events.length > 0) this.files.fire(events)
  }

  /** Tells which folders that are shown through links are others now, or gone. Never rejects. */
  private async tellLinkedFolders(id: ShareId): Promise<void> {
    const { Created, Deleted } = vscode.FileChangeType
    const linked = new Map(this.listings.linked(id))
    await this.ask(id, [...linked.keys()], (path, found) => {
      if (found !== 'absent' && realPathOf(path, found) === linked.get(path)) return []
      this.listings.forgetLinked(id, path)
      return [{ path, type: Deleted }, ...(found === 'absent' ? [] : [{ path, type: Created }])]
    })
  }

  /** Tells the files that are open through links. Never rejects. @param told paths that were told already */
  private async tellLinkedFiles(id: ShareId, told: ReadonlySet<DrivePath>): Promise<void> {
    const { Changed, Created, Deleted } = vscode.FileChangeType
    const open = new Set(openFilesOf(id).flatMap(uri => fromShareUri(uri)?.path ?? []))
    const files = new Set([...open].map(path => `${id}${path}`))
    for (const file of this.lost) if (file.startsWith(id) && !files.has(file)) this.lost.delete(file)
    const paths = [...open].filter(path => !told.has(path))
    await this.ask(id, paths, (path, found) => {
      const file = `${id}${path}`
      if (found === 'absent') {
        if (this.lost.has(file)) return []
        this.lost.add(file)
        return [{ path, type: Deleted }]
      }
      if (this.lost.delete(file)) return [{ path, type: Created }]
      const isLinked = found.kind === 'link' || realPathOf(path, found) !== path
      return isLinked ? [{ path, type: Changed }] : []
    })
  }

  /** Tells the changes that follow from what is at each path now. Paths of which nothing can be told are left out. Never
   *  rejects. */
  private async ask(
    id: ShareId,
    paths: readonly DrivePath[],
    changesFor: (path: DrivePath, found: FileEntry | 'absent') => readonly FileChange[],
  ): Promise<void> {
    for (let from = 0; from < paths.length; from += ASKED_AT_ONCE) {
      const some = paths.slice(from, from + ASKED_AT_ONCE)
      const found = await Promise.all(some.map(path => this.lookAt(id, path)))
      const changes = some.flatMap((path, at) => {
        const entry = found[at]
        return entry === undefined ? [] : changesFor(path, entry)
      })
      this.tell(id, changes)
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
    const uris = [...this.addresses.urisOf(id)(ROOT), ...openFilesOf(id)]
    if (uris.length > 0) this.files.fire(uris.map(uri => ({ uri, type: vscode.FileChangeType.Changed })))
    this.shares.fire(id)
    void this.tellLinkedFolders(id)
  }
}
