/**
 * Kept files: files that a live copy took away, because the share does not have them any more, or because the user
 * took the other side of a conflict. They lie in the data folder for some days, up to a number of bytes from the
 * settings, and can be put back.
 *
 * When they pass that number, the oldest of the largest group go first. The files of each share are two groups:
 * those that passed through, which the share had for less than a day before it removed them, and all others. So one
 * sharer cannot push out files that other shares left here, and files that a share adds and deletes every day
 * cannot push out more than half of those that lay in the folder for long.
 *
 * A record is written before its file, and deleted before it. So every file can be found after a crash. The next
 * start drops a record without a file. A file without a record is removed at a start when it is as old as kept
 * files get.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, lstatSync, mkdirSync, read, readdirSync, statSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { PeerfoldError } from '../../common/errors'
import { systemCode } from '../../common/fileErrors'
import type { Former } from '../copy/former/formers'
import { conflictName } from '../disk/conflicts'
import { type OpenFile, openRegular } from '../disk/fileInPlace'
import { probeRules } from '../disk/probe'
import { toWriteError, WriteError } from '../disk/writeErrors'
import { type FileMark, SafeWriter } from '../disk/writer'
import type { Catalog, KeptRecord } from '../store/catalog'
import { describeFileTrouble } from './writeTrouble'

const readAsync = promisify(read)

const DAY = 24 * 3_600_000
/** A file that the share changed less than this time (milliseconds) before it removed it has passed through. */
const PASSING = DAY
/** Milliseconds between looks for files that are too old. */
const LOOK_EVERY = 600_000
/** Bytes read at once. */
const AT_ONCE = 1024 * 1024

export interface KeptLimits {
  readonly keptBytes: number
  readonly keptDays: number
}

/** Which file is taken away, and from where. */
export type Taken = Pick<KeptRecord, 'share' | 'folder' | 'path' | 'executable' | 'passing'>

/** What lies where a file lay: that file as it was, another one, nothing. `unknown`: it cannot be seen now. */
function whatLies(writer: SafeWriter, segments: readonly string[], mark: FileMark) {
  try {
    const now = writer.stat(segments)
    if (now === undefined) return 'nothing'
    const { ino, size, mtimeMs } = now
    return ino === mark.ino && size === mark.size && mtimeMs === mark.mtimeMs ? 'same' : 'other'
  } catch {
    return 'unknown'
  }
}

/** Whether a file that the share removes now had its present state only for a short time. */
export function hasPassed({ ctimeMs }: FileMark): boolean {
  return Date.now() - ctimeMs < PASSING
}

export class KeptFiles {
  private readonly records = new Map<string, KeptRecord>()
  private bytes = 0
  private timer: NodeJS.Timeout | undefined
  /**
   * Files that the last look found too old. The next look decides, so that a clock that is ahead for a while costs
   * nothing.
   */
  private tooOld: ReadonlySet<string> = new Set()

  constructor(
    private readonly catalog: Catalog,
    /** Absolute; made when something is kept. */
    private readonly folder: string,
    private readonly limits: () => KeptLimits,
    private readonly log: (line: string) => void,
  ) {}

  async load(): Promise<void> {
    const names = this.names()
    const there = names && new Set(names)
    for await (const [id, record] of this.catalog.list('keptFile')) {
      if (there === undefined || there.has(id)) this.add(record)
      else await this.catalog.delete('keptFile', id)
    }
    this.sweep(names ?? [])
    await this.lookForOld()
    this.timer = setInterval(() => {
      this.lookForOld().catch(error => this.note(error))
    }, LOOK_EVERY).unref()
  }

  /** The newest first. */
  list(): KeptRecord[] {
    return [...this.records.values()].reverse().sort((a, b) => b.at - a.at)
  }

  /** Takes a file out of a folder. @throws WriteError as `SafeWriter.takeOut` */
  async take(
    writer: SafeWriter,
    segments: readonly string[],
    mark: FileMark,
    taken: Taken,
  ): Promise<boolean> {
    const id = await this.hold(writer, segments, mark, taken)
    if (id !== undefined) await this.prune()
    return id !== undefined
  }

