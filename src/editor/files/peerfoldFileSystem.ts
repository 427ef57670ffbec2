/**
 * The files of shares in the editor, read-only. It is registered before anything else happens; the first request
 * starts the peer process and waits for it. Every answer has a time limit and every failure is told as what it is.
 */
import { setTimeout } from 'node:timers/promises'
import * as vscode from 'vscode'
import type { DrivePath, ShareId } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { behind } from '../../common/followed'
import { formatBytes, safeText } from '../../common/format'
import type { FileEntry } from '../../common/model'
import { newJob } from '../commands/followTransfer'
import { Commands } from '../contributions'
import { Disposable } from '../dispose'
import type { PeerModel } from '../peerModel'
import type { PeerProcess } from '../peerProcess'
import { progressIfSlow } from '../progressIfSlow'
import { LARGEST_FILE, readSettings } from '../settings'
import type { ChangedFiles } from './changedFiles'
import { nameOf } from './drivePath'
import { EditorReads, isInTab } from './editorReads'
import { toFileSystemError } from './fileErrors'
import { readLimit } from './reach'
import { PART, readInParts } from './readInParts'
import type { ShareAddresses } from './shareAddresses'
import { fromShareUri, ROOT, type ShareAddress, shareBelow, toShareUri } from './shareUri'
import { UnreadableFiles } from './unreadableFiles'
import type { VersionListings } from './versionListings'

/** Milliseconds of silence until a file counts as out of reach: with peers connected, and while nobody is there. */
const READ_TIMEOUT = 30_000
const READ_TIMEOUT_ALONE = 5_000
/** Milliseconds after which a file in an editor that is still on its way shows progress. */
const PROGRESS_AFTER = 3_000

/** Entries of a folder; for larger ones VS Code gets a turn of the event loop of its own. */
const LARGE = 1_000

const FOLDER_ABOVE: vscode.FileStat = {
  type: vscode.FileType.Directory,
  ctime: 0,
  mtime: 0,
  size: 0,
  permissions: vscode.FilePermission.Readonly,
}

export class PeerfoldFileSystem extends Disposable implements vscode.FileSystemProvider {
  readonly onDidChangeFile: vscode.Event<vscode.FileChangeEvent[]>
  private readonly unreadable: UnreadableFiles
  private readonly editorReads = this.own(new EditorReads())

  constructor(
    private readonly peer: PeerProcess,
    private readonly model: PeerModel,
    private readonly listings: VersionListings,
    changedFiles: ChangedFiles,
    private readonly addresses: Pick<ShareAddresses, 'namesOf' | 'watch'>,
  ) {
    super()
    this.onDidChangeFile = changedFiles.onDidChangeFile
    this.unreadable = this.own(new UnreadableFiles(model, uri => this.fetch(uri)))
  }

  /** Why nothing can be changed, and the way out. */
  static readonlyReason(): vscode.MarkdownString {
    const reason = new vscode.MarkdownString(
      vscode.l10n.t(
        'This file belongs to somebody else’s share and is read-only. [Save a Copy…]({0}) to change it.',
        `command:${Commands.saveCopy}`,
      ),
    )
    reason.isTrusted = { enabledCommands: [Commands.saveCopy] }
    return reason
  }

  /** Changes of every known share are told in any case. This only adds the addresses under which they are told. */
  watch(uri: vscode.Uri): vscode.Disposable {
    return this.addresses.watch(uri)
  }

  async stat(uri: vscode.Uri): Promise<vscode.FileStat> {
    if (shareBelow(uri) !== undefined) return FOLDER_ABOVE
    const address = addressOf(uri)
    try {
      return toFileStat(await this.listings.of(address).stat(address.id, address.path))
    } catch (error) {
      throw toFileSystemError(error, uri)
    }
  }

  async readDirectory(uri: vscode.Uri): Promise<[string, vscode.FileType][]> {
    const below = shareBelow(uri)
    if (below !== undefined) return this.namesBelow(below, uri)
    const address = addressOf(uri)
    try {
      const entries = await this.listings.of(address).list(address.id, address.path)
      const shown = entries.map((entry): [string, vscode.FileType] => [entry.name, toFileType(entry)])
      // VS Code passes a folder on in one piece, which takes long enough without our part of it.
      if (shown.length > LARGE) await setTimeout(1)
      return shown
    } catch (error) {
      throw toFileSystemError(error, uri)
    }
  }

  /** Lists the folder that a share seems to lie in, which breadcrumbs do when the share's name in them is clicked. */
  private namesBelow(id: ShareId, { authority }: vscode.Uri): [string, vscode.FileType][] {
    const root = { id, path: ROOT }
    const names = this.addresses.namesOf(id).filter(name => toShareUri(root, name).authority === authority)
    return names.map(name => [name, vscode.FileType.Directory])
  }

