/**
 * Goes round after round over the files that are left, several at once, so that a file nobody has does not hold up
 * those that somebody has. Between two rounds it waits for peers. Content that does not exist, or that nobody
 * keeps, is listed.
 */
import { PeerfoldError } from '../../common/errors'
import { pausesTransfer, WriteError } from '../disk/writeErrors'
import { type Absence, absenceOf, passing } from '../drive/absentBytes'
import type { ReadOptions } from '../drive/blocks'
import type { DriveEntry } from '../drive/format/entry'
import { readPack, sliceOfPack } from '../drive/read'
import { isPartlyNowhere, nobodyHas, ownBlocksNowhere } from '../drive/whoHas'
import { sharedSlicer, throwIfAborted } from '../time'
import type { CopyOptions } from './options'
import type { CopyOutcome } from './outcome'
import type { PlannedFile } from './planned'
import { runBounded } from './runBounded'
import { Superseded } from './superseded'
import { type CopyUnit, copyUnits } from './units'
import { type CopyWaits, RETRY_PAUSES } from './waits'

/** Bytes and units that are fetched at once. */
const BYTES_IN_FLIGHT = 24 * 1024 * 1024
const UNITS_IN_FLIGHT = 96
/** After this many rounds without anything new, content beyond the end of the log counts as a lie. */
const LOOKS_BEFORE_LIES = 3
/** So many rounds without anything new take about a quarter of a minute. */
const QUIET_LOOKS = 6

/** @param slice all bytes of a file that came in a pack */
export type FileWork = (file: PlannedFile, slice: Buffer | undefined) => Promise<void>

export class CopyRounds {
  /** Lets waiting events run. */
  readonly pauseIfDue = sharedSlicer()
  private readonly signal: AbortSignal

  constructor(
    private readonly options: CopyOptions,
    private readonly read: ReadOptions,
    private readonly waits: CopyWaits,
    private readonly outcome: CopyOutcome,
  ) {
    this.signal = options.transfer.abort.signal
  }

  /** Throws `Superseded` when content cannot be had any more because a newer version replaced it. */
  async run(files: readonly PlannedFile[], work: FileWork): Promise<void> {
    const end = new AbortController()
    this.waits.sayWhenFull(AbortSignal.any([this.signal, end.signal]))
    try {
      await this.runAll(files, work)
    } finally {
      end.abort()
    }
  }

  private async runAll(files: readonly PlannedFile[], work: FileWork): Promise<void> {
    const limits = { bytes: BYTES_IN_FLIGHT, units: UNITS_IN_FLIGHT, signal: this.signal }
    let left = files
    for (let wait = 0; left.length > 0; wait++) {
      const later: PlannedFile[] = []
      const units = copyUnits(left, await this.needsPack())
      await runBounded(units, limits, unit => this.copyUnit(unit, work, later))
      if (later.length < left.length) wait = 0
      await this.goWithout(later, wait >= QUIET_LOOKS)
      if (later.length > 0) {
        const absences = await this.absences(later)
        if (absences.includes('superseded') && !this.isFormer) throw new Superseded()
        await this.waits.waitFor(later, wait)
      }
      left = wait < LOOKS_BEFORE_LIES ? later : await this.without('do-not-exist', 'bad-entry', later)
      if (this.isFormer && wait >= LOOKS_BEFORE_LIES) left = await this.withoutLetGo(left)
    }
  }

  /**
   * Retries the work until it is done or impossible, and pauses while the target cannot take it. False: no peer
   * gave the bytes.
   */
  async untilDone(file: PlannedFile, work: () => Promise<void>): Promise<boolean> {
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
          this.outcome.skipOrThrow(file.path, error)
          return true
        }
      }
    }
  }

  /** Copies a unit. Adds files that cannot be had now to `later`. */
  private async copyUnit(unit: CopyUnit, work: FileWork, later: PlannedFile[]): Promise<void> {
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

  /** Takes out, and lists, files that nobody has and that the folder goes on without. */
  private async goWithout(later: PlannedFile[], isQuiet: boolean): Promise<void> {
    const { share, live } = this.options
    if (live === undefined || later.length === 0) return
    const bytes = await share.bytesReady(this.signal)
    for (const file of later.splice(0)) {
      const { entry, path } = file
      if (!isPartlyNowhere(bytes, entry) || !live.goesWithout(path, entry, isQuiet)) later.push(file)
      else this.outcome.skip({ path, reason: 'offline', detail: new PeerfoldError('offline', path).message })
    }
  }

  /** Without files of a former version that no peer keeps. While no peer is connected, none is given up. */
  private async withoutLetGo(files: readonly PlannedFile[]): Promise<readonly PlannedFile[]> {
    const { share } = this.options
    if (!share.isOwn && (share.bytes?.peers.length ?? 0) === 0) return files
    return this.without('superseded', 'not-kept', files)
  }

  /** Lists the files whose bytes are absent for this reason, with this error. → the others */
  private async without(
    absence: Absence,
    error: 'bad-entry' | 'not-kept',
    files: readonly PlannedFile[],
  ): Promise<readonly PlannedFile[]> {
    const absences = await this.absences(files)
    return files.filter(({ path }, at) => {
      if (absences[at] !== absence) return true
      this.outcome.skipOrThrow(path, new PeerfoldError(error, path))
      this.options.transfer.progress(1, 0)
      return false
    })
  }

  private async absences(files: readonly PlannedFile[]): Promise<(Absence | undefined)[]> {
    const { share } = this.options
    const bytes = await share.bytesReady(this.signal)
    return files.map(({ entry }) => absenceOf(share, bytes, entry))
  }

  /** Undefined when no peer gave the pack. The files' own blocks are asked for then. */
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
}

function withoutPack({ entry: { pack, ...entry }, ...file }: PlannedFile): PlannedFile {
  return { ...file, entry }
}

/** Undefined where the pack is shorter than the listing says. The file's own blocks are used then. */
function sliceOrNothing(pack: Buffer, { entry }: PlannedFile): Buffer | undefined {
  const { offset } = entry.pack ?? { offset: 0 }
  return offset + entry.size > pack.length ? undefined : sliceOfPack(pack, entry)
}
