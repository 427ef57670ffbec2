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
import z32 from 'z32'
import type { DriveKey, EncryptionKey, ShareId } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { formatBytes } from '../../common/format'
import type { ChangedPath } from '../../common/protocol'
import { Signal } from '../../common/signal'
import { boundExtension } from '../hypercore/beeExtension'
import { DEFAULT_LIMITS, NO_LIMITS, type ShareLimits } from '../limits'
import { breathe, slicer, throwIfAborted, unlessAborted } from '../time'
import { applyChanges, type Changes, readChanges, sameEntry } from './changes'
import { claimsOn, type LogClaims } from './claims'
import { parseAbout, type ShareInfo } from './format/about'
import type { DriveEntry } from './format/entry'
import type { ListingHead } from './format/listing'
import { PartialIndex } from './partialIndex'
import { PathIndex } from './pathIndex'
import { beginsAsPathLog, readPathChange } from './pathLog'
import { readListing } from './readListing'

/** Blocks of the path log that are read one by one rather than taking the listing again. */
const MAX_HISTORY = 20_000
/** One block is waited for this long before the whole refresh is given up and tried again later. */
const BLOCK_TIMEOUT = 20_000

export interface IndexChange {
  readonly version: number
  /** Undefined when too much changed to list it. */
  readonly paths?: readonly ChangedPath[]
}

/** The same for who reckons with entries. */
export interface EntriesChange extends IndexChange {
  /** Entries of the version before that are not in this one. Undefined where they were not looked at. */
  readonly replaced?: readonly DriveEntry[]
}

export class ShareDrive {
  index: PathIndex | undefined
  /** What the index will be, while it is read from a listing. */
  coming: PartialIndex | undefined
  /** There is more of what is coming. */
  readonly grew = new Signal<void>()
  info: ShareInfo | undefined
  /** The newest listing, once the index was loaded. */
  listing: ListingHead | undefined
  /** What the newest listing says, until the next refresh: its writer need not read it back. */
  listed: { readonly version: number; readonly entries: readonly DriveEntry[] } | undefined
  private indexFork = 0
  /** What the index was made from, as long as that is ahead of the path log. */
  private aheadOf: ListingHead | undefined
  private bytesCore: Hypercore | undefined
  private refreshing: Promise<EntriesChange | undefined> | undefined

  private constructor(
    readonly id: ShareId,
    readonly key: DriveKey,
    readonly drive: Hyperdrive,
    readonly limits: () => ShareLimits,
    private readonly isOwn: boolean,
  ) {}

  /** An own share: its keys are derived from `seed`, so the same seed opens the same logs. */
  static async create(store: Corestore, seed: string, encryptionKey?: EncryptionKey): Promise<ShareDrive> {
    const options = { encryptionKey: bytesOf(encryptionKey) }
    const drive = new Hyperdrive(store.namespace(`share/${seed}`), options)
    boundExtension(drive.db.extension)
    return ShareDrive.wrap(drive, () => NO_LIMITS, true)
  }

  /** Somebody else's share, which may hold anything. Hyperbee's extension would search its tree for other peers. */
  static async open(
    store: Corestore,
    key: DriveKey,
    encryptionKey?: EncryptionKey,
    limits: () => ShareLimits = () => DEFAULT_LIMITS,
  ): Promise<ShareDrive> {
    const options = { encryptionKey: bytesOf(encryptionKey), extension: false }
    return ShareDrive.wrap(new Hyperdrive(store.session(), b4a.from(key, 'hex'), options), limits, false)
  }

  private static async wrap(
    drive: Hyperdrive,
    limits: () => ShareLimits,
    isOwn: boolean,
  ): Promise<ShareDrive> {
    try {
      await drive.ready()
    } catch (error) {
      await drive.core.close() // or the next one to open it would wait for ever
      throw isUndecodable(error) ? new PeerfoldError('not-readable') : error
    }
    const id = z32.encode(drive.discoveryKey) as ShareId
    const share = new ShareDrive(id, drive.key.toString('hex') as DriveKey, drive, limits, isOwn)
    share.claims.claim(drive.core, id, isOwn)
    return share
  }

