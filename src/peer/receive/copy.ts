/**
 * A copy: share → folder. Plan, then fetch and write, several files at once, as bytes arrive.
 *
 * When nobody is there, or the disk is full, or the folder vanished, the copy pauses, says so, and goes on by itself;
 * an entry that cannot be written is listed and stops nothing else.
 */
import { join } from 'node:path'
import type { DrivePath, ShareId } from '../../common/brand'
import { PeerfoldError, type UserError } from '../../common/errors'
import type { SkippedEntry, TransferResult } from '../../common/model'
import type { Catalog } from '../catalog'
import type { ReadOptions } from '../drive/blocks'
import { trimSlash } from '../drive/pathIndex'
import { readPack, sliceOfPack } from '../drive/read'
import type { ShareDrive } from '../drive/shareDrive'
import { isBeyondKnown, isBeyondTheEnd, isNowhere, nobodyHas } from '../drive/whoHas'
import { contentBeyond } from '../limits'
import type { StoreBudget } from '../storeBudget'
import type { StoreSpace } from '../storeSpace'
import { delay, throwIfAborted } from '../time'
import type { Transfer } from '../transfers'
import { FileCopier } from './copyFile'
import { CopyMarks } from './copyMarks'
import { type CopyPlan, type PlannedFile, parentOf, planCopy, targetKey } from './copyPlan'
import { type CopyUnit, copyUnits } from './copyUnits'
import { PartialFiles } from './partialFiles'
import { probeRules } from './probe'
import { describeLinkRefusal } from './refusals'
import type { TargetRules } from './rules'
import { runBounded } from './runBounded'
import { contentWarnings, describeWarning } from './warnings'
import { pausesTransfer, systemCode, toWriteError, WriteError } from './writeErrors'
import { SafeWriter } from './writer'

/** Bytes being fetched at once, and pieces of work. */
const BYTES_IN_FLIGHT = 24 * 1024 * 1024
const UNITS_IN_FLIGHT = 96
/** After this long (milliseconds) without a byte the copy looks again who is there. */
const SILENCE = 10_000
const MAX_LISTED = 1_000
const RETRY_PAUSES = [250, 500, 1_000, 2_000, 5_000]
/** So many looks after something nobody has pass before the copy counts as stalled, and before it counts as a lie. */
const QUIET_LOOKS = 2
const LOOKS_BEFORE_LIES = 3
const LOOK_EVERY = 50

export interface CopyOptions {
  readonly share: ShareDrive
  readonly id: ShareId
  /** A folder, a file, or '/' for everything. */
  readonly path: DrivePath
  /** Absolute. */
  readonly folder: string
  readonly catalog: Catalog
  readonly transfer: Transfer
  /** Room for what is fetched. */
  readonly space: StoreSpace
  /** Room within the limit for all opened shares. */
  readonly budget: StoreBudget
  /** Content bytes that came over the network so far. */
  readonly fetched: () => number
  /** Resolves when somebody who has the share is connected; rejects when aborted. */
  readonly peerCame: (signal: AbortSignal) => Promise<void>
  readonly stale: () => boolean
  /** See `planCopy`. */
  readonly isInDoubt: boolean
  /** The process ends: what is not done goes on with the next one. */
  readonly isEnding: () => boolean
}

