/**
 * The catalog: which folders are shared, which links are opened, which copies are under way, and what is known of
 * every file on either side. A local database beside the store, never inside it, so that it outlives a damaged store.
 *
 * One flat key space of `table/key`, values as MessagePack. Writes of one `write()` land together or not at all.
 */
import { Decoder, Encoder } from '@msgpack/msgpack'
import RocksDB from 'rocksdb-native'
import type { DriveKey, DrivePath, EncryptionKey, ShareId } from '../../common/brand'
import type { UserError } from '../../common/errors'
import type { VersionKeeping } from '../../common/keptVersions'
import type { TransferResult } from '../../common/model'
import type { BlobRef, PackRef } from '../drive/format/entry'
import type { Limits } from '../limits'
import { breathe, slicer } from '../time'
import type { RunRecord } from './boot'

/** A folder or file that this machine publishes. Keyed by `seed`, which is written before the log's first append. */
export interface ShareRecord {
  /** 32 random hex digits: the namespace the log's keys are derived from. Never used twice. */
  readonly seed: string
  readonly id?: ShareId
  readonly key?: DriveKey
  /** Absent for public shares. */
  readonly encryptionKey?: EncryptionKey
  readonly source: string
  readonly name: string
  readonly isFile: boolean
  readonly once: boolean
  readonly keep: boolean
  readonly stopped: boolean
  readonly allow: readonly DrivePath[]
  /** Length of the path log that was published last; 0 before the first publish ended. */
  readonly version: number
  /** When it was shared, milliseconds since 1970. Absent in records of 0.3.0. */
  readonly since?: number
  /**
   * Folders on another disk than the folder around them, `''` for the shared one. When they are gone, nobody deleted
   * them.
   */
  readonly boundaries?: readonly DrivePath[]
  /** `RULES_VERSION` of the last scan; absent before there was one. */
  readonly rules?: number
  readonly hidden?: NewlyHidden | undefined
  /**
   * Which large files have their bytes in the folder alone and not in the store: those published from some time on, or
   * all. Undefined: the store has all bytes.
   */
  readonly inPlace?: 'some' | 'all' | undefined
  /** Set when the log was lost or damaged: it is never appended to again. */
  readonly lost?: boolean
  /** The share was removed, and its logs are being deleted. */
  readonly removed?: boolean
  /** Which former versions are kept, where the user chose. */
  readonly versions?: Partial<VersionKeeping>
}

/** Whether the store has all bytes of an own share, also those of files that are in its folder. */
export function storesAll({ once, versions }: ShareRecord): boolean {
  return once || versions?.large === true
}

/** Published paths that newer rules hide; kept with the share. */
export interface NewlyHidden {
  /** Left out for their name or place. */
  readonly paths: readonly DrivePath[]
  /** Left out for their content. */
  readonly contents: readonly DrivePath[]
  /** When the user was told, milliseconds since 1970: it has to outlive the process. 0: they may go now. */
  readonly toldAt?: number
}

/** Somebody else's share. Keyed by share id. */
export interface OpenedRecord {
  readonly id: ShareId
  readonly key: DriveKey
  readonly encryptionKey?: EncryptionKey
  readonly name: string
  readonly isFile: boolean
  readonly keep: boolean
  readonly stopped: boolean
  /** When it was opened, milliseconds since 1970. Absent in records of 0.3.0. */
  readonly since?: number
  /** Which former versions are kept, where the user chose. */
  readonly versions?: Partial<VersionKeeping>
}

/** Orders shares as lists show them. The catalog has them in the order of random keys. */
export function byAge(a: ShareWithRecord, b: ShareWithRecord): number {
  return (a.record.since ?? 0) - (b.record.since ?? 0) || (a.record.name < b.record.name ? -1 : 1)
}

interface ShareWithRecord {
  readonly record: { readonly since?: number; readonly name: string }
}

/** A copy that was asked for. Keyed by job. */
export interface CopyRecord {
  readonly job: string
  readonly share: ShareId
  readonly path: DrivePath
  readonly folder: string
  /** The umask of the client that asked. Absent in records of an earlier version. */
  readonly umask?: number
  /** A former version; absent: the newest. */
  readonly version?: number
  readonly result?: TransferResult
  readonly failure?: UserError
  /** The name in the list, and when the copy was over (milliseconds since 1970). Absent in records of 0.3.0. */
  readonly name?: string
  readonly ended?: number
  /**
   * The bytes of its large files are in its folder (table `held`), and not in the store. Absent in records of an
   * earlier version: there the store has them as well.
   */
  readonly inPlace?: true
}

/** A folder that is kept in step with a share, or with `path` in it. Keyed by its id. */
export interface LiveRecord {
  /** Random; also the job of what is written for it. */
  readonly id: string
  readonly share: ShareId
  readonly path: DrivePath
  /** Absolute, links resolved. */
  readonly folder: string
  /** Patterns of what is kept in step; absent: everything. */
  readonly only?: readonly string[]
  /** The umask of the client that asked. */
  readonly umask?: number
  /** The user paused it. */
  readonly paused?: boolean
  /** When it was begun, milliseconds since 1970. */
  readonly since: number
  /** See `CopyRecord`. */
  readonly inPlace?: true
}

