/**
 * One share's two logs, opened: the path log (a Hyperbee) and the log of bytes, as Hyperdrive lays them out.
 *
 * `refresh()` reads the newest version known here and says what changed. Versions are values (version.ts), so any other
 * can be opened beside it.
 */
import b4a from 'b4a'
import type Corestore from 'corestore'
import type Hypercore from 'hypercore'
import Hyperdrive from 'hyperdrive'
import z32 from 'z32'
import type { DriveKey, EncryptionKey, ShareId } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { systemCode } from '../../common/fileErrors'
import { formatBytes } from '../../common/format'
import { Signal } from '../../common/signal'
import { boundExtension } from '../hypercore/beeExtension'
import { deleteLogs } from '../hypercore/deleteLogs'
import { beginWithBlock, proveWithFirstBlock } from '../hypercore/firstRequests'
import { keepPieces } from '../hypercore/pieces'
import { DEFAULT_LIMITS, NO_LIMITS, type ShareLimits } from '../limits'
import { unlessAborted } from '../time'
import { type LogUsers, logUsersIn } from './logUsers'
import { OpenVersions } from './openVersions'
import type { PartialIndex } from './partialIndex'
import { readNewestVersion, readOlderVersion } from './readVersion'
import { changeTo, type Version, type VersionChange } from './version'

/** Time limit for reading a former version (milliseconds), whoever waits for it. */
const OPEN_WITHIN = 60_000

/** Chunks of a listing that are sent before they are asked for. */
const FIRST_CHUNKS = 4

/** Serves blocks that lie outside of the store. */
interface OutsideOf {
  serve(log: Hypercore): void
}

export class ShareDrive {
  /** More of the version in `coming` was read. */
  readonly grew = new Signal<void>()
  private newest: Version | undefined
  private partial: PartialIndex | undefined
  private bytesCore: Hypercore | undefined
  /** The log of bytes, once `bytesReady` has set it up. */
  private keptBytes: Hypercore | undefined
  private outside: OutsideOf | undefined
  private readonly past = new OpenVersions()
  private readonly closing = new AbortController()
  private refreshing: Promise<VersionChange | undefined> | undefined

  private constructor(
    readonly id: ShareId,
    readonly key: DriveKey,
    readonly drive: Hyperdrive,
    readonly limits: () => ShareLimits,
    readonly isOwn: boolean,
  ) {}

  /** An own share: its keys are derived from `seed`, so the same seed opens the same logs. */
  static async create(store: Corestore, seed: string, encryptionKey?: EncryptionKey): Promise<ShareDrive> {
    const options = { encryptionKey: bytesOf(encryptionKey) }
    const drive = new Hyperdrive(store.namespace(`share/${seed}`), options)
    boundExtension(drive.db.extension)
    return ShareDrive.wrap(drive, () => NO_LIMITS, true)
  }