/** Runs a copy to its end. Rejects with PeerfoldError (`cancelled`, `target-vanished`, …). */
export async function runCopy(options: CopyOptions): Promise<TransferResult> {
  const { folder, transfer, share, catalog, path, isInDoubt } = options
  const { index } = share
  if (index === undefined) throw new PeerfoldError('not-listed')
  const entries = index.select(path)
  if (entries.length === 0 && path !== '/') throw new PeerfoldError('file-not-found', path)

  const { writer, rules } = openTarget(folder)
  let partials: PartialFiles | undefined
  try {
    const target = targetKey(options.id, folder, share.bytes?.fork ?? 0)
    const { signal } = transfer.abort
    const plan = await planCopy(entries, path, target, writer, rules, catalog, signal, isInDoubt)
    partials = await PartialFiles.open(catalog, target, transfer.id, plan.files)
    await writer.sweep(partials.tokens)
    for (const key of index.malformedBelow(path)) plan.skipped.push(malformed(key, path))
    for (;;) {
      const beyond = contentBeyond(share.limits(), bytesThatExist(share, plan))
      if (beyond === undefined) break
      transfer.pause(beyond.toUserError())
      await options.budget.next(signal)
    }
    transfer.resume()
    const { present } = plan
    transfer.files = { done: present.files, total: plan.files.length + present.files + plan.links.length }
    transfer.bytes = { done: present.bytes, total: plan.bytes + present.bytes }
    transfer.progress(0, 0)
    const marks = new CopyMarks(catalog, target, trimSlash(path).slice(parentOf(path).length))
    return await new Copy(options, plan, marks, partials, writer, rules).run()
  } finally {
    if (!options.isEnding() && (await partials?.clear())) await writer.sweep(partials?.tokens)
    await writer.close()
  }
}

class Copy {
  private readonly skipped: SkippedEntry[]
  private readonly conflicts: { path: string; copy: string }[]
  private readonly fetchedBefore: number
  private readonly signal: AbortSignal
  private readonly read: ReadOptions
  private readonly files: FileCopier

  constructor(
    private readonly options: CopyOptions,
    private readonly plan: CopyPlan,
    private readonly marks: CopyMarks,
    partials: PartialFiles,
    private readonly writer: SafeWriter,
    rules: TargetRules,
  ) {
    const { share, folder, transfer } = options
    this.skipped = [...plan.skipped]
    this.conflicts = plan.conflicts.map(({ path, copy }) => this.conflictAt(path, copy))
    this.fetchedBefore = options.fetched()
    this.signal = transfer.abort.signal
    const assertRoom = () => options.budget.assertRoom()
    this.read = { timeout: SILENCE, signal: this.signal, assertRoom }
    this.files = new FileCopier({
      share,
      folder,
      writer,
      rules,
      marks,
      partials,
      isEnding: options.isEnding,
      read: this.read,
      onBytes: bytes => {
        transfer.progress(0, bytes)
        transfer.resume()
      },
      whenOffline: error => this.waitForPeer(error),
      onConflict: (path, copy) => this.conflicts.push(this.conflictAt(path, copy)),
    })
  }

  /** Round after round over what is left, for what nobody has must not keep waiting what somebody has. */
  async run(): Promise<TransferResult> {
    const limits = { bytes: BYTES_IN_FLIGHT, units: UNITS_IN_FLIGHT, signal: this.signal }
    try {
      await this.marks.recover(this.plan.recovered)
      await this.marks.intend(this.plan.files)
      let left = this.plan.files
      for (let wait = 0; left.length > 0; wait++) {
        const later: PlannedFile[] = []
        await runBounded(copyUnits(left), limits, unit => this.copyUnit(unit, later))
        if (later.length < left.length) wait = 0
        if (later.length > 0) await this.waitFor(later, wait)
        left = wait < LOOKS_BEFORE_LIES ? later : await this.withoutLies(later)
      }
    } finally {
      await this.marks.flush()
    }
    await this.marks.done()
    this.makeLinks()
    return this.result()
  }

  /** Adds to `later` what cannot be had now. */
  private async copyUnit(unit: CopyUnit, later: PlannedFile[]): Promise<void> {
    const { pack, files } = unit
    await this.waitForRoom()
    const core = await this.options.share.bytesReady(this.signal)
    const block =
      pack === undefined || nobodyHas(core, pack) ? undefined : await this.packOrNothing(pack, files)
    for (const file of files) {
      const slice = block === undefined ? undefined : sliceOrNothing(block, file)
      if (slice === undefined && isNowhere(core, file.entry)) later.push(file)
      else {
        const work = () => (slice === undefined ? this.files.copy(file) : this.files.write(file, slice))
        if (await this.untilDone(file, work)) this.options.transfer.progress(1, 0)
        else later.push(file)
      }
    }
  }

  private async waitForRoom(): Promise<void> {
    const { space, transfer } = this.options
    if (space.shortage === undefined) return
    transfer.pause(space.shortage)
    await space.room(this.signal)
    transfer.resume()
  }

