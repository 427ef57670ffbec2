/**
 * A copy: share → folder. Plan, then fetch and write, several files at once, as bytes arrive.
 *
 * Small files come out of packs (drive/listing.ts), large ones block by block, all through the one writer. What was
 * written is recorded in marks, so that after an unclean end only what came after the last mark is compared by
 * content. When nobody is there, or the disk is full, or the folder vanished, the copy pauses, says so, and goes on
 * by itself; an entry that cannot be written is listed and stops nothing else.
 */
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { DrivePath, ShareId } from '../../common/brand'
import { PeerfoldError, type toUserError } from '../../common/errors'
import type { SkippedEntry, TransferResult } from '../../common/model'
import type { Catalog, Write } from '../catalog'
import { contentId } from '../drive/entry'
import { PACK_BYTES } from '../drive/listing'
import { readBlocks, readWhole, sliceOfPack } from '../drive/read'
import type { ShareDrive } from '../drive/shareDrive'
import { delay, throwIfAborted } from '../time'
import type { Transfer } from '../transfers'
import { conflictName } from './conflicts'
import { type CopyPlan, type PlannedFile, planCopy, targetKey } from './copyPlan'
import { probeRules } from './probe'
import { describeLinkRefusal } from './refusals'
import type { TargetRules } from './rules'
import { runBounded } from './runBounded'
import { contentWarnings, describeWarning } from './warnings'
import { pausesTransfer, WriteError } from './writeErrors'
import { type FileMark, SafeWriter } from './writer'

/** Files up to this size are fetched whole before they are written. */
const WHOLE_BYTES = 4 * 1024 * 1024
/** Bytes being fetched at once, and pieces of work. */
const BYTES_IN_FLIGHT = 24 * 1024 * 1024
const UNITS_IN_FLIGHT = 96
/** A block is waited for this long before the copy looks again who is there. */
const BLOCK_TIMEOUT = 8_000
const MARK_FILES = 500
const MAX_LISTED = 1_000
const RETRY_PAUSES = [250, 500, 1_000, 2_000, 5_000]

export interface CopyOptions {
  readonly share: ShareDrive
  readonly id: ShareId
  /** A folder, a file, or '/' for everything. */
  readonly path: DrivePath
  readonly folder: string
  readonly catalog: Catalog
  readonly transfer: Transfer
  /** Content bytes that came over the network so far. */
  readonly fetched: () => number
  /** Resolves when somebody who has the share may have come. */
  readonly peerCame: () => Promise<void>
  readonly stale: () => boolean
}

interface Unit {
  readonly bytes: number
  readonly files: readonly PlannedFile[]
  /** The pack that holds them; absent: each file's own blocks. */
  readonly pack?: number
}

/** Runs a copy to its end. Rejects with PeerfoldError (`cancelled`, `target-vanished`, …). */
export async function runCopy(options: CopyOptions): Promise<TransferResult> {
  const { folder, transfer, share } = options
  const signal = transfer.abort.signal
  const { index } = share
  if (index === undefined) throw new PeerfoldError('offline', options.path)
  const entries = index.select(options.path)
  if (entries.length === 0 && options.path !== '/') throw new PeerfoldError('file-not-found', options.path)

  const { writer, rules } = openTarget(folder)
  try {
    await writer.sweep()
    const target = `${targetKey(options.id, folder)}`
    const plan = await planCopy(entries, options.path, target, writer, rules, options.catalog, signal)
    transfer.files = {
      done: plan.present.files,
      total: plan.files.length + plan.present.files + plan.links.length,
    }
    transfer.bytes = { done: plan.present.bytes, total: plan.bytes + plan.present.bytes }
    transfer.progress(0, 0)
    const copy = new Copy(options, plan, target, writer, rules)
    return await copy.run()
  } finally {
    await writer.close()
  }
}

class Copy {
  private readonly skipped: SkippedEntry[]
  private readonly conflicts: { path: string; copy: string }[]
  private readonly before: number
  private marks: Write[] = []
  private marking: Promise<void> = Promise.resolve()
  private readonly signal: AbortSignal

