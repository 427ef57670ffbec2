/**
 * One share's two logs, opened: the path log (a Hyperbee) and the log of bytes, as Hyperdrive lays them out.
 *
 * The index of paths follows the path log: `refresh()` brings it to the newest version known here and says what
 * changed. It reads the listing (see listing.ts) and then the newer part of the path log, or the whole path log for
 * drives made by other clients. Whatever a drive holds, malformed entries are left out and never stop the rest.
 */
import b4a from 'b4a'
import type Corestore from 'corestore'
import type Hypercore from 'hypercore'
import Hyperdrive from 'hyperdrive'
import SubEncoder from 'sub-encoder'
import z32 from 'z32'
import type { DriveKey, DrivePath, EncryptionKey, ShareId } from '../../common/brand'
import type { ChangedPath } from '../../common/protocol'
import { breathe, slicer, throwIfAborted, unlessAborted } from '../time'
import { contentId, type DriveEntry, isRecord, parseEntry } from './entry'
import { decodeChunk, type ListingHead, parseListingHead } from './listing'
import { PathIndex } from './pathIndex'

export const FILES = new SubEncoder('files', 'utf-8')
export const ABOUT = new SubEncoder('peerfold', 'utf-8')
const FILES_PREFIX = FILES.encode('').toString('latin1')

/** Blocks of the path log that are read one by one rather than taking the listing again. */
const MAX_HISTORY = 20_000
const CHUNKS_AHEAD = 8
/** One block is waited for this long before the whole refresh is given up and tried again later. */
const BLOCK_TIMEOUT = 20_000

export interface IndexChange {
  readonly version: number
  /** Undefined when too much changed to list it. */
  readonly paths?: readonly ChangedPath[]
}

/** What the publisher says of a share, inside the share. Untrusted. */
export interface ShareInfo {
  readonly name?: string
  readonly isFile: boolean
  /** When this version was published, milliseconds since 1970. */
  readonly time?: number
}

export class ShareDrive {
  index: PathIndex | undefined
  info: ShareInfo | undefined
  /** Length of the path log that the newest listing describes; 0 while there is none. */
  listingVersion = 0
  private bytesCore: Hypercore | undefined
  private refreshing: Promise<IndexChange | undefined> | undefined

  private constructor(
    readonly id: ShareId,
    readonly key: DriveKey,
    readonly drive: Hyperdrive,
  ) {}

  /** An own share: its keys are derived from `seed`, so the same seed opens the same logs. */
  static async create(store: Corestore, seed: string, encryptionKey?: EncryptionKey): Promise<ShareDrive> {
    return ShareDrive.wrap(
      new Hyperdrive(store.namespace(`share/${seed}`), { encryptionKey: bytesOf(encryptionKey) }),
    )
  }

  static async open(store: Corestore, key: DriveKey, encryptionKey?: EncryptionKey): Promise<ShareDrive> {
    const options = { encryptionKey: bytesOf(encryptionKey) }
    return ShareDrive.wrap(new Hyperdrive(store.session(), b4a.from(key, 'hex'), options))
  }

  private static async wrap(drive: Hyperdrive): Promise<ShareDrive> {
    await drive.ready()
    const id = z32.encode(drive.discoveryKey) as ShareId
    const share = new ShareDrive(id, drive.key.toString('hex') as DriveKey, drive)
    share.bytesCore = drive.blobs?.core
    return share
  }

  /** The path log. */
  get paths(): Hypercore {
    return this.drive.core
  }

  /** The log of bytes, once the path log's first block is here. */
  get bytes(): Hypercore | undefined {
    this.bytesCore ??= this.drive.blobs?.core
    return this.bytesCore
  }

  /** Waits for the log of bytes; for ever when nobody has the path log's first block, so abort it. */
  async bytesReady(signal?: AbortSignal): Promise<Hypercore> {
    this.bytesCore ??= (await unlessAborted(this.drive.getBlobs(), signal)).core
    return this.bytesCore
  }

  /** Brings the index to the newest version known here. Undefined when it was there already. Rejects when the blocks
   *  it needs cannot be had now; the old index stays. One at a time. */
  refresh(signal?: AbortSignal): Promise<IndexChange | undefined> {
    this.refreshing ??= this.refreshOnce(signal).finally(() => {
      this.refreshing = undefined
    })
    return this.refreshing
  }

