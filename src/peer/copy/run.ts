/**
 * One run of a copy by its plan: what is planned is fetched and written, several files at once, as bytes arrive. What is to
 * be applied as a whole is fetched by a run of its own first, which only writes files that are new (`fetch`). When nobody
 * is there, or the disk is full, or the folder vanished, it pauses, says so, and continues by itself; an entry that cannot
 * be written is listed and stops nothing else.
 */
import { join } from 'node:path'
import { PeerfoldError } from '../../common/errors'
import type { SkippedEntry, TransferResult } from '../../common/model'
import { conflictName } from '../disk/conflicts'
import { contentWarnings, describeWarning } from '../disk/warnings'
import { pausesTransfer, WriteError } from '../disk/writeErrors'
import type { LinkResult, SafeWriter } from '../disk/writer'
import { type Absence, absenceOf, passing } from '../drive/absentBytes'
import type { ReadOptions } from '../drive/blocks'
import type { DriveEntry } from '../drive/format/entry'
import { readPack, sliceOfPack } from '../drive/read'
import { nobodyHas, ownBlocksNowhere } from '../drive/whoHas'
import { describeLinkRefusal } from '../names/refusals'
import type { TargetRules } from '../names/rules'
import { BASE_BYTES, contentOf, knownContent } from '../store/bases'
import { sharedSlicer, throwIfAborted } from '../time'
import { attributesOf } from './attributes'
import { CopyCounts } from './counts'
import { type FetchedFile, FileCopier } from './file'
import { FormerSearch } from './former/formerSearch'
import { Formers } from './former/formers'
import type { CopyMarks } from './marks'
import type { CopyOptions } from './options'
import { Ownership } from './ownership'
import type { PartialFiles } from './partialFiles'
import type { CopyPlan, PlannedFile, PlannedLink } from './planned'
import { runBounded } from './runBounded'
import { Superseded } from './superseded'
import { type CopyUnit, copyUnits } from './units'
import { CopyWaits, RETRY_PAUSES } from './waits'

/** Bytes being fetched at once, and pieces of work. */
const BYTES_IN_FLIGHT = 24 * 1024 * 1024
const UNITS_IN_FLIGHT = 96
/** Of what is fetched before it is placed: bytes that are held in memory (the store has them, too), and open files. */
const BYTES_HELD = 32 * 1024 * 1024
const TEMPORARIES_HELD = 64
/** After this long (milliseconds) without a byte the copy looks again who is there. */
const SILENCE = 10_000
const MAX_LISTED = 1_000
/** This many looks after something nobody has pass before it counts as a lie. */
const LOOKS_BEFORE_LIES = 3

/** What is here before anything is taken away or replaced. By paths inside the target. */
export interface Fetched {
  /** New files, at their places. */
  readonly placed: ReadonlySet<string>
  /** The others; whoever places one takes it out. */
  readonly waiting: Map<string, FetchedFile>
  /** Removes temporaries of what is not placed, or leaves them to who continues with them. May be called again. */
  readonly drop: (error?: unknown) => Promise<void>
}

type Work = (file: PlannedFile, slice: Buffer | undefined) => Promise<void>

export class CopyRun {
  private readonly skipped: SkippedEntry[]
  private readonly conflicts: { path: string; copy: string }[]
  private readonly counts: CopyCounts
  private readonly signal: AbortSignal
  private readonly read: ReadOptions
  private readonly files: FileCopier
  private readonly ownership: Ownership
  private readonly waits: CopyWaits
  private readonly pauseIfDue = sharedSlicer()
  private basesKept: Promise<void> = Promise.resolve()

