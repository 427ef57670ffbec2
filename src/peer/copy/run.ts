/**
 * One run of a copy by its plan: fetches and writes what is planned, several files at once, as bytes arrive. Where
 * a version is to be applied as a whole, `fetch` runs first, and writes only files that are new. The run pauses,
 * says so and continues by itself when nobody is there, the disk is full, or the folder vanished. An entry that
 * cannot be written is listed and stops nothing else.
 */
import type { TransferResult } from '../../common/model'
import { WriteError } from '../disk/writeErrors'
import type { SafeWriter } from '../disk/writer'
import type { TargetRules } from '../names/rules'
import { BASE_BYTES } from '../store/bases'
import { attributesOf } from './attributes'
import { ConflictBases } from './conflictBases'
import { type FetchedFile, FileCopier } from './file'
import { FormerSearch } from './former/formerSearch'
import { Formers } from './former/formers'
import { makeLinks } from './makeLinks'
import type { CopyMarks } from './marks'
import type { CopyOptions } from './options'
import { CopyOutcome } from './outcome'
import { Ownership } from './ownership'
import type { PartialFiles } from './partialFiles'
import type { CopyPlan, PlannedFile } from './planned'
import { CopyRounds, type FileWork } from './rounds'
import { CopyWaits } from './waits'

/** Limits for `fetch`: bytes held in memory (the store has them, too), and temporaries, whose folders are held open. */
const BYTES_HELD = 32 * 1024 * 1024
const TEMPORARIES_HELD = 1_000
/** After this time (milliseconds) without a byte the copy looks again who is connected. */
const SILENCE = 10_000

/** The result of `fetch`: what is here before anything is removed or replaced. Paths are inside the target. */
export interface Fetched {
  /** New files, at their places. */
  readonly placed: ReadonlySet<string>
  /** All other files. Whoever places one takes it out. */
  readonly waiting: Map<string, FetchedFile>
  /** Removes temporaries that were not placed, or leaves them to the next run. May be called again. */
  readonly drop: (error?: unknown) => Promise<void>
}

export class CopyRun {
  private readonly outcome: CopyOutcome
  private readonly files: FileCopier
  private readonly ownership: Ownership
  private readonly rounds: CopyRounds
  private readonly bases: ConflictBases