  /**
   * As `take`, for a file that may have to be put back at once: it stays whatever the limit, until the next `prune`.
   * → its id; undefined: nothing was there
   */
  async hold(
    writer: SafeWriter,
    segments: readonly string[],
    mark: FileMark,
    taken: Taken,
  ): Promise<string | undefined> {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 })
    const id = randomBytes(16).toString('hex')
    const { size, mtimeMs } = mark
    const record = { ...taken, id, size, mtime: Math.floor(mtimeMs), at: Date.now() }
    await this.catalog.put('keptFile', id, record)
    let isTaken = false
    try {
      isTaken = await writer.takeOut(segments, this.pathOf(id), mark)
    } catch (error) {
      // The file may be gone from its place all the same. What is kept of it may then be all that is left.
      const left = this.isHere(id) ? whatLies(writer, segments, mark) : 'same'
      isTaken = left !== 'same'
      if (left !== 'nothing')
        throw this.isOwnDiskFull(error, taken.folder)
          ? new PeerfoldError('store-full', this.dataFolder)
          : error
    } finally {
      if (isTaken) this.add(record)
      else {
        await this.catalog.delete('keptFile', id)
        // removes a copy of a file that could not be removed from its place
        await rm(this.pathOf(id), { force: true })
      }
    }
    return isTaken ? id : undefined
  }

  /**
   * Keeps the bytes of a file that is about to be overwritten. They stay whatever the limit, until the next `prune`.
   * → their id. Throws `store-full`, and errors of the file system.
   */
  async keepBytes(bytes: Buffer, mark: FileMark, taken: Taken): Promise<string> {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 })
    const id = randomBytes(16).toString('hex')
    const record = { ...taken, id, size: bytes.length, mtime: Math.floor(mark.mtimeMs), at: Date.now() }
    await this.catalog.put('keptFile', id, record)
    try {
      const file = await open(this.pathOf(id), 'wx', 0o600)
      try {
        await file.writeFile(bytes)
        await file.datasync()
      } finally {
        await file.close()
      }
    } catch (error) {
      await rm(this.pathOf(id), { force: true })
      await this.catalog.delete('keptFile', id)
      const isFull = toWriteError(error, '').code === 'no-space'
      throw isFull ? new PeerfoldError('store-full', this.dataFolder) : error
    }
    this.add(record)
    return id
  }

  /** Deletes the kept bytes of a file if that was not overwritten after all. Otherwise they stay. */
  async drop(id: string, writer: SafeWriter, segments: readonly string[], mark: FileMark): Promise<void> {
    const record = this.records.get(id)
    if (record !== undefined && whatLies(writer, segments, mark) === 'same') await this.forget(record)
  }

  /** Files that were taken out of a folder, the latest first. */
  takenFrom({ share, folder }: Pick<Taken, 'share' | 'folder'>): Former[] {
    return this.list()
      .filter(record => record.share === share && record.folder === folder)
      .map(({ id, path, size }) => ({ path, size, open: () => openRegular(this.pathOf(id)) }))
  }

  /**
   * Puts a file back where it was, or beside another file that is there now. → where (absolute). Throws
   * `kept-file-gone`, `kept-file-torn` and errors of the folder; then it stays kept.
   */
  async restore(id: string): Promise<string> {
    const record = this.records.get(id)
    const kept = record && openRegular(this.pathOf(id))
    if (record === undefined || kept === undefined) throw new PeerfoldError('kept-file-gone')
    const { folder, path } = record
    try {
      if (kept.mark.size < record.size) throw new PeerfoldError('kept-file-torn', this.pathOf(id))
      const place = await putBack(record, kept)
      await this.forget(record)
      return place
    } catch (error) {
      throw describeFileTrouble(error, folder, join(folder, path))
    } finally {
      closeSync(kept.fd)
    }
  }

  /** Deletes files beyond the allowed bytes. To be called after the limits changed. */
  async prune(): Promise<void> {
    const groups = this.bytes > this.limits().keptBytes ? groupsOf(this.list().reverse()) : []
    while (this.bytes > this.limits().keptBytes) {
      const largest = groups.reduce((a, b) => (b.bytes > a.bytes ? b : a), NO_GROUP)
      const oldest = largest.records.shift()
      if (oldest === undefined) break
      largest.bytes -= oldest.size
      await this.forget(oldest)
    }
  }

  private async lookForOld(): Promise<void> {
    await this.prune()
    const before = Date.now() - this.limits().keptDays * DAY
    const old = this.list().filter(({ at }) => at <= before)
    for (const record of old) if (this.tooOld.has(record.id)) await this.forget(record)
    this.tooOld = new Set(old.map(({ id }) => id))
  }

  close(): void {
    clearInterval(this.timer)
  }

  private add(record: KeptRecord): void {
    this.records.set(record.id, record)
    this.bytes += record.size
  }

  private async forget({ id, size }: KeptRecord): Promise<void> {
    if (!this.records.delete(id)) return
    this.bytes -= size
    await this.catalog.delete('keptFile', id)
    // A start removes it when it is old.
    await rm(this.pathOf(id), { force: true }).catch(error => this.note(error))
  }

  /** Whether there is a file of this kept file. True where that cannot be seen now. */
  private isHere(id: string): boolean {
    try {
      return lstatSync(this.pathOf(id), { throwIfNoEntry: false }) !== undefined
    } catch {
      return true
    }
  }

  /** Whether the disk of the data folder is the full one: the file had to be copied there. */
  private isOwnDiskFull(error: unknown, from: string): boolean {
    return error instanceof WriteError && error.code === 'no-space' && this.makesRoomIn(from)
  }

  /** Whether taking a file out of a folder makes room on the folder's disk. */
  makesRoomIn(folder: string): boolean {
    const [from, here] = [folder, this.folder].map(path => statSync(path, { throwIfNoEntry: false }))
    return from !== undefined && here !== undefined && from.dev !== here.dev
  }

  private get dataFolder(): string {
    return dirname(dirname(this.folder))
  }

  private sweep(names: readonly string[]): void {
    const before = Date.now() - this.limits().keptDays * DAY
    for (const name of names)
      if (!this.records.has(name)) this.removeOld(name, before).catch(error => this.note(error))
  }

  private async removeOld(name: string, before: number): Promise<void> {
    const path = this.pathOf(name)
    const { ctimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { ctimeMs: before }
    if (ctimeMs < before) await rm(path, { force: true })
  }

  /** Undefined where the folder cannot be read now. Its files may all be there. */
  private names(): string[] | undefined {
    try {
      return readdirSync(this.folder)
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return [] // nothing was ever kept
      this.note(error)
      return undefined
    }
  }

  private note(error: unknown): void {
    this.log(`kept files: ${String(error)}`)
  }

  private pathOf(id: string): string {
    return join(this.folder, id)
  }
}