  constructor(
    private readonly options: CopyOptions,
    private readonly plan: CopyPlan,
    private readonly marks: CopyMarks,
    partials: PartialFiles,
    private readonly writer: SafeWriter,
    private readonly rules: TargetRules,
  ) {
    const { share, transfer } = options
    this.ownership = new Ownership(share, writer, plan.known)
    this.skipped = [...plan.skipped]
    this.conflicts = plan.conflicts.map(({ path, copy }) => this.conflictAt(path, copy))
    this.counts = new CopyCounts(plan.noLongerShared)
    for (const placed of plan.placed) this.counts.placed(placed)
    this.signal = transfer.abort.signal
    this.waits = new CopyWaits(options)
    const assertRoom = () => options.budget.assertRoom()
    const read = { timeout: SILENCE, signal: this.signal, assertRoom, isPatient: true }
    const formers = new Formers(writer, plan, options.live?.taken)
    const former = new FormerSearch(share, formers, bytes => {
      transfer.found(bytes)
      options.onFound(bytes)
    })
    this.read = read
    this.files = new FileCopier({
      share,
      folder: options.folder,
      copied: options.copied,
      storedUpTo: options.live === undefined ? 0 : BASE_BYTES, // what is changed on both sides is merged with what was
      writer,
      ownership: this.ownership,
      rules,
      marks,
      partials,
      isEnding: options.isEnding,
      read,
      former,
      onBytes: bytes => {
        transfer.progress(0, bytes)
        this.waits.came()
      },
      whenOffline: error => this.waits.waitForPeer(error),
      replacesConflicts: options.live !== undefined,
      onPlaced: file => {
        this.counts.placed(file)
        options.live?.onPlaced(file.path)
      },
      onConflict: (file, copy) => {
        this.noteBase(file, copy)
        this.besides(file.path, copy)
      },
    })
  }

  /**
   * Places what is new, and brings the bytes of everything else here: after that, nothing has to come from anybody.
   * @param waitsForRoom false: what has no room on the disk is left out, for taking files away makes some
   * Throws as `run`; then only new files are at their places.
   */
  async fetch(waitsForRoom: boolean): Promise<Fetched> {
    const placed = new Set<string>()
    const waiting = new Map<string, FetchedFile>()
    let bytesHeld = 0
    let temporaries = 0
    const hold = (path: string, { bytes, ...fetched }: FetchedFile) => {
      const holds = bytes !== undefined && bytesHeld + bytes.length <= BYTES_HELD
      if (holds) bytesHeld += bytes.length
      waiting.set(path, holds ? { ...fetched, bytes } : fetched)
    }
    const fetch = async (file: PlannedFile) => {
      let took = 0
      const takeTemporary = () => {
        if (temporaries === TEMPORARIES_HELD) return false
        temporaries++
        took++
        return true
      }
      try {
        return await this.files.fetch(file, takeTemporary)
      } catch (error) {
        temporaries -= took // it was removed, and is made again when the file is
        throw error
      }
    }
    const drop = async (error?: unknown) => {
      for (const fetched of waiting.values()) await this.files.drop(fetched, error).catch(whichIsSweptLater)
      waiting.clear()
    }
    const work: Work = async (file, slice) => {
      const { entry, path } = file
      if (takesNoPlace(file)) {
        await this.place(file, slice)
        placed.add(path)
      } else if (slice !== undefined) {
        this.options.transfer.progress(0, slice.length)
        hold(path, { entry, bytes: slice })
      } else {
        const fetched = await fetch(file)
        if (fetched !== undefined) hold(path, fetched)
      }
    }
    const orLeaveOut: Work = (file, slice) =>
      work(file, slice).catch(error => {
        if (waitsForRoom || !(error instanceof WriteError) || error.code !== 'no-space') throw error
      })
    try {
      await this.marks.intend(this.plan.files)
      await this.rounds(this.plan.files, orLeaveOut)
      return { placed, waiting, drop }
    } catch (error) {
      await drop(error)
      throw error
    } finally {
      await this.basesKept.finally(() => this.marks.flush())
    }
  }

  /** Throws `Superseded` when some of it cannot be had any more. @param fetched what is here already, and taken */
  async run(fetched: Fetched = NOTHING_FETCHED): Promise<Omit<TransferResult, 'fetched'>> {
    const { files } = this.plan
    const { waiting } = fetched
    try {
      await this.marks.recover(this.plan.recovered)
      const isNoted = ({ path }: PlannedFile) => waiting.has(path)
      await this.marks.intend(files.filter(file => !isNoted(file)))
      const left = await this.placeWaiting(files, waiting)
      await this.rounds(left, (file, slice) => this.place(file, slice))
    } finally {
      await fetched.drop()
      await this.basesKept.finally(() => this.marks.flush())
    }
    await this.removeGone()
    await this.adjust()
    await this.makeLinks()
    await this.marks.done()
    return this.result()
  }