  async readFile(uri: vscode.Uri): Promise<Uint8Array> {
    const address = addressOf(uri)
    const limit = readSettings().maxEditorFileSize
    try {
      const { size, kind } = behind(await this.listings.of(address).stat(address.id, address.path))
      if (kind === 'folder') throw new PeerfoldError('is-a-folder', address.path)
      if (size > limit && this.editorReads.refuses(uri)) throw tooLarge('too-large', address, size)
      if (size > LARGEST_FILE) throw tooLarge('too-large-to-read', address, size)
      const timeout = this.patienceFor(address.id)
      // Extensions read many files that nobody looks at: those show nothing.
      if (size <= limit && !isInTab(uri)) return await this.read(address, size, { limit, timeout }, undefined)
      const work = (token: vscode.CancellationToken) =>
        this.read(address, size, { limit, timeout, job: newJob() }, token)
      return await progressIfSlow({ title: fetching(address, size), work, patience: PROGRESS_AFTER })
    } catch (error) {
      await this.unreadable.tell(error, uri)
      throw toFileSystemError(error, uri)
    }
  }

  /** Brings a file here that a tab waits for, within the limit of editors. Throws `PeerfoldError`. */
  private async fetch(uri: vscode.Uri): Promise<void> {
    const address = addressOf(uri)
    const limit = readSettings().maxEditorFileSize
    const { size } = behind(await this.listings.of(address).stat(address.id, address.path))
    if (size > limit) throw tooLarge('too-large', address, size)
    await this.read(address, size, { limit, timeout: this.patienceFor(address.id), job: newJob() }, undefined)
  }

  private patienceFor(id: ShareId): number {
    return this.isAlone(id) ? READ_TIMEOUT_ALONE : READ_TIMEOUT
  }

  private read(
    address: ShareAddress,
    size: number,
    { limit, timeout, ...job }: { readonly limit: number; readonly timeout: number; readonly job?: string },
    token: vscode.CancellationToken | undefined,
  ): Promise<Uint8Array> {
    if (size <= PART) {
      const options = { timeout: readLimit(size, timeout), token }
      return this.peer.request(
        'fs.read',
        { ...address, limit: Math.max(limit, PART), timeout, ...job },
        options,
      )
    }
    const options = { timeout: readLimit(PART, timeout), token }
    const range = (start: number, length: number) =>
      this.peer.request('fs.readRange', { ...address, start, length, timeout, ...job }, options)
    const listings = this.listings.of(address)
    const stat = async (id: ShareId, path: DrivePath) => behind(await listings.stat(id, path))
    return readInParts({ stat, range }, address)
  }

  /** True while nobody is connected who could have what is missing. A peer may still come in the next moments. */
  private isAlone(id: ShareId): boolean {
    const share = this.model.opened(id)
    return share !== undefined && share.status.kind !== 'connected'
  }

  createDirectory(): never {
    throw readOnly()
  }

  writeFile(): never {
    throw readOnly()
  }

  delete(): never {
    throw readOnly()
  }

  rename(): never {
    throw readOnly()
  }
}

/** For extensions, which may try to write although the file system is read-only. */
function readOnly(): vscode.FileSystemError {
  return vscode.FileSystemError.NoPermissions(
    vscode.l10n.t('Files of a share are read-only. Use “Save a Copy…” to change them.'),
  )
}

function addressOf(uri: vscode.Uri): ShareAddress {
  const address = fromShareUri(uri)
  if (address === undefined) throw vscode.FileSystemError.FileNotFound(uri)
  return address
}

function toFileStat(entry: FileEntry): vscode.FileStat {
  const { mtime = 0, size } = behind(entry) // VS Code has no word for a time that is not known
  return {
    type: toFileType(entry),
    ctime: mtime,
    mtime,
    size,
    permissions: vscode.FilePermission.Readonly,
  }
}

/** A link is shown as what it points at in the share. To VS Code a link without that leads nowhere. */
function toFileType({ kind, pointsAt }: FileEntry): vscode.FileType {
  const { Directory, File, SymbolicLink } = vscode.FileType
  const link = kind === 'link' ? SymbolicLink : 0
  switch (kind === 'link' ? pointsAt?.kind : kind) {
    case 'folder':
      return link | Directory
    case 'file':
      return link | File
    case undefined:
      return link
  }
}

function fetching({ path }: ShareAddress, size: number): string {
  return vscode.l10n.t('Fetching “{0}” ({1})…', safeText(nameOf(path), 80), formatBytes(size))
}

function tooLarge(
  code: 'too-large' | 'too-large-to-read',
  { path }: ShareAddress,
  size: number,
): PeerfoldError {
  return new PeerfoldError(code, `“${safeText(nameOf(path))}” (${formatBytes(size)})`)
}