/** A file that a live copy took away, in the data folder. Keyed by its id. */
export interface KeptRecord {
  /** Random; the name of the file that holds its bytes. */
  readonly id: string
  readonly share: ShareId
  /** The live copy's folder, absolute, and the path inside it, beginning with `/`. */
  readonly folder: string
  readonly path: string
  /** Bytes. */
  readonly size: number
  /** Milliseconds since 1970. */
  readonly mtime: number
  readonly executable: boolean
  /** When it was taken away, milliseconds since 1970. */
  readonly at: number
  /** The share took it away, less than a day after it had come. */
  readonly passing?: true
}

/** What was published of a file, and how the file looked then. Keyed by seed and path. */
export interface PublishedFile {
  readonly kind: 'file' | 'link'
  readonly size: number
  readonly mtimeMs: number
  readonly ino: number
  /** When anything about it changed last, which nobody can set. Absent where an earlier version noted it. */
  readonly ctimeMs?: number
  /** It was read so soon after its last change that the next one may leave its times as they are. */
  readonly fresh?: true
  readonly executable: boolean
  readonly linkTarget?: string
  readonly blob?: BlobRef
  readonly pack?: PackRef
  /** SHA-256 of the first block (of all of it, when it has only one), Base64. Finds identical content. */
  readonly head?: string
}

/**
 * What a copy made at a path, or laid beside it, and how that looked then. Keyed by target and path. Without `ctimeMs`,
 * `hash` and `executable` it was written by an earlier version, or says what a copy that was killed had written.
 */
export interface CopiedFile {
  /** The last content that both sides had in common: see `contentId` in drive/format/entry.ts; or `FOLDER`. */
  readonly content: string
  /** -1 when the stat of what lies there is not known. */
  readonly size: number
  readonly mtimeMs: number
  readonly ino: number
  readonly ctimeMs?: number
  /** The content was compared when the file's times were past: a change after that shows in them. */
  readonly settled?: boolean
  /** BLAKE2b of a small file's bytes. Larger ones are known by the hashes of their blocks. */
  readonly hash?: Uint8Array
  /** Where the content lies in the log, see `placeOf` in bases.ts. Absent in records of 0.3.0. */
  readonly at?: readonly number[]
  /** The time that the share gave it (milliseconds), if any. */
  readonly time?: number
  /** The executable bit that the share gave it. */
  readonly executable?: boolean
  /** Where an incoming file was put because this one was changed locally, and what it held. */
  readonly conflict?: { readonly content: string; readonly path: string }
  /** The user deleted it, and a live copy leaves it so. */
  readonly away?: true
  /** What it held then: if it is back as it was, it is followed again. */
  readonly was?: Pick<CopiedFile, 'content' | 'hash'>
  /** A live copy is about to take it away or to rename it: when it is gone, the user did not delete it. */
  readonly leaving?: true
}

/**
 * The content that both sides of a conflict started from, kept while the incoming file lies beside the user's. Keyed by
 * the absolute path of the incoming file.
 */
export interface BaseRecord {
  readonly share: ShareId
  /** See `targetKey`. */
  readonly target: string
  /** The target, absolute; inside it the user's file and the incoming one, beginning with `/`. */
  readonly folder: string
  readonly path: string
  readonly copy: string
  /** Fork of the log of bytes. Places in the log are valid for this fork only. */
  readonly fork: number
  readonly base: BaseContent
  /** What the incoming file holds. */
  readonly theirs: BaseContent
  /** The incoming content that was merged into the user's file, while it has merge markers. */
  readonly merged?: BaseContent
  /** The umask for files that are written. */
  readonly umask?: number
}

/** Content of a version. */
export type BaseContent = Required<Pick<CopiedFile, 'content' | 'at'>>

/**
 * A large file in a copy of an opened share. It has its blocks, so the store need not have them. Keyed by share id, the
 * number of its first block, and its place: `<share>/<first>:<folder><path>`.
 */
export interface HolderFile {
  /** Of the copy; absolute. */
  readonly folder: string
  /** Of the file in it, beginning with '/'. */
  readonly path: string
  /** Bytes. */
  readonly size: number
  readonly blocks: number
  /** It is about to be written, or is being written: what lies at its place is another file. */
  readonly begun?: true
  /**
   * Name of the file in the same folder that it is written to; its length is what is there. Absent: written at once.
   */
  readonly temporary?: string
  /** Its length does not tell what is there: later parts were written before earlier ones. */
  readonly scattered?: true
  /** The start of the machine in which it was written, until it is known to be on the disk. */
  readonly unsynced?: string
}

/** The content of a folder that a copy made. */
export const FOLDER = 'folder'

/** What a copy that has not ended is about to write, or has written since its last mark. Keyed as what was copied. */
export interface IntendedFile {
  readonly content: string
  readonly size: number
  /** Milliseconds, whole. */
  readonly mtime: number
  /** Nothing was there when the copy began. */
  readonly fresh?: boolean
}