  /** → what has to be fetched */
  private async placeWaiting(
    files: readonly PlannedFile[],
    waiting: Fetched['waiting'],
  ): Promise<readonly PlannedFile[]> {
    const left: PlannedFile[] = []
    for (const file of files) {
      const fetched = waiting.get(file.path)
      if (fetched === undefined) {
        left.push(file)
        continue
      }
      waiting.delete(file.path)
      await this.pauseIfDue()
      const isInStore = fetched.bytes === undefined && fetched.temporary === undefined
      if (!isInStore && (await this.untilDone(file, () => this.files.place(file, fetched)))) continue
      left.push(file)
      this.options.transfer.progress(-1, isInStore ? -fetched.entry.size : 0) // counted when it is placed
    }
    return left
  }

  /** Round after round over what is left, for what nobody has must not keep waiting what somebody has. */
  private async rounds(files: readonly PlannedFile[], work: Work): Promise<void> {
    const limits = { bytes: BYTES_IN_FLIGHT, units: UNITS_IN_FLIGHT, signal: this.signal }
    let left = files
    for (let wait = 0; left.length > 0; wait++) {
      const later: PlannedFile[] = []
      const units = copyUnits(left, await this.needsPack())
      await runBounded(units, limits, unit => this.copyUnit(unit, work, later))
      if (later.length < left.length) wait = 0
      if (later.length > 0) {
        const absences = await this.absences(later)
        if (absences.includes('superseded') && !this.isFormer) throw new Superseded()
        await this.waits.waitFor(later, wait)
      }
      left = wait < LOOKS_BEFORE_LIES ? later : await this.withoutLies(later)
      if (this.isFormer && wait >= LOOKS_BEFORE_LIES) left = await this.withoutLetGo(left)
    }
  }

  private place(file: PlannedFile, slice: Buffer | undefined): Promise<void> {
    return slice === undefined ? this.files.copy(file) : this.files.write(file, slice)
  }

  private async removeGone(): Promise<void> {
    for (const { segments } of this.plan.gone) {
      try {
        const mark = await this.ownership.markIfOurs(segments)
        if (mark !== undefined) await this.writer.remove(segments, mark)
      } catch (error) {
        if (!(error instanceof WriteError)) throw error // it was changed meanwhile: it is the user's
      }
    }
  }

  /** Gives files their new time and executable bit, unless the user has other bytes in them. */
  private async adjust(): Promise<void> {
    for (const { entry, path, segments, mark, held } of this.plan.adjusted) {
      await this.pauseIfDue()
      if (!(await this.ownership.isOurs(segments, held))) continue
      try {
        const after = this.writer.adjust(segments, mark, attributesOf(entry))
        this.marks.written({ entry, path }, after, held.hash)
        this.options.live?.onPlaced(path)
      } catch (error) {
        // The user changed it just now: what it is then shows at the next copy.
        if (!(error instanceof WriteError) || error.code !== 'changed') this.skipOrThrow(path, error)
      }
    }
  }

  /** Adds to `later` what cannot be had now. */
  private async copyUnit(unit: CopyUnit, work: Work, later: PlannedFile[]): Promise<void> {
    const { pack, files } = unit
    await this.waits.waitForRoom()
    const core = await this.options.share.bytesReady(this.signal)
    const block =
      pack === undefined || nobodyHas(core, pack) ? undefined : await this.packOrNothing(pack, files)
    for (const planned of files) {
      await this.pauseIfDue() // one pack may hold tens of thousands of tiny files
      const slice = block === undefined ? undefined : sliceOrNothing(block, planned)
      const file = block === undefined || slice !== undefined ? planned : withoutPack(planned)
      if (slice === undefined && absenceOf(this.options.share, core, file.entry)) later.push(file)
      else if (await this.untilDone(file, () => work(file, slice))) this.options.transfer.progress(1, 0)
      else later.push(file)
    }
  }