/** Copies an open file to its place in the folder, or beside it. → where (absolute) */
async function putBack({ folder, path, mtime, executable }: KeptRecord, kept: OpenFile): Promise<string> {
  // A program that had it open when it was taken may have added to it.
  const { size } = kept.mark
  const rules = probeRules(folder)
  const writer = SafeWriter.open(folder, rules)
  const isTaken = (at: readonly string[]) => writer.stat(at) !== undefined
  try {
    const wanted = path.slice(1).split('/')
    const segments = isTaken(wanted) ? conflictName(wanted, new Date(), rules, isTaken) : wanted
    const options = { size, executable, mtimeMs: mtime, precondition: 'absent' } as const
    const file = await writer.openLarge(segments, options)
    const buffer = Buffer.allocUnsafe(AT_ONCE)
    for (let position = 0; position < size; ) {
      const { bytesRead } = await readAsync(kept.fd, buffer, 0, Math.min(AT_ONCE, size - position), position)
      if (bytesRead === 0) break
      await file.write(position, buffer.subarray(0, bytesRead))
      position += bytesRead
    }
    await file.commit()
    return join(folder, ...segments)
  } finally {
    await writer.close()
  }
}

interface Group {
  bytes: number
  readonly records: KeptRecord[]
}

const NO_GROUP: Group = { bytes: -1, records: [] }

/** Groups of files, in the order of `records`. Each makes room among its own. */
function groupsOf(records: readonly KeptRecord[]): Group[] {
  const groups = new Map<string, Group>()
  for (const record of records) {
    const name = `${record.share} ${record.passing === true}`
    const group = groups.get(name) ?? { bytes: 0, records: [] }
    groups.set(name, group)
    group.bytes += record.size
    group.records.push(record)
  }
  return [...groups.values()]
}
