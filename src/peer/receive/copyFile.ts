/**
 * One file of a copy: from bytes to its place, or beside it when the user changed what lies there. A local file that
 * nobody recorded is compared with what comes in, and taken over as it is when it is the same.
 */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { type ErrorCode, PeerfoldError } from '../../common/errors'
import { withTrueSize } from '../drive/blockMap'
import type { ReadOptions } from '../drive/blocks'
import { Decrypter } from '../drive/decrypter'
import type { DriveEntry } from '../drive/entry'
import { readBlocks, readMapped, readWhole } from '../drive/read'
import type { ShareDrive } from '../drive/shareDrive'
import type { TargetRules } from '../names/rules'
import { conflictName } from './conflicts'
import type { CopyMarks } from './copyMarks'
import type { PlannedFile } from './copyPlan'
import type { PartialFiles } from './partialFiles'
import { isOther } from './superseded'
import { WriteError } from './writeErrors'
import type { LargeFile, SafeWriter } from './writer'

/** Files up to this size (bytes) are fetched whole before they are written. */
const WHOLE_BYTES = 4 * 1024 * 1024

/** What keeps the next block from coming, and may pass. */
const PASSING: readonly ErrorCode[] = ['offline', 'store-limit']

const NO_FOLLOW = constants.O_NOFOLLOW ?? 0

export interface FileCopierOptions {
  readonly share: ShareDrive
  readonly folder: string
  readonly writer: SafeWriter
  readonly rules: TargetRules
  readonly marks: CopyMarks
  readonly partials: PartialFiles
  /** The process ends: what is not done goes on with the next one. */
  readonly isEnding: () => boolean
  readonly read: ReadOptions
  /** Bytes of the file that are done; negative when they must be done again. */
  readonly onBytes: (bytes: number) => void
  /** Waits until reading may succeed again. Throws when it should not be tried. */
  readonly whenOffline: (error: PeerfoldError) => Promise<void>
  /** Paths inside the target. */
  readonly onConflict: (path: string, copy: string) => void
}

/** How far a file is written. */
interface Position {
  bytes: number
  blocks: number
}

interface Opened {
  readonly large: LargeFile
  /** Undefined for a file that is not resumed. */
  readonly token: string | undefined
  readonly progress: Position
}

export class FileCopier {
  constructor(private readonly options: FileCopierOptions) {}

  /** Fetches and writes a file. Throws WriteError, or PeerfoldError (`bad-entry`, `offline`, `cancelled`). */
  async copy(planned: PlannedFile): Promise<void> {
    const { share } = this.options
    const file = await this.withTrueSize(planned)
    if (file.entry.size <= WHOLE_BYTES)
      return this.write(file, await readWhole(share, file.entry, this.readOf(file.entry)))
    if (file.compare && (await this.isSame(file))) return this.takeOver(file)
    try {
      await this.stream(file)
    } catch (error) {
      if (!changedMeanwhile(file, error)) throw error
      await this.stream(asConflict(file))
    }
  }

  private async withTrueSize(file: PlannedFile): Promise<PlannedFile> {
    const { share } = this.options
    const entry = await withTrueSize(share, file.entry, this.readOf(file.entry))
    if (entry === file.entry) return file
    const sameSize = file.precondition !== 'absent' && file.precondition.size === entry.size
    return { ...file, entry, compare: file.conflict && sameSize }
  }

  /** Writes a small file whose bytes are here. */
  async write(file: PlannedFile, bytes: Buffer): Promise<void> {
    if (file.compare && (await this.holds(file, bytes))) return this.takeOver(file)
    const { writer } = this.options
    try {
      const segments = this.destination(file)
      const mark = await writer.writeSmall(segments, bytes, placing(file))
      this.record(file, segments, mark)
    } catch (error) {
      if (!changedMeanwhile(file, error)) throw error
      return this.write(asConflict(file), bytes)
    }
    this.options.onBytes(bytes.length)
  }

  private async stream(file: PlannedFile): Promise<void> {
    const { partials, onBytes } = this.options
    const segments = this.destination(file)
    const { large, token, progress } = await this.open(file, segments)
    try {
      onBytes(progress.bytes)
      await this.fill(large, file, token, progress)
      this.record(file, segments, await large.commit())
    } catch (error) {
      onBytes(-progress.bytes)
      await this.leave(large, file, error)
      throw error
    }
    await partials.forget(file)
  }

  /** Nobody waits for what was superseded and is gone. */
  private readOf(entry: DriveEntry): ReadOptions {
    return { ...this.options.read, isSuperseded: () => isOther(this.options.share, entry) }
  }

  /** Opens the temporary that an earlier run left, if it is known how far that is whole; else a new one. */
  private async open(file: PlannedFile, segments: readonly string[]): Promise<Opened> {
    const { writer, partials } = this.options
    const options = { size: file.entry.size, ...placing(file) }
    const isKnown = partials.has(file)
    const token = partials.tokenOf(file)
    if (token === undefined)
      return { large: await writer.openLarge(segments, options), token, progress: { bytes: 0, blocks: 0 } }
    const large = await writer.openLarge(segments, { ...options, resumeToken: token })
    if (!isKnown) return { large, token, progress: { bytes: 0, blocks: 0 } }
    try {
      const progress = await this.progressOf(file, large)
      if (progress !== undefined) return { large, token, progress }
    } catch (error) {
      await this.leave(large, file, error)
      throw error
    }
    // Whatever lies there is not ours to write to.
    await large.abort()
    await partials.forget(file)
    return this.open(file, segments)
  }