  private async needsPack(): Promise<(entry: DriveEntry) => boolean> {
    const core = await this.options.share.bytesReady(this.signal)
    const isHere = (block: number) => core.core.bitfield.get(block)
    return ({ blob, pack }) => {
      if (blob === undefined || pack === undefined || nobodyHas(core, pack.block)) return false
      return ownBlocksNowhere(core, blob) || (isHere(pack.block) && !isHere(blob.blockOffset))
    }
  }

  private get isFormer(): boolean {
    return this.options.version !== undefined
  }

  /** Without files of a former version whose content nobody keeps. With nobody there, it may come with somebody. */
  private async withoutLetGo(files: readonly PlannedFile[]): Promise<PlannedFile[]> {
    const { share } = this.options
    if (!share.isOwn && (share.bytes?.peers.length ?? 0) === 0) return [...files]
    const absences = await this.absences(files)
    return files.filter(({ path }, at) => {
      if (absences[at] !== 'superseded') return true
      this.skipOrThrow(path, new PeerfoldError('not-kept', path))
      this.options.transfer.progress(1, 0)
      return false
    })
  }

  /** Without files whose blocks do not exist at all: those are listed as what they are. */
  private async withoutLies(files: readonly PlannedFile[]): Promise<PlannedFile[]> {
    const absences = await this.absences(files)
    return files.filter(({ path }, at) => {
      if (absences[at] !== 'do-not-exist') return true
      this.skipOrThrow(path, new PeerfoldError('bad-entry', path))
      this.options.transfer.progress(1, 0)
      return false
    })
  }

  private async absences(files: readonly PlannedFile[]): Promise<(Absence | undefined)[]> {
    const { share } = this.options
    const bytes = await share.bytesReady(this.signal)
    return files.map(({ entry }) => absenceOf(share, bytes, entry))
  }