/** The temporary of a large file that a copy has written in part. Keyed as what was copied. */
export interface PartialFile {
  /** The copy that writes it. */
  readonly job: string
  /** Random; gives the temporary its name. */
  readonly token: string
  readonly content: string
  /** How far it was written. Valid in the same start of the machine (`boot`): the end of a process loses nothing. */
  readonly written: WrittenPart
  readonly boot: string
  /** How far it is on the disk. */
  readonly onDisk: WrittenPart
  /** What tells it from any other file. */
  readonly ino: number
  readonly birthtimeMs: number
}

/** How far a file is written: this many bytes, which are this many blocks. */
export interface WrittenPart {
  readonly bytes: number
  readonly blocks: number
}

export interface Settings {
  readonly name?: string
  readonly keepRunning?: boolean
  readonly ignore?: readonly string[]
  readonly directTcp?: boolean
  readonly limits?: Partial<Limits>
}

interface Tables {
  share: ShareRecord
  opened: OpenedRecord
  copy: CopyRecord
  published: PublishedFile
  /** Length of the path log that the records of what was published describe. Keyed by seed, written with them. */
  indexed: number
  copied: CopiedFile
  intended: IntendedFile
  partial: PartialFile
  held: HolderFile
  live: LiveRecord
  keptFile: KeptRecord
  base: BaseRecord
  blocked: { readonly since: number }
  /** Bytes of an opened share that were fetched and are in the store. Keyed by share id. */
  kept: { readonly bytes: number }
  settings: Settings
  run: RunRecord
}

export type Table = keyof Tables

/** One change of a `write()`; an undefined value deletes. */
export type Write = {
  [T in Table]: { readonly table: T; readonly key: string; readonly value: Tables[T] | undefined }
}[Table]

/** Bounds the room that the database takes on the disk for its journal ahead: by default 70 MB. */
const WRITE_BUFFER_BYTES = 1024 * 1024

/** Records read in one go; each go is a trip to another thread. */
const RECORDS_AT_ONCE = 256

/** One of each for all records: a new one would take a buffer of its own, and learn the keys again. */
const encoder = new Encoder({ ignoreUndefined: true })
const decoder = new Decoder()

export class Catalog {
  private constructor(private readonly db: RocksDB) {}

  static async open(folder: string): Promise<Catalog> {
    const db = new RocksDB(folder, { writeBufferSize: WRITE_BUFFER_BYTES })
    await db.ready()
    return new Catalog(db)
  }

  async get<T extends Table>(table: T, key: string): Promise<Tables[T] | undefined> {
    const bytes = await this.db.get(`${table}/${key}`)
    return bytes === null ? undefined : (decoder.decode(bytes) as Tables[T])
  }

  async put<T extends Table>(table: T, key: string, value: Tables[T]): Promise<void> {
    await this.db.put(`${table}/${key}`, encoder.encode(value))
  }

  async delete(table: Table, key: string): Promise<void> {
    await this.db.delete(`${table}/${key}`)
  }

  async write(changes: Iterable<Write>): Promise<void> {
    await this.writeSlowly(changes, () => false)
  }

  /** As `write`, but lets waiting events run whenever `due` says so. Two such writes may land in either order. */
  async writeSlowly(changes: Iterable<Write>, due = slicer()): Promise<void> {
    const batch = this.db.write({ autoDestroy: true })
    for (const { table, key, value } of changes) {
      const fullKey = `${table}/${key}`
      if (value === undefined) batch.tryDelete(fullKey)
      else batch.tryPut(fullKey, encoder.encode(value))
      if (due()) await breathe()
    }
    await batch.flush()
  }

  /** Every record of a table whose key starts with `prefix`; keys come without table and prefix. */
  async *list<T extends Table>(table: T, prefix = ''): AsyncGenerator<[string, Tables[T]]> {
    const records: [string, Tables[T]][] = []
    await this.each(table, prefix, (key, value) => records.push([key, value]))
    yield* records
  }

  /** As `list`, for tables with a record for every file: a promise for each would cost more than to read it. */
  each<T extends Table>(
    table: T,
    prefix: string,
    visit: (key: string, value: Tables[T]) => void,
  ): Promise<void> {
    const start = `${table}/${prefix}`
    const length = Buffer.byteLength(start)
    const records = this.db.iterator({ gte: start, lt: endOf(start), capacity: RECORDS_AT_ONCE })
    return new Promise((resolve, reject) => {
      records.on('data', ({ key, value }) => {
        try {
          visit(key.toString('utf8', length), decoder.decode(value) as Tables[T])
        } catch (error) {
          records.destroy(error) // it cannot be decoded
        }
      })
      records.once('error', reject)
      records.once('close', resolve)
    })
  }

  async deleteAll(table: Table, prefix: string): Promise<void> {
    const start = `${table}/${prefix}`
    const batch = this.db.write({ autoDestroy: true })
    batch.tryDeleteRange(start, endOf(start))
    await batch.flush()
  }

  async close(): Promise<void> {
    await this.db.close()
  }
}

/** Sorts behind every key with this start: no byte of UTF-8 is as large as 0xff. */
function endOf(start: string): Buffer {
  return Buffer.concat([Buffer.from(start), Buffer.from([0xff])])
}