  async close(): Promise<void> {
    await this.drive.close()
  }

  /** Deletes both logs from the store. (The `purge` of this Hypercore calls what it has no more.) */
  async purge(): Promise<void> {
    const { storage } = this.drive.corestore
    const logs = this.bytes === undefined ? [this.paths.core] : [this.paths.core, this.bytes.core]
    await this.drive.close()
    for (const log of logs) {
      // Replication keeps sessions of its own, and the store keeps a log open for a while after its last session.
      await log.closeAllSessions(null)
      await log.close()
      await storage.deleteCore(log.storage.core)
    }
  }

  private async refreshOnce(signal: AbortSignal | undefined): Promise<IndexChange | undefined> {
    const length = this.paths.length
    if (length === 0) return undefined
    const old = this.index
    if (old?.version === length) return undefined
    if (old !== undefined && length > old.version && length - old.version <= MAX_HISTORY) {
      return { version: length, paths: await this.follow(old, length, signal) }
    }
    const index = await this.load(length, signal)
    this.index = index
    return old === undefined || old.files + index.files > 20_000
      ? { version: length }
      : { version: length, paths: compare(old, index) }
  }

  /** Builds the index of a version from the listing, or from the whole path log where there is none. */
  private async load(length: number, signal: AbortSignal | undefined): Promise<PathIndex> {
    const head = await this.readHead(length)
    const listed = head !== undefined && head.version <= length && length - head.version <= MAX_HISTORY
    if (!listed) return this.loadFromPathLog(length, signal)
    let index: PathIndex
    try {
      index = await this.loadListing(head, signal)
    } catch (error) {
      throwIfAborted(signal)
      if (!this.hasWholePathLog(length)) throw error
      return this.loadFromPathLog(length, signal)
    }
    if (head.version === length) return index
    await this.applyHistory(index, head.version, length, signal)
    return this.atVersion(index, length)
  }

  private hasWholePathLog(length: number): boolean {
    return this.paths.contiguousLength >= length || this.paths.peers.length > 0
  }

  /** Reads what the path log says of itself: the listing, and the share's name. */
  private async readHead(length: number): Promise<ListingHead | undefined> {
    const bee = this.drive.db.checkout(length)
    try {
      const [listing, about] = await Promise.all([
        this.readAbout(bee, 'listing'),
        this.readAbout(bee, 'share'),
      ])
      this.info = parseInfo(about) ?? this.info
      const head = parseListingHead(listing)
      this.listingVersion = head?.version ?? 0
      return head
    } finally {
      await bee.close()
    }
  }

  private async readAbout(bee: Hyperdrive['db'], name: string): Promise<unknown> {
    const node = await bee.get(name, { keyEncoding: ABOUT, valueEncoding: 'utf-8', timeout: BLOCK_TIMEOUT })
    return node === null ? undefined : parseJson(node.value)
  }

  private async loadListing(head: ListingHead, signal: AbortSignal | undefined): Promise<PathIndex> {
    const index = new PathIndex(head.version)
    const core = await this.bytesReady(signal)
    const { blockOffset, blockLength } = head.chunks
    const get = (at: number) => core.get(blockOffset + at, { timeout: BLOCK_TIMEOUT })
    const ahead: Promise<Buffer | null>[] = []
    const due = slicer()
    for (let at = 0; at < blockLength; at++) {
      while (ahead.length < CHUNKS_AHEAD && at + ahead.length < blockLength) {
        const block = get(at + ahead.length)
        block.catch(() => {}) // rejects again where it is awaited, below
        ahead.push(block)
      }
      const block = await unlessAborted(ahead.shift() ?? get(at), signal)
      for (const entry of await decodeChunk(block ?? Buffer.alloc(0))) {
        index.put(entry)
        if (due()) await breathe()
      }
    }
    return index
  }