  /** Until somebody comes who may have it; a moment at first, when peers have only just said what they have. */
  private async waitFor(files: readonly PlannedFile[], wait: number): Promise<void> {
    const pause = RETRY_PAUSES[Math.min(wait, RETRY_PAUSES.length - 1)] ?? 5_000
    if (wait >= QUIET_LOOKS)
      this.options.transfer.pause(this.options.space.shortage ?? new PeerfoldError('stalled').toUserError())
    await Promise.race([delay(pause, this.signal), this.peerWith(files, pause)])
  }

  private async peerWith(files: readonly PlannedFile[], within: number): Promise<void> {
    const core = await this.options.share.bytesReady(this.signal)
    const until = performance.now() + within
    while (performance.now() < until && files.every(({ entry }) => isNowhere(core, entry)))
      await delay(LOOK_EVERY, this.signal)
  }

  /** Without files whose blocks do not exist at all: those are listed as what they are. */
  private async withoutLies(files: readonly PlannedFile[]): Promise<PlannedFile[]> {
    const { share, transfer } = this.options
    const core = await share.bytesReady(this.signal)
    return files.filter(({ path, entry }) => {
      if (!isBeyondTheEnd(share, core, entry)) return true
      this.skipOrThrow(path, new PeerfoldError('bad-entry', path))
      transfer.progress(1, 0)
      return false
    })
  }

  /** Undefined when nobody gave it: then the files' own blocks are asked for. */
  private async packOrNothing(pack: number, files: readonly PlannedFile[]): Promise<Buffer | undefined> {
    try {
      const core = await this.options.share.bytesReady(this.signal)
      return await readPack(core, pack, files[0]?.path ?? '', this.read)
    } catch (error) {
      if (!(error instanceof PeerfoldError)) throw error
      if (error.code === 'offline') return undefined
      await this.waitForLimit(error)
      return this.packOrNothing(pack, files)
    }
  }

  /** Does the work again until it is done or cannot be done, pausing while the target cannot take it. False: nobody
   *  gave the bytes. */
  private async untilDone(file: PlannedFile, work: () => Promise<void>): Promise<boolean> {
    for (let attempt = 0; ; attempt++) {
      throwIfAborted(this.signal)
      try {
        await work()
        this.options.transfer.resume()
        return true
      } catch (error) {
        const pause = RETRY_PAUSES[Math.min(attempt, RETRY_PAUSES.length - 1)] ?? 5_000
        if (error instanceof PeerfoldError && error.code === 'offline') return false
        if (error instanceof WriteError && pausesTransfer(error)) await this.waitForTarget(error, pause)
        else if (error instanceof PeerfoldError && error.code === 'store-limit')
          await this.waitForLimit(error)
        else {
          this.skipOrThrow(file.path, error)
          return true
        }
      }
    }
  }

  /** Until the user raised the limit or removed something. Throws other errors. */
  private async waitForLimit(error: PeerfoldError): Promise<void> {
    if (error.code !== 'store-limit') throw error
    this.options.transfer.pause(error.toUserError())
    await this.options.budget.room(this.signal)
    this.options.transfer.resume()
  }

  /** In the middle of a file. Throws when peers are there and do not give its next block: others go first then. */
  private async waitForPeer(error: PeerfoldError): Promise<void> {
    if (error.code !== 'offline') return this.waitForLimit(error)
    if ((this.options.share.bytes?.peers.length ?? 0) > 0) throw error
    this.options.transfer.pause(this.options.space.shortage ?? new PeerfoldError('stalled').toUserError())
    await this.peerOr(1_000)
  }

  /** Waits for a peer, or some milliseconds. Each wait takes its listeners with it. */
  private async peerOr(milliseconds: number): Promise<void> {
    const end = new AbortController()
    const came = this.options.peerCame(AbortSignal.any([this.signal, end.signal]))
    came.catch(() => {}) // the wait ended otherwise
    try {
      await Promise.race([delay(milliseconds, this.signal), came])
    } finally {
      end.abort()
    }
  }