  /** Undefined when nobody gave it: then the files' own blocks are asked for. */
  private async packOrNothing(pack: number, files: readonly PlannedFile[]): Promise<Buffer | undefined> {
    try {
      const core = await this.options.share.bytesReady(this.signal)
      return await readPack(core, pack, files[0]?.path ?? '', this.read)
    } catch (error) {
      if (!(error instanceof PeerfoldError)) throw error
      if (passing(error) === 'no-sender') return undefined
      await this.waits.waitForLimit(error)
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
        this.waits.came()
        return true
      } catch (error) {
        const pause = RETRY_PAUSES[Math.min(attempt, RETRY_PAUSES.length - 1)] ?? 5_000
        if (passing(error) === 'no-sender') return false
        if (error instanceof WriteError && pausesTransfer(error)) await this.waits.waitForTarget(error, pause)
        else if (error instanceof PeerfoldError && passing(error) === 'no-room')
          await this.waits.waitForLimit(error)
        else {
          this.skipOrThrow(file.path, error)
          return true
        }
      }
    }
  }

  /** Links come last, when what they name is there; one may name another, so until none more can be made. */
  private async makeLinks(): Promise<void> {
    let left = this.plan.links
    for (let made = true; made && left.length > 0; ) {
      const refused: PlannedLink[] = []
      for (const link of left) if (!(await this.tryLink(link, false))) refused.push(link)
      made = refused.length < left.length
      left = refused
    }
    for (const link of left) await this.tryLink(link, true)
  }

  private async tryLink(link: PlannedLink, isLast: boolean): Promise<boolean> {
    const { path } = link
    try {
      const made = await this.makeLink(link)
      if (!made.ok && !isLast) return false
      if (!made.ok) this.skipped.push({ path, reason: made.reason, detail: describeLinkRefusal(made.reason) })
    } catch (error) {
      this.skipOrThrow(path, error)
    }
    this.options.transfer.progress(1, 0)
    return true
  }

  /** Nothing is taken away for a link that may not be made. */
  private async makeLink(link: PlannedLink): Promise<LinkResult> {
    const { entry, path, segments, held, way, precondition } = link
    const target = entry.linkTarget ?? ''
    const checked = this.writer.checkLink(segments, target)
    if (!checked.ok) return checked
    const isOurs = !link.conflict && (held === undefined || (await this.ownership.isOurs(segments, held)))
    if (isOurs) {
      await way?.clear(this.ownership, this.writer, this.marks)
      const made = this.writer.makeLink(segments, target, precondition)
      const mark = this.writer.stat(segments)
      if (made.ok && mark !== undefined) this.marks.written({ entry, path }, mark)
      if (made.ok && !link.same) {
        this.counts.placed(link)
        this.options.live?.onPlaced(path)
      }
      return made
    }
    const isTaken = (at: readonly string[]) => this.writer.stat(at) !== undefined
    const beside = conflictName(segments, new Date(), this.rules, isTaken)
    const made = this.writer.makeLink(beside, target)
    if (!made.ok) return made
    const copy = `/${beside.join('/')}`
    this.marks.conflict({ entry, path }, copy)
    this.besides(path, copy)
    return made
  }

  /** What the user's file and the incoming one were made of: of a conflict that lasts, what it was. */
  private noteBase({ path, entry }: PlannedFile, copy: string): void {
    const { bases, folder, id, share, umask } = this.options
    const known = this.ownership.record(path)
    const before = known?.conflict?.path
    const earlier = before === undefined ? undefined : bases.get(join(folder, before))
    const lasts = earlier !== undefined && (before === copy || this.liesThere(earlier.copy))
    const base = lasts ? earlier.base : known && knownContent(known)
    const theirs = contentOf(entry)
    this.basesKept = this.basesKept.then(async () => {
      if (earlier !== undefined) await bases.forget(join(folder, earlier.copy))
      if (base === undefined || theirs === undefined) return
      const fork = share.bytes?.fork ?? 0
      const record = { share: id, target: this.marks.target, folder, path, copy, fork, base, theirs }
      const merged = lasts && earlier.merged !== undefined ? { merged: earlier.merged } : {}
      await bases.put({ ...record, ...merged, ...(umask === undefined ? {} : { umask }) })
    })
    this.basesKept.catch(() => {}) // rejects again where it is awaited
  }

  private liesThere(path: string): boolean {
    return this.writer.stat(path.slice(1).split('/')) !== undefined
  }

  private besides(path: string, copy: string): void {
    this.conflicts.push(this.conflictAt(path, copy))
    this.options.live?.onPlaced(path, copy)
  }

  private skipOrThrow(path: string, error: unknown): void {
    const isEntry =
      error instanceof PeerfoldError && (error.code === 'bad-entry' || error.code === 'not-kept')
    const isWrite = error instanceof WriteError && !pausesTransfer(error)
    if (!isEntry && !isWrite) throw error
    this.skipped.push({ path, reason: error.code, detail: error.message })
  }

  private conflictAt(path: string, copy: string): { path: string; copy: string } {
    const onDisk = (inside: string) => join(this.options.folder, ...inside.split('/'))
    return { path: onDisk(path), copy: onDisk(copy) }
  }

  private result(): Omit<TransferResult, 'fetched'> {
    const { transfer, stale } = this.options
    const warnings = contentWarnings(this.plan.paths, this.plan.executables)
    return {
      files: this.plan.paths.length - (this.skipped.length - this.plan.skipped.length),
      bytes: transfer.bytes.done,
      ...(transfer.here === 0 ? {} : { here: transfer.here }),
      skipped: this.skipped.slice(0, MAX_LISTED),
      skippedCount: this.skipped.length,
      conflicts: this.conflicts.slice(0, MAX_LISTED),
      warnings: warnings.slice(0, MAX_LISTED).map(({ path, kind }) => `${path}: ${describeWarning(kind)}`),
      changes: this.counts.changes,
      stale: stale(),
    }
  }
}

const NOTHING_FETCHED: Fetched = { placed: new Set(), waiting: new Map(), drop: async () => {} }

function whichIsSweptLater(): void {}

/** Whether nothing else has to go for a file. */
function takesNoPlace({ precondition, conflict, way }: PlannedFile): boolean {
  return precondition === 'absent' && !conflict && way === undefined
}

function withoutPack({ entry: { pack, ...entry }, ...file }: PlannedFile): PlannedFile {
  return { ...file, entry }
}

/** A pack may be shorter than the listing says; the file's own blocks are the truth then. */
function sliceOrNothing(pack: Buffer, { entry }: PlannedFile): Buffer | undefined {
  const { offset } = entry.pack ?? { offset: 0 }
  return offset + entry.size > pack.length ? undefined : sliceOfPack(pack, entry)
}
