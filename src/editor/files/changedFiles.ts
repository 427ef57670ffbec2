/**
 * Keeps what editors see of shares fresh. Every `changed` notification drops the listings it touches and becomes one
 * file event per path and address, and one per folder that came or went with them. Where the paths are not known (too many, or they changed while nobody listened), everything
 * that is open of the share is told to look again.
 */
import * as vscode from 'vscode'
import type { DrivePath, ShareId } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import type { PeerState } from '../../common/model'
import type { ChangedPath, Notifications } from '../../common/protocol'
import { Disposable } from '../dispose'
import type { PeerProcess } from '../peerProcess'
import { foldersOfChanges } from './foldersOfChanges'
import type { Listings } from './listings'
import type { ShareAddresses } from './shareAddresses'
import { openFilesOf } from './shareTabs'
import { ROOT } from './shareUri'

const EVENT_TYPES: Readonly<Record<ChangedPath['type'], vscode.FileChangeType>> = {
  added: vscode.FileChangeType.Created,
  changed: vscode.FileChangeType.Changed,
  removed: vscode.FileChangeType.Deleted,
}

/** Folders asked about at once, so that all extensions have their turn in between. */
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
    if (paths === undefined) {
      this.lookAgain(id)
      return
    }
    this.listings.forget(
      id,
      paths.map(({ path }) => path),
    )
    const { added, maybeGone } = foldersOfChanges(paths)
    const { Created } = vscode.FileChangeType
    this.tell(id, [
      ...added.map(path => ({ path, type: Created })),
      ...paths.map(({ path, type }) => ({ path, type: EVENT_TYPES[type] })),
    ])
    this.shares.fire(id)
    void this.tellGone(id, maybeGone)
  }

  /** Tells which of these folders are no more. Never rejects. */
  private async tellGone(id: ShareId, folders: readonly DrivePath[]): Promise<void> {
    const { Deleted } = vscode.FileChangeType
    for (let from = 0; from < folders.length; from += ASKED_AT_ONCE) {
      const some = folders.slice(from, from + ASKED_AT_ONCE)
      const gone = await Promise.all(some.map(async path => ((await this.isGone(id, path)) ? [path] : [])))
      this.tell(
        id,
        gone.flat().map(path => ({ path, type: Deleted })),
      )
    }
  }

  private tell(id: ShareId, changes: readonly FileChange[]): void {
    const urisOf = this.addresses.urisOf(id)
    const events = changes.flatMap(({ path, type }) => urisOf(path).map(uri => ({ uri, type })))
    if (events.length > 0) this.files.fire(events)
  }

  private async isGone(id: ShareId, path: DrivePath): Promise<boolean> {
    try {
      await this.listings.stat(id, path)
      return false
    } catch (error) {
      return error instanceof PeerfoldError && error.code === 'file-not-found'
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
  }
}