  constructor(
    private readonly options: CopyOptions,
    private readonly plan: CopyPlan,
    private readonly target: string,
    private readonly writer: SafeWriter,
    private readonly rules: TargetRules,
  ) {
    this.skipped = [...plan.skipped]
    this.conflicts = plan.conflicts.map(({ path, copy }) => this.conflictAt(path, copy))
    this.before = options.fetched()
    this.signal = options.transfer.abort.signal
  }

  async run(): Promise<TransferResult> {
    const { transfer } = this.options
    const limits = { bytes: BYTES_IN_FLIGHT, units: UNITS_IN_FLIGHT, signal: this.signal }
    try {
      await runBounded(unitsOf(this.plan.files), limits, unit => this.untilDone(unit))
    } finally {
      await this.mark()
      await this.marking
    }
    for (const link of this.plan.links) {
      this.makeLink(link)
      transfer.progress(1, 0)
    }
    return this.result()
  }

  /** Does a unit again and again until it is done or cannot be done, pausing while the cause lasts. */
  private async untilDone(unit: Unit): Promise<void> {
    const { transfer } = this.options
    let left = [...unit.files]
    for (let attempt = 0; left.length > 0; attempt++) {
      throwIfAborted(this.signal)
      try {
        left =
          unit.pack === undefined || attempt > 0
            ? await this.fetchFiles(left)
            : await this.fetchPack(unit.pack, left)
        transfer.resume()
      } catch (error) {
        const pause = this.pauseFor(error)
        if (pause === undefined) throw error
        transfer.pause(pause)
        const wait = delay(RETRY_PAUSES[Math.min(attempt, RETRY_PAUSES.length - 1)] ?? 5_000, this.signal)
        await (pause.code === 'stalled' ? Promise.race([wait, this.options.peerCame()]) : wait)
      }
    }
  }

  private pauseFor(error: unknown): ReturnType<typeof toUserError> | undefined {
    if (error instanceof PeerfoldError) {
      return error.code === 'offline' ? new PeerfoldError('stalled').toUserError() : undefined
    }
    if (!(error instanceof WriteError) || !pausesTransfer(error)) return undefined
    const { folder } = this.options
    if (error.code === 'no-space') return new PeerfoldError('no-space', folder).toUserError()
    if (error.code === 'vanished') return new PeerfoldError('target-vanished', folder).toUserError()
    if (error.code === 'read-only') return new PeerfoldError('target-read-only', folder).toUserError()
    return new PeerfoldError('io-failed', error.message).toUserError()
  }

  /** Writes files out of one pack; the files that could not be done are for the caller to try otherwise. */
  private async fetchPack(pack: number, files: readonly PlannedFile[]): Promise<PlannedFile[]> {
    const core = await this.options.share.bytesReady(this.signal)
    let block: Buffer | null
    try {
      block = await core.get(pack, { timeout: BLOCK_TIMEOUT })
    } catch {
      return [...files] // nobody gave the pack in time: ask for the files' own blocks
    }
    if (block === null) return [...files]
    for (const file of files) {
      await this.writeWhole(file, () => sliceOfPack(block, file.entry))
    }
    return []
  }

  private async fetchFiles(files: PlannedFile[]): Promise<PlannedFile[]> {
    const options = { timeout: BLOCK_TIMEOUT, signal: this.signal }
    while (files.length > 0) {
      const file = files[0]
      if (file === undefined) break
      if (file.entry.size <= WHOLE_BYTES) {
        try {
          const bytes = await readWhole(this.options.share, file.entry, options)
          await this.writeWhole(file, () => bytes)
        } catch (error) {
          if (!isBadEntry(error)) throw error
          this.skip(file.path, 'bad-entry', error.message)
          this.options.transfer.progress(1, 0)
        }
      } else await this.fetchLarge(file)
      files.shift()
    }
    return files
  }

  private async writeWhole(file: PlannedFile, bytes: () => Buffer): Promise<void> {
    try {
      const content = bytes()
      if (file.compare && (await this.hasContent(file, content))) return
      const segments = this.destination(file)
      const written = await this.writer.writeSmall(segments, content, {
        ...writeOptions(file),
        precondition: file.conflict ? 'absent' : file.precondition,
      })
      this.wrote(file, segments, written)
    } catch (error) {
      if (changedMeanwhile(file, error)) return this.writeWhole(asConflict(file), bytes)
      this.skipOrThrow(file, error)
    }
    this.options.transfer.progress(1, file.entry.size)
  }