  /** How far a temporary is whole: up to its mark, if the last block before that is what it should be. */
  private async progressOf(file: PlannedFile, large: LargeFile): Promise<Position | undefined> {
    const marked = this.options.partials.progressOf(file, large)
    if (marked === undefined) return undefined
    for await (const block of this.blocksOf(file, marked.blocks - 1, 0)) {
      const start = marked.bytes - block.length
      if (start < 0 || !(await large.read(start, block.length)).equals(block)) return undefined
      large.markPresent(0, marked.bytes)
      return { ...marked }
    }
    return undefined
  }

  /** After a failure: leaves a temporary to whoever goes on with it, removes any other. */
  private async leave(large: LargeFile, file: PlannedFile, error: unknown): Promise<void> {
    const { partials, isEnding } = this.options
    const passes = error instanceof PeerfoldError && PASSING.includes(error.code)
    if (partials.has(file) && (passes || isEnding())) return large.suspend()
    await large.abort()
    await partials.forget(file)
  }

  /** Writes block after block; when nobody has the next, waits and goes on there. */
  private async fill(
    large: LargeFile,
    file: PlannedFile,
    token: string | undefined,
    progress: Position,
  ): Promise<void> {
    const { entry } = file
    for (;;) {
      try {
        for await (const block of this.blocksOf(file, progress.blocks, progress.bytes)) {
          if (progress.bytes + block.length > entry.size) throw new PeerfoldError('bad-entry', entry.path)
          await large.write(progress.bytes, block)
          progress.bytes += block.length
          progress.blocks++
          this.options.onBytes(block.length)
          if (token !== undefined) await this.options.partials.written(file, token, large, progress)
        }
        if (progress.bytes !== entry.size) throw new PeerfoldError('bad-entry', entry.path)
        return
      } catch (error) {
        if (!(error instanceof PeerfoldError) || !PASSING.includes(error.code)) throw error
        await this.options.whenOffline(error)
      }
    }
  }

  /** Each holds until the next is asked for. */
  private async *blocksOf(file: PlannedFile, block: number, position: number): AsyncGenerator<Buffer> {
    const { share } = this.options
    const { entry } = file
    const read = this.readOf(entry)
    if (entry.blob?.blockMap) return yield* readMapped(share, entry, position, entry.size - position, read)
    const core = await share.bytesReady(read.signal)
    yield* readBlocks(core, entry, block, read, Decrypter.of(core))
  }

  private async holds(file: PlannedFile, bytes: Buffer): Promise<boolean> {
    const handle = await this.openLocal(file)
    if (handle === undefined) return false
    try {
      return (await handle.readFile()).equals(bytes)
    } finally {
      await handle.close()
    }
  }

  private async isSame(file: PlannedFile): Promise<boolean> {
    const handle = await this.openLocal(file)
    if (handle === undefined) return false
    try {
      let position = 0
      for await (const block of this.blocksOf(file, 0, 0)) {
        const local = Buffer.allocUnsafe(block.length)
        const { bytesRead } = await handle.read(local, 0, block.length, position)
        if (bytesRead !== block.length || !local.equals(block)) return false
        position += block.length
      }
      return position === file.entry.size
    } finally {
      await handle.close()
    }
  }

  /** Undefined for a file that cannot be read: it counts as another one, and is kept. */
  private async openLocal(file: PlannedFile): Promise<FileHandle | undefined> {
    try {
      return await open(this.onDisk(file.path), constants.O_RDONLY | NO_FOLLOW)
    } catch {
      return undefined // what is wrong with it shows when something is to be written there
    }
  }

  /** The local file has the incoming content already: from now on it is known. */
  private async takeOver(file: PlannedFile): Promise<void> {
    const local = this.options.writer.stat(file.segments)
    if (local !== undefined) this.options.marks.written(file, local)
    this.options.onBytes(file.entry.size)
  }

  private destination(file: PlannedFile): readonly string[] {
    const { rules, writer } = this.options
    if (!file.conflict) return file.segments
    return conflictName(file.segments, new Date(), rules, segments => writer.stat(segments) !== undefined)
  }

  private record(
    file: PlannedFile,
    segments: readonly string[],
    mark: Parameters<CopyMarks['written']>[1],
  ): void {
    if (!file.conflict) {
      this.options.marks.written(file, mark)
      return
    }
    const copy = `/${segments.join('/')}`
    this.options.marks.conflict(file, copy)
    this.options.onConflict(file.path, copy)
  }

  private onDisk(path: string): string {
    return join(this.options.folder, ...path.split('/'))
  }
}

function placing(file: PlannedFile): {
  executable: boolean
  mtimeMs?: number
  precondition: PlannedFile['precondition']
} {
  const { executable, mtime } = file.entry
  const precondition = file.conflict ? 'absent' : file.precondition
  return { executable, precondition, ...(mtime === undefined ? {} : { mtimeMs: mtime }) }
}

/** The user saved the file between the plan and the write. */
function changedMeanwhile(file: PlannedFile, error: unknown): boolean {
  return error instanceof WriteError && error.code === 'changed' && !file.conflict
}

function asConflict(file: PlannedFile): PlannedFile {
  return { ...file, conflict: true, compare: false }
}