  /**
   * Another person's share, which may hold anything. Hyperbee's extension is off, since it would search the tree
   * for other peers.
   */
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
      await drive.core.close() // otherwise the next attempt to open it would wait for ever
      throw isUndecodable(error) ? new PeerfoldError('not-readable') : error
    }
    const id = z32.encode(drive.discoveryKey) as ShareId
    const share = new ShareDrive(id, drive.key.toString('hex') as DriveKey, drive, limits, isOwn)
    share.logUsers.use(drive.core, id, isOwn)
    if (!isOwn) beginWithBlock(drive.core, 0)
    return share
  }

  /** The path log. */
  get paths(): Hypercore {
    return this.drive.core
  }

  /** The log of bytes, once the path log's first block is here. */
  get bytes(): Hypercore | undefined {
    const core = this.bytesCore ?? this.drive.blobs?.core
    if (this.bytesCore === undefined && core !== undefined && this.logUsers.use(core, this.id, this.isOwn)) {
      this.bytesCore = core
      if (!this.isOwn && this.newest === undefined) proveWithFirstBlock(core)
    }
    return this.bytesCore
  }

  /** Sets where blocks of the log of bytes are looked for that the store does not have. Used from the first read on. */
  lookIn(outside: OutsideOf): void {
    this.outside = outside
  }

  /**
   * Waits for the log of bytes. Without the path log's first block it waits for ever, so abort it. Throws
   * `bad-entry` when the path log names a log that belongs to another share.
   */
  async bytesReady(signal?: AbortSignal): Promise<Hypercore> {
    if (this.bytes === undefined) await unlessAborted(this.drive.getBlobs(), signal)
    const { bytes } = this
    if (bytes === undefined) throw new PeerfoldError('bad-entry', '/')
    if (bytes !== this.keptBytes) {
      await bytes.ready()
      if (this.isOwn || this.ownsBytes) keepPieces(bytes)
      this.keptBytes = bytes
      if (this.ownsBytes) this.outside?.serve(bytes)
    }
    return bytes
  }

  /** Whether no other share uses the same log of bytes. */
  get ownsBytes(): boolean {
    return this.bytes !== undefined && this.logUsers.isAlone(this.bytes, this.id)
  }

  /** Blocks of the path log that a new reader needs first: its header, and the description of the newest version. */
  get firstOfPaths(): readonly number[] {
    const { length } = this.paths
    return length === 0 ? [] : [...new Set([0, length - 1])]
  }

  /** Blocks of the log of bytes that a new reader needs first: the beginning of the listing. */
  get firstOfBytes(): readonly number[] {
    const chunks = this.newest?.listing?.chunks
    const blocks = Math.min(chunks?.blockLength ?? 0, FIRST_CHUNKS)
    return Array.from({ length: blocks }, (_, at) => (chunks?.blockOffset ?? 0) + at)
  }

  /** The newest version that was read, or written here. */
  get version(): Version | undefined {
    return this.newest
  }

  /** The index of the next version, while it is read from a listing. */
  get coming(): PartialIndex | undefined {
    return this.partial
  }

  /** Whether `version` is the newest known here. */
  get isNewest(): boolean {
    return this.newest?.length === this.paths.length && this.newest.fork === this.paths.fork
  }

  /**
   * Brings `version` to the newest known here. Undefined when it was there already. Rejects when needed blocks
   * cannot be had now; `version` stays then. Refreshes run one at a time: later callers wait, and continue from the
   * result.
   *
   * @param made the newest version, if this machine has just made it: then nothing is read
   */
  async refresh(signal?: AbortSignal, made?: Version): Promise<VersionChange | undefined> {
    while (this.refreshing !== undefined) {
      const change = await unlessAborted(
        this.refreshing.catch(() => undefined), // its caller is told
        signal,
      )
      if (this.isNewest) return change
    }
    this.refreshing = this.refreshOnce(signal, made).finally(() => {
      this.refreshing = undefined
      this.partial = undefined
    })
    return this.refreshing
  }

  /**
   * The version of any length of the path log, to be read beside the newest. Its content may have been cleared.
   * Rejects when needed blocks cannot be had now. Throws `not-listed` for a length that the log does not have.
   */
  async versionAt(length: number, signal?: AbortSignal): Promise<Version> {
    if (this.isNewest && this.newest?.length === length) return this.newest
    if (length < 1 || length > this.paths.length) throw new PeerfoldError('not-listed')
    const { fork } = this.paths
    const within = AbortSignal.any([this.closing.signal, AbortSignal.timeout(OPEN_WITHIN)])
    const opening = this.past.at(length, fork, near => readOlderVersion(this, length, near, within))
    return unlessAborted(opening, signal)
  }

  /** Throws when the path log cannot be decrypted. Waits at most `timeout` milliseconds for its first block. */
  async readHeader(timeout: number, signal: AbortSignal | undefined): Promise<void> {
    await unlessAborted(this.drive.db.getHeader({ timeout }), signal)
  }

  async close(): Promise<void> {
    this.closing.abort()
    this.past.close()
    this.logUsers.release(this.id)
    await this.drive.close()
  }

  /**
   * Deletes both logs from the store: first the log of bytes, since the path log names it. Can be repeated if it
   * was interrupted.
   */
  async purge(): Promise<void> {
    const { storage } = this.drive.corestore
    const all = [...(this.bytes === undefined ? [] : [this.bytes]), this.paths]
    const logs = all.filter(log => this.logUsers.isAlone(log, this.id)).map(log => log.core)
    await this.close()
    await deleteLogs(storage, logs)
  }

  private get logUsers(): LogUsers {
    return logUsersIn(this.drive.corestore.storage)
  }

  private async refreshOnce(
    signal: AbortSignal | undefined,
    made: Version | undefined,
  ): Promise<VersionChange | undefined> {
    const { length, fork, byteLength } = this.paths
    if (length === 0 || this.isNewest) return undefined
    if (byteLength > this.limits().pathLogBytes) throw pathLogTooLong(this.limits())
    const before = this.newest
    const isMade = made?.length === length && made.fork === fork
    const onPart = (coming: PartialIndex | undefined) => this.onPart(coming)
    const now = isMade ? made : await readNewestVersion(this, length, before, onPart, signal)
    this.newest = now
    return changeTo(now, before)
  }

  private onPart(coming: PartialIndex | undefined): void {
    this.partial = coming
    if (coming !== undefined) this.grew.emit()
  }
}

function pathLogTooLong({ pathLogBytes }: ShareLimits): PeerfoldError {
  const size = formatBytes(pathLogBytes)
  return new PeerfoldError(
    'limit-passed',
    `The list of files of the share is longer than ${size}, so it is paused.`,
  )
}

function isUndecodable(error: unknown): boolean {
  return systemCode(error) === 'DECODING_ERROR'
}

function bytesOf(key: EncryptionKey | undefined): Uint8Array | null {
  return key === undefined ? null : b4a.from(key, 'hex')
}