  private async loadFromPathLog(length: number, signal: AbortSignal | undefined): Promise<PathIndex> {
    const range = this.paths.download({ start: 0, end: length })
    try {
      await unlessAborted(range.done(), signal)
    } finally {
      range.destroy()
    }
    const index = new PathIndex(length)
    const bee = this.drive.db.checkout(length)
    const due = slicer()
    try {
      const options = { keyEncoding: FILES, valueEncoding: 'utf-8' }
      for await (const node of bee.createReadStream({}, options)) {
        const entry = parseEntry(node.key, parseJson(node.value))
        if (entry !== undefined) index.put(entry)
        throwIfAborted(signal)
        if (due()) await breathe()
      }
    } finally {
      await bee.close()
    }
    return index
  }

  private async follow(
    old: PathIndex,
    length: number,
    signal: AbortSignal | undefined,
  ): Promise<ChangedPath[]> {
    const changed = await this.applyHistory(old, old.version, length, signal)
    this.index = this.atVersion(old, length)
    return changed
  }

  /** Applies the path log's blocks `from` to `to` (exclusive). All are here before the first is applied. */
  private async applyHistory(
    index: PathIndex,
    from: number,
    to: number,
    signal: AbortSignal | undefined,
  ): Promise<ChangedPath[]> {
    const range = this.paths.download({ start: from, end: to })
    try {
      await unlessAborted(range.done(), signal)
    } finally {
      range.destroy()
    }
    const changed = new Map<DrivePath, ChangedPath>()
    const bee = this.drive.db.checkout(to)
    try {
      const options = { keyEncoding: 'binary', valueEncoding: 'utf-8', gte: from, lt: to }
      for await (const node of bee.createHistoryStream(options)) {
        const path = filePath(node.key)
        if (path === undefined) {
          this.info = infoOf(node.key, node.value) ?? this.info
          continue
        }
        const before = index.entry(path)
        const entry = node.type === 'put' ? parseEntry(path, parseJson(node.value)) : undefined
        if (entry === undefined) {
          if (before === undefined) continue
          index.remove(path)
          changed.set(path, { path, type: 'removed' })
        } else if (before === undefined || !sameEntry(before, entry)) {
          index.put(entry)
          changed.set(path, { path, type: before === undefined ? 'added' : 'changed' })
        }
      }
    } finally {
      await bee.close()
    }
    return [...changed.values()]
  }

  private atVersion(index: PathIndex, version: number): PathIndex {
    index.version = version
    return index
  }
}

function compare(old: PathIndex, index: PathIndex): ChangedPath[] {
  const changed: ChangedPath[] = []
  for (const entry of index.entries()) {
    const before = old.entry(entry.path)
    if (before === undefined) changed.push({ path: entry.path, type: 'added' })
    else if (!sameEntry(before, entry)) changed.push({ path: entry.path, type: 'changed' })
  }
  for (const entry of old.entries()) {
    if (index.entry(entry.path) === undefined) changed.push({ path: entry.path, type: 'removed' })
  }
  return changed
}

function sameEntry(a: DriveEntry, b: DriveEntry): boolean {
  return contentId(a) === contentId(b) && a.mtime === b.mtime && a.executable === b.executable
}

/** The drive path a raw key of the path log stands for; undefined for keys outside the files' sub-space. */
function filePath(key: unknown): DrivePath | undefined {
  if (!Buffer.isBuffer(key) || !key.toString('latin1', 0, FILES_PREFIX.length).startsWith(FILES_PREFIX))
    return undefined
  return FILES.decode(key) as DrivePath
}

function infoOf(key: unknown, value: unknown): ShareInfo | undefined {
  return Buffer.isBuffer(key) && key.equals(ABOUT.encode('share')) ? parseInfo(parseJson(value)) : undefined
}

function parseInfo(value: unknown): ShareInfo | undefined {
  if (!isRecord(value)) return undefined
  const { name, isFile, time } = value
  return {
    isFile: isFile === true,
    ...(typeof name === 'string' && name !== '' ? { name: name.slice(0, 200) } : {}),
    ...(typeof time === 'number' && Number.isFinite(time) ? { time } : {}),
  }
}

/** The parsed text, or undefined: what a stranger stored need not be JSON. */
function parseJson(text: unknown): unknown {
  if (typeof text !== 'string') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function bytesOf(key: EncryptionKey | undefined): Uint8Array | null {
  return key === undefined ? null : b4a.from(key, 'hex')
}