  private async fetchLarge(file: PlannedFile): Promise<void> {
    const { entry } = file
    const { blob } = entry
    if (blob === undefined) return
    const core = await this.options.share.bytesReady(this.signal)
    const { transfer } = this.options
    let counted = 0
    try {
      if (file.compare && (await this.compareLarge(file))) return
      const segments = this.destination(file)
      const large = await this.writer.openLarge(segments, {
        size: entry.size,
        ...writeOptions(file),
        precondition: file.conflict ? 'absent' : file.precondition,
      })
      try {
        let position = 0
        for await (const block of this.blocksOf(core, file)) {
          if (position + block.length > entry.size) throw new PeerfoldError('bad-entry', entry.path)
          await large.write(position, block)
          position += block.length
          counted += block.length
          transfer.progress(0, block.length)
          transfer.resume()
        }
        if (position !== entry.size) throw new PeerfoldError('bad-entry', entry.path)
        this.wrote(file, segments, await large.commit())
      } catch (error) {
        await large.abort()
        throw error
      }
    } catch (error) {
      transfer.progress(0, -counted)
      counted = 0
      if (changedMeanwhile(file, error)) return this.fetchLarge(asConflict(file))
      if (isBadEntry(error)) this.skip(file.path, 'bad-entry', error.message)
      else this.skipOrThrow(file, error)
    }
    transfer.progress(1, entry.size - counted)
  }

  private async *blocksOf(
    core: Awaited<ReturnType<ShareDrive['bytesReady']>>,
    file: PlannedFile,
  ): AsyncGenerator<Buffer> {
    const { entry } = file
    const options = { timeout: BLOCK_TIMEOUT, signal: this.signal }
    if (entry.blob?.blockMap) {
      const blobs = await this.options.share.drive.getBlobs()
      yield* blobs.createReadStream({ ...entry.blob }, { timeout: BLOCK_TIMEOUT })
    } else if (entry.blob !== undefined) yield* readBlocks(core, entry.blob, entry, options)
  }

  /** Compares a local file that nobody recorded with what comes in; the same content is taken over as it is. */
  private async hasContent(file: PlannedFile, content: Buffer): Promise<boolean> {
    const handle = await open(this.onDisk(file.path), 'r')
    try {
      const local = await handle.readFile()
      if (!local.equals(content)) return false
    } finally {
      await handle.close()
    }
    return this.takeOver(file)
  }

  private async compareLarge(file: PlannedFile): Promise<boolean> {
    const core = await this.options.share.bytesReady(this.signal)
    const handle = await open(this.onDisk(file.path), 'r')
    try {
      let position = 0
      for await (const block of this.blocksOf(core, file)) {
        const local = Buffer.allocUnsafe(block.length)
        const { bytesRead } = await handle.read(local, 0, block.length, position)
        if (bytesRead !== block.length || !local.equals(block)) return false
        position += block.length
      }
    } finally {
      await handle.close()
    }
    return this.takeOver(file)
  }

  private takeOver(file: PlannedFile): boolean {
    const local = this.writer.stat(file.segments)
    if (local === undefined || file.precondition === 'absent') return false
    this.record(file, { size: local.size, mtimeMs: local.mtimeMs, ino: local.ino })
    this.options.transfer.progress(1, file.entry.size)
    return true
  }

  private destination(file: PlannedFile): readonly string[] {
    return file.conflict ? conflictName(file.segments, new Date(), this.rules) : file.segments
  }

  private wrote(file: PlannedFile, segments: readonly string[], written: FileMark): void {
    if (!file.conflict) {
      this.record(file, written)
      return
    }
    const copy = `/${segments.join('/')}`
    this.conflicts.push(this.conflictAt(file.path, copy))
    const conflict = { content: contentId(file.entry), path: copy }
    this.marks.push({
      table: 'copied',
      key: this.target + file.path,
      value: { content: '', size: -1, mtimeMs: 0, ino: 0, conflict },
    })
  }