  constructor(
    private readonly options: CopyOptions,
    private readonly plan: CopyPlan,
    private readonly marks: CopyMarks,
    partials: PartialFiles,
    private readonly writer: SafeWriter,
    private readonly rules: TargetRules,
  ) {
    const { share, transfer } = options
    const { signal } = transfer.abort
    this.ownership = new Ownership(share, writer, plan.known)
    this.outcome = new CopyOutcome(options, plan)
    this.bases = new ConflictBases(options, writer, this.ownership, marks)
    const waits = new CopyWaits(options)
    const assertRoom = () => options.budget.assertRoom()
    const read = { timeout: SILENCE, signal, assertRoom, isPatient: true }
    const formers = new Formers(writer, plan, options.live?.taken)
    const former = new FormerSearch(share, formers, bytes => {
      transfer.found(bytes)
      options.onFound(bytes)
    })
    this.rounds = new CopyRounds(options, read, waits, this.outcome)
    this.files = new FileCopier({
      share,
      folder: options.folder,
      copied: options.copied,
      storedUpTo: options.live === undefined ? 0 : BASE_BYTES, // bases of later merges
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
        waits.came()
      },
      whenOffline: error => waits.waitForPeer(error),
      replacesConflicts: options.live !== undefined,
      onPlaced: file => this.outcome.placed(file),
      onConflict: (file, copy) => {
        this.bases.note(file, copy)
        this.outcome.beside(file.path, copy)
      },
    })
  }

  /**
   * Places new files, and brings the bytes of all others here. After that, nothing has to come from a peer. Throws
   * as `run`; then only new files are at their places.
   * @param waitsForRoom false: files without room on the disk are left out, because removing others makes room. Large
   *   ones are left out also when others were fetched, which make room when they are placed.
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
    /** What is left out counts when it is placed. */
    const leaveOut = () => this.options.transfer.progress(-1, 0)
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
        temporaries -= took // the temporary was removed; a retry makes it again
        throw error
      }
    }
    const drop = async (error?: unknown) => {
      for (const fetched of waiting.values()) await this.files.drop(fetched, error).catch(whichIsSweptLater)
      waiting.clear()
    }
    const intended = this.marks.intend(this.plan.files)
    intended.catch(() => {}) // rejects again where it is awaited
    const work: FileWork = async (file, slice) => {
      const { entry, path } = file
      if (takesNoPlace(file)) {
        await intended
        await this.place(file, slice)
        placed.add(path)
      } else if (slice !== undefined) {
        this.options.transfer.progress(0, slice.length)
        hold(path, { entry, bytes: slice })
      } else {
        const fetched = await fetch(file)
        if (fetched === undefined) leaveOut()
        else hold(path, fetched)
      }
    }
    const orLeaveOut: FileWork = (file, slice) =>
      work(file, slice).catch(error => {
        const isFull = error instanceof WriteError && error.code === 'no-space'
        if (!isFull || (waitsForRoom && temporaries === 0)) throw error
        leaveOut()
      })
    try {
      await this.rounds.run(this.plan.files, orLeaveOut)
      await intended
      return { placed, waiting, drop }
    } catch (error) {
      await drop(error)
      await Promise.allSettled([intended])
      throw error
    } finally {
      await this.bases.noted.finally(() => this.marks.flush())
    }
  }

  /**
   * Throws `Superseded` when content cannot be had any more because a newer version replaced it.
   * @param fetched what `fetch` brought, which is used up
   */
  async run(fetched: Fetched = NOTHING_FETCHED): Promise<Omit<TransferResult, 'fetched'>> {
    const { files } = this.plan
    const { waiting } = fetched
    try {
      await this.marks.recover(this.plan.recovered)
      const isNoted = ({ path }: PlannedFile) => waiting.has(path)
      await this.marks.intend(files.filter(file => !isNoted(file)))
      const left = await this.placeWaiting(files, waiting)
      await this.rounds.run(left, (file, slice) => this.place(file, slice))
    } finally {
      await fetched.drop()
      await this.bases.noted.finally(() => this.marks.flush())
    }
    await this.removeGone()
    await this.adjust()
    const { plan, writer, ownership, rules, marks, outcome } = this
    const onDone = () => this.options.transfer.progress(1, 0)
    await makeLinks(plan.links, { writer, ownership, rules, marks, outcome, onDone })
    await marks.done()
    return outcome.result
  }

  /** Places what was fetched. → the files that still have to be fetched */
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
      await this.rounds.pauseIfDue()
      const isInStore = fetched.bytes === undefined && fetched.temporary === undefined
      if (!isInStore && (await this.rounds.untilDone(file, () => this.files.place(file, fetched)))) continue
      left.push(file)
      this.options.transfer.progress(-1, isInStore ? -fetched.entry.size : 0) // counted when it is placed
    }
    return left
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
        if (!(error instanceof WriteError)) throw error // the user changed it meanwhile, so it stays
      }
    }
  }

  /** Gives files their new time and executable bit, unless the user changed their bytes. */
  private async adjust(): Promise<void> {
    for (const { entry, path, segments, mark, expected } of this.plan.adjusted) {
      await this.rounds.pauseIfDue()
      if (!(await this.ownership.isOurs(segments, expected))) continue
      try {
        const after = this.writer.adjust(segments, mark, attributesOf(entry))
        this.marks.written({ entry, path }, after, expected.hash)
        this.options.live?.onPlaced(path)
      } catch (error) {
        // The user changed it just now. The next copy looks at it again.
        if (!(error instanceof WriteError) || error.code !== 'changed') this.outcome.skipOrThrow(path, error)
      }
    }
  }
}

const NOTHING_FETCHED: Fetched = { placed: new Set(), waiting: new Map(), drop: async () => {} }

function whichIsSweptLater(): void {}

/** Whether nothing has to be replaced or removed for a file. */
function takesNoPlace({ precondition, conflict, way }: PlannedFile): boolean {
  return precondition === 'absent' && !conflict && way === undefined
}