  /** The path log. */
  get paths(): Hypercore {
    return this.drive.core
  }

  /** The log of bytes, once the path log's first block is here. */
  get bytes(): Hypercore | undefined {
    const core = this.bytesCore ?? this.drive.blobs?.core
    if (this.bytesCore === undefined && core !== undefined && this.claims.claim(core, this.id, this.isOwn))
      this.bytesCore = core
    return this.bytesCore
  }

  /** Waits for the log of bytes; for ever when nobody has the path log's first block, so abort it. Throws `bad-entry`
   *  when the path log names a log that belongs to somebody else. */
  async bytesReady(signal?: AbortSignal): Promise<Hypercore> {
    if (this.bytes === undefined) await unlessAborted(this.drive.getBlobs(), signal)
    if (this.bytes === undefined) throw new PeerfoldError('bad-entry', '/')
    return this.bytes
  }

  /** Whether no other share has its bytes in the same log. */
  get ownsBytes(): boolean {
    return this.bytes !== undefined && this.claims.isAlone(this.bytes, this.id)
  }

  /** Brings the index to the newest version known here. Undefined when it was there already. Rejects when the blocks
   *  it needs cannot be had now; the old index stays. One at a time: whoever asks meanwhile waits, and goes on from
   *  there. */
  async refresh(signal?: AbortSignal): Promise<EntriesChange | undefined> {
    while (this.refreshing !== undefined) {
      const change = await unlessAborted(
        this.refreshing.catch(() => undefined), // whoever began it is told
        signal,
      )
      if (this.isNewest) return change
    }
    this.refreshing = this.refreshOnce(signal).finally(() => {
      this.refreshing = undefined
      this.coming = undefined
      this.listed = undefined
    })
    return this.refreshing
  }

  async close(): Promise<void> {
    this.claims.release(this.id)
    await this.drive.close()
  }

  /** Deletes both logs from the store; that of the bytes first, since the other names it. Cut off anywhere, it can be
   *  done again. Not by Hypercore's own `purge()`, which refuses a log that is closed: one with two histories closes by
   *  itself, and must be removable. (Read in hypercore 11.39.5.) */
  async purge(): Promise<void> {
    const { storage } = this.drive.corestore
    const logs = [...(this.bytes === undefined ? [] : [this.bytes]), this.paths]
      .filter(log => this.claims.isAlone(log, this.id))
      .map(log => log.core)
    await this.close()
    for (const log of logs) {
      // Replication keeps sessions of its own, and the store keeps a log open for a while after its last session.
      await log.closeAllSessions(null)
      await log.close()
      await storage.deleteCore(log.storage.core)
    }
    // What is deleted lies in the database's files until these are gone through.
    if (logs.length > 0) await storage.compact()
  }

  private get claims(): LogClaims {
    return claimsOn(this.drive.corestore.storage)
  }

  /** Whether the index is at the newest version known here. */
  get isNewest(): boolean {
    return this.index?.version === this.paths.length && this.indexFork === this.paths.fork
  }

  private async refreshOnce(signal: AbortSignal | undefined): Promise<EntriesChange | undefined> {
    const { length, fork, byteLength } = this.paths
    if (length === 0) return undefined
    const old = this.index
    if (this.isNewest) return undefined
    if (byteLength > this.limits().pathLogBytes) throw pathLogTooLong(this.limits())
    if (old !== undefined && this.indexFork === fork) {
      await this.catchUpWithListing(old, length, signal)
      if (old.version === length) return { version: length, paths: [] }
    }
    if (
      old !== undefined &&
      this.aheadOf === undefined &&
      this.indexFork === fork &&
      length > old.version &&
      length - old.version <= MAX_HISTORY
    ) {
      const changes = await readChanges(this.paths, old.version, length, signal)
      this.info = changes.info ?? this.info
      this.listing = changes.listing
      const applied = applyChanges(old, changes)
      old.version = length
      return { version: length, ...applied }
    }
    const index = await this.load(length, signal)
    this.index = index
    this.indexFork = fork
    return old === undefined || old.files + index.files > 20_000
      ? { version: length }
      : { version: length, paths: compare(old, index) }
  }