  private async waitForTarget(error: WriteError, pause: number): Promise<void> {
    this.options.transfer.pause(this.describe(error))
    await delay(pause, this.signal)
  }

  private describe(error: WriteError): UserError {
    const { folder } = this.options
    switch (error.code) {
      case 'no-space':
        return new PeerfoldError('no-space', folder).toUserError()
      case 'vanished':
        return new PeerfoldError('target-vanished', folder).toUserError()
      case 'read-only':
        return new PeerfoldError('target-read-only', folder).toUserError()
      default:
        return new PeerfoldError('io-failed', error.message).toUserError()
    }
  }

  /** Links come last, when what they name is there; one may name another, so until none more can be made. */
  private makeLinks(): void {
    let left = this.plan.links
    for (let made = true; made && left.length > 0; ) {
      const refused = left.filter(link => !this.tryLink(link, false))
      made = refused.length < left.length
      left = refused
    }
    for (const link of left) this.tryLink(link, true)
  }

  private tryLink({ entry, path, segments }: CopyPlan['links'][number], isLast: boolean): boolean {
    try {
      const made = this.writer.makeLink(segments, entry.linkTarget ?? '')
      if (!made.ok && !isLast) return false
      if (!made.ok) this.skipped.push({ path, reason: made.reason, detail: describeLinkRefusal(made.reason) })
    } catch (error) {
      this.skipOrThrow(path, error)
    }
    this.options.transfer.progress(1, 0)
    return true
  }

  private skipOrThrow(path: string, error: unknown): void {
    const isEntry = error instanceof PeerfoldError && error.code === 'bad-entry'
    const isWrite = error instanceof WriteError && !pausesTransfer(error)
    if (!isEntry && !isWrite) throw error
    this.skipped.push({ path, reason: error.code, detail: error.message })
  }

  private conflictAt(path: string, copy: string): { path: string; copy: string } {
    const onDisk = (inside: string) => join(this.options.folder, ...inside.split('/'))
    return { path: onDisk(path), copy: onDisk(copy) }
  }

  private result(): TransferResult {
    const { transfer, fetched, stale } = this.options
    const warnings = contentWarnings(this.plan.paths, this.plan.executables)
    return {
      files: this.plan.paths.length - (this.skipped.length - this.plan.skipped.length),
      bytes: transfer.bytes.done,
      fetched: Math.max(0, fetched() - this.fetchedBefore),
      skipped: this.skipped.slice(0, MAX_LISTED),
      skippedCount: this.skipped.length,
      conflicts: this.conflicts.slice(0, MAX_LISTED),
      warnings: warnings.slice(0, MAX_LISTED).map(({ path, kind }) => `${path}: ${describeWarning(kind)}`),
      stale: stale(),
    }
  }
}

/** What an entry says of its size counts only when the log is that long: a lie must not keep the rest from coming. */
function bytesThatExist({ bytes }: ShareDrive, { files }: CopyPlan): number {
  if (bytes === undefined) return 0
  return files.reduce((sum, { entry }) => (isBeyondKnown(bytes, entry) ? sum : sum + entry.size), 0)
}

/** A pack may be shorter than the listing says; the file's own blocks are the truth then. */
function sliceOrNothing(pack: Buffer, { entry }: PlannedFile): Buffer | undefined {
  const { offset } = entry.pack ?? { offset: 0 }
  return offset + entry.size > pack.length ? undefined : sliceOfPack(pack, entry)
}

function malformed(key: string, base: DrivePath): SkippedEntry {
  return {
    path: key.slice(parentOf(base).length),
    reason: 'bad-entry',
    detail: 'What the share says of it is not what a file or link is described by.',
  }
}

function openTarget(folder: string): { writer: SafeWriter; rules: TargetRules } {
  try {
    const rules = probeRules(folder)
    return { writer: SafeWriter.open(folder, rules), rules }
  } catch (error) {
    const { code } = toWriteError(error, folder)
    if (code === 'no-space') throw new PeerfoldError('no-space', folder)
    const isGone = code === 'vanished' || systemCode(error) === 'ENOENT'
    throw new PeerfoldError(isGone ? 'target-vanished' : 'target-read-only', folder)
  }
}