  private record(file: PlannedFile, { size, mtimeMs, ino }: FileMark): void {
    const value = { content: contentId(file.entry), size, mtimeMs, ino }
    this.marks.push({ table: 'copied', key: this.target + file.path, value })
    if (this.marks.length >= MARK_FILES) this.marking = this.marking.then(() => this.mark())
  }

  private async mark(): Promise<void> {
    const marks = this.marks
    this.marks = []
    if (marks.length > 0) await this.options.catalog.write(marks)
  }

  private makeLink({ entry, path, segments }: CopyPlan['links'][number]): void {
    try {
      const made = this.writer.makeLink(segments, entry.linkTarget ?? '')
      if (!made.ok) this.skip(path, made.reason, describeLinkRefusal(made.reason))
    } catch (error) {
      this.skipOrThrow({ path }, error)
    }
  }

  private skipOrThrow(file: { readonly path: string }, error: unknown): void {
    if (isBadEntry(error)) this.skip(file.path, 'bad-entry', error.message)
    else if (error instanceof WriteError && !pausesTransfer(error))
      this.skip(file.path, error.code, error.message)
    else throw error
  }

  private skip(path: string, reason: string, detail: string): void {
    this.skipped.push({ path, reason, detail })
  }

  private conflictAt(path: string, copy: string): { path: string; copy: string } {
    return { path: this.onDisk(path), copy: this.onDisk(copy) }
  }

  private onDisk(path: string): string {
    return join(this.options.folder, ...path.split('/'))
  }

  private result(): TransferResult {
    const { transfer, fetched, stale } = this.options
    const warnings = contentWarnings(this.plan.paths, this.plan.executables)
    return {
      files: this.plan.paths.length - (this.skipped.length - this.plan.skipped.length),
      bytes: transfer.bytes.done,
      fetched: Math.max(0, fetched() - this.before),
      skipped: this.skipped.slice(0, MAX_LISTED),
      skippedCount: this.skipped.length,
      conflicts: this.conflicts.slice(0, MAX_LISTED),
      warnings: warnings.slice(0, MAX_LISTED).map(({ path, kind }) => `${path}: ${describeWarning(kind)}`),
      stale: stale(),
    }
  }
}

/** Packs with enough wanted files in them, then everything else, in the order of the log. */
function unitsOf(files: readonly PlannedFile[]): Unit[] {
  const packs = new Map<number, PlannedFile[]>()
  const units: Unit[] = []
  for (const file of files) {
    const { pack } = file.entry
    if (pack === undefined)
      units.push({ bytes: Math.min(file.entry.size, BYTES_IN_FLIGHT / 2), files: [file] })
    else packs.set(pack.block, [...(packs.get(pack.block) ?? []), file])
  }
  for (const [pack, packed] of packs) {
    if (packed.length >= 4) units.push({ bytes: PACK_BYTES, files: packed, pack })
    else for (const file of packed) units.push({ bytes: file.entry.size, files: [file] })
  }
  return units.sort((a, b) => firstBlock(a) - firstBlock(b))
}

function firstBlock(unit: Unit): number {
  return unit.pack ?? unit.files[0]?.entry.blob?.blockOffset ?? 0
}

function openTarget(folder: string): { writer: SafeWriter; rules: TargetRules } {
  try {
    const rules = probeRules(folder)
    return { writer: SafeWriter.open(folder, rules), rules }
  } catch (error) {
    if (!(error instanceof WriteError)) throw error
    const code = error.code === 'vanished' ? 'target-vanished' : 'target-read-only'
    throw new PeerfoldError(error.code === 'no-space' ? 'no-space' : code, folder)
  }
}

function writeOptions(file: PlannedFile): { executable: boolean; mtimeMs?: number } {
  const { executable, mtime } = file.entry
  return { executable, ...(mtime > 0 ? { mtimeMs: mtime } : {}) }
}

/** The user saved the file between the plan and the write. */
function changedMeanwhile(file: PlannedFile, error: unknown): boolean {
  return error instanceof WriteError && error.code === 'changed' && !file.conflict
}

function asConflict(file: PlannedFile): PlannedFile {
  return { ...file, conflict: true, compare: false }
}

function isBadEntry(error: unknown): error is PeerfoldError {
  return error instanceof PeerfoldError && error.code === 'bad-entry'
}