  /**
   * An index made from a listing that was ahead of its path log has all that the path log says once it has caught up,
   * and none of it need be read: the newest block tells, by naming the same listing for a later version.
   */
  private async catchUpWithListing(
    index: PathIndex,
    length: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const ahead = this.aheadOf
    if (ahead === undefined) return
    const about = parseAbout(await readPathChange(this.paths, length - 1, BLOCK_TIMEOUT, signal))
    const now = about?.listing
    if (now === undefined || now.ahead || now.version < ahead.version || now.version > length) return
    if (now.chunks.blockOffset !== ahead.chunks.blockOffset || now.files !== ahead.files) return
    this.info = about?.info
    this.listing = now
    this.aheadOf = undefined
    index.version = now.version
  }

  /** Builds the index of a version from the listing, or from the whole path log where there is none. */
  private async load(length: number, signal: AbortSignal | undefined): Promise<PathIndex> {
    if (!(await beginsAsPathLog(this.paths, BLOCK_TIMEOUT, signal))) throw new PeerfoldError('not-readable')
    const about = parseAbout(await readPathChange(this.paths, length - 1, BLOCK_TIMEOUT, signal))
    this.info = about?.info ?? this.info
    this.listing = about?.listing
    const { listing } = this
    if (listing === undefined || listing.version > length || length - listing.version > MAX_HISTORY) {
      return this.loadFromPathLog(length, signal)
    }
    try {
      const newer = await readChanges(this.paths, listing.version, length, signal)
      const index =
        this.listed?.version === listing.version
          ? await this.indexOf(this.listed, newer, length)
          : await this.readIndex(listing, new PartialIndex(length, newer, this.limits), signal)
      this.aheadOf = listing.ahead ? listing : undefined
      return index
    } catch (error) {
      this.coming = undefined
      throwIfAborted(signal)
      // A path log that lags behind its listing names nothing. Only its writer has nobody who could give the listing.
      const hasPaths = this.hasWholePathLog(length) && (this.isOwn || !listing.ahead)
      if (!hasPaths || isLimit(error)) throw error
      this.listing = undefined
      return this.loadFromPathLog(length, signal)
    }
  }

  private async indexOf(
    { version, entries }: NonNullable<ShareDrive['listed']>,
    newer: Changes,
    length: number,
  ): Promise<PathIndex> {
    const index = new PathIndex(version, this.limits)
    const due = slicer()
    for (const entry of entries) {
      index.put(entry)
      if (due()) await breathe()
    }
    applyChanges(index, newer)
    index.version = length
    return index
  }

  /** Meanwhile the first parts of it can be had. */
  private async readIndex(
    listing: ListingHead,
    coming: PartialIndex,
    signal: AbortSignal | undefined,
  ): Promise<PathIndex> {
    const bytes = await this.bytesReady(signal)
    this.coming = coming
    this.grew.emit()
    const patience = { timeout: BLOCK_TIMEOUT, timeoutAlone: BLOCK_TIMEOUT, signal }
    return readListing(listing, bytes, coming, () => this.grew.emit(), patience)
  }

  private hasWholePathLog(length: number): boolean {
    return this.paths.contiguousLength >= length || this.paths.peers.length > 0
  }

  private async loadFromPathLog(length: number, signal: AbortSignal | undefined): Promise<PathIndex> {
    this.aheadOf = undefined
    await unlessAborted(this.drive.db.getHeader({ timeout: BLOCK_TIMEOUT }), signal) // throws when it cannot be decrypted
    const index = new PathIndex(length, this.limits)
    applyChanges(index, await readChanges(this.paths, 0, length, signal))
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

function pathLogTooLong({ pathLogBytes }: ShareLimits): PeerfoldError {
  const size = formatBytes(pathLogBytes)
  return new PeerfoldError(
    'limit-passed',
    `The list of files of the share is longer than ${size}, so it is paused.`,
  )
}

function isUndecodable(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'DECODING_ERROR'
}

function isLimit(error: unknown): boolean {
  return error instanceof PeerfoldError && error.code === 'limit-passed'
}

function bytesOf(key: EncryptionKey | undefined): Uint8Array | null {
  return key === undefined ? null : b4a.from(key, 'hex')
}
