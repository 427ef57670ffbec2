/**
 * One step of a live copy: brings the folder from the version before to the newest one.
 *
 * 1. The differences are found, and whether the user has to be asked.
 * 2. Everything that comes is fetched. Only new files are written meanwhile.
 * 3. When nothing has to come from a peer any more, files are renamed as in the share, changed files are replaced,
 *    and files that the share does not have any more go to the kept files.
 *
 * A step that was cut off anywhere is repeated from the same beginning, and finds its finished parts done.
 */
import { statSync } from 'node:fs'
import type { DrivePath } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { inSlices } from '../../wire/slices'
import { fetchPlan, openTarget, partOf, runPlan, sourceOf } from '../copy/copy'
import { CopyMarks, heldBefore, NO_MARK } from '../copy/marks'
import type { CopyOptions } from '../copy/options'
import { Ownership } from '../copy/ownership'
import { PartialFiles } from '../copy/partialFiles'
import {
  type CopySource,
  planEntries,
  recordsOf,
  recoveredFiles,
  type TargetRecords,
  targetKey,
} from '../copy/plan'
import type { CopyPlan } from '../copy/planned'
import type { Fetched } from '../copy/run'
import type { FileMark, SafeWriter } from '../disk/writer'
import { contentId, type DriveEntry } from '../drive/format/entry'
import type { Version } from '../drive/version'
import { type Selection, selectPaths } from '../names/pathSet'
import type { TargetRules } from '../names/rules'
import { type CopiedFile, FOLDER } from '../store/catalog'
import { throwIfAborted } from '../time'
import { all, type Difference, type Move, movesIn, pathOf, since } from './difference'
import { freeMoves, inTheWay } from './inTheWay'
import { hasPassed, type KeptFiles } from './keptFiles'
import {
  endLeaving,
  type Leaving,
  type LeavingOptions,
  leave,
  leavingOf,
  likelyMoves,
  removeEmptyFolders,
  segmentsOf,
  statOf,
} from './leaving'
import { type Answers, Asked, askAboutConflicts, askAboutRemoval } from './questions'
import { recordsNear } from './records'
import type { Selects } from './selection'

/** The version that the folder is in step with. */
export interface Applied {
  readonly version: Version
  /** The part of the share that is copied, see `CopySource`. */
  readonly from: DrivePath
  readonly target: string
  /** The identity of the folder, see `placeOf`. */
  readonly place: string
  readonly rules: TargetRules
  /** Number of entries that are kept in step. */
  readonly selected: number
}

export interface StepOptions {
  readonly copy: CopyOptions
  readonly version: Version
  readonly selects: Selects
  /** Undefined: everything is looked at. */
  readonly before: Applied | undefined
  /** Places that unfinished steps since `before` dealt with. Those of this step are added. */
  readonly touched: Set<string>
  /** Places of files that could not be written before. Their obstacles may be gone. */
  readonly again: Iterable<string>
  readonly answers: Answers
  /** The largest number of files that were in step lately. */
  readonly most: number
  /** How many of the share's files are known to be missing here: the user deleted them, or they cannot be written. */
  readonly notHere: number
  readonly kept: KeptFiles
  readonly onMoved: (move: Move) => void
  readonly onTaken: (path: string) => void
}

export interface StepResult {
  readonly applied: Applied
  /** Whether every place was looked at, or only changes. */
  readonly isWhole: boolean
  readonly put: ReadonlyMap<string, DriveEntry>
  readonly gone: ReadonlySet<string>
  /** Conflicts: the places of the user's file and of the incoming one. */
  readonly conflicts: readonly { readonly path: string; readonly copy: string }[]
  readonly deletedHere: readonly string[]
  /** Files that could not be written or taken away; `reason` is a code. */
  readonly skipped: readonly { readonly path: string; readonly reason: string }[]
}

/** Throws `Asked`, `Superseded`, `target-vanished`, `cancelled`, and errors of reading and writing. */
export async function step(options: StepOptions): Promise<StepResult> {
  const { copy } = options
  const madeFolders: string[] = []
  const place = placeOf(copy.folder)
  const known = options.before?.place === place ? options.before.rules : undefined
  const { writer, rules } = openTarget(copy, path => madeFolders.push(path), known)
  try {
    const target = targetKey(copy.id, copy.folder, copy.share.bytes?.fork ?? 0)
    return await new Step(options, writer, rules, target, place, madeFolders).run()
  } finally {
    await writer.close()
  }
}

class Step {
  private readonly source: CopySource
  private readonly signal: AbortSignal

  constructor(
    private readonly options: StepOptions,
    private readonly writer: SafeWriter,
    private readonly rules: TargetRules,
    private readonly target: string,
    private readonly place: string,
    private readonly madeFolders: string[],
  ) {
    this.source = partOfShare(options)
    this.signal = options.copy.transfer.abort.signal
  }

  async run(): Promise<StepResult> {
    const { writer, target, rules } = this
    const { copy, version, touched } = this.options
    const before = this.usable()
    const wasCut = touched.size > 0
    const whole = before === undefined ? await recordsOf(copy.catalog, target) : undefined
    const difference = await this.difference(before, whole)
    for (const places of [difference.put.keys(), difference.gone])
      for (const path of places) touched.add(path)
    const records = whole ?? (await this.records(difference, wasCut))
    const marks = new CopyMarks(copy.catalog, target, this.source.part, this.madeFolders, whole !== undefined)
    if (whole !== undefined) await this.recover(whole, difference, marks)
    await this.askWhetherEmptied(whole, before, marks)
    endLeaving({ writer, marks, copied: records.copied })
    const { put, gone, selected } = difference
    const ownership = new Ownership(copy.share, writer, records.copied)
    await this.recall(put, records.copied, ownership, marks)
    const isInDoubt = before === undefined && copy.isInDoubt
    const here = { writer, copied: records.copied, isInDoubt }
    const free = freeMoves(movesIn(difference, records.copied), gone, rules)
    const moves = await likelyMoves(free, { writer, ownership, copied: records.copied })
    const leaving = leavingOf(gone, moves, here)
    // Files that the user deselected are still in the share, so nothing is asked about them.
    const isLost = (path: string) => version.index.entry(pathOf(this.source, path)) === undefined
    const moved = new Set(leaving.moves.map(({ from }) => from))
    const lost = [...gone].filter(path => records.copied.has(path) && isLost(path) && !moved.has(path)).length
    const taken = leaving.taken.filter(isLost)
    const made = () => this.made(records.copied).filter(path => put.has(path) || isLost(path)).length
    const removal = { lost, taken: taken.length, left: selected }
    askAboutRemoval(
      { ...removal, before: before?.selected ?? made(), most: this.options.most },
      this.options.answers,
    )
    if (this.options.answers.get('removal')?.answer === 'keep') {
      const leftOut = leaving.taken.filter(path => !isLost(path))
      leaving.taken.splice(0, leaving.taken.length, ...leftOut)
      leaving.forgotten.push(...taken)
    }
    const moving = new Set([...leaving.moves, ...leaving.movedAway].map(({ to }) => to))
    const planned = await this.plan(difference, records, moving)
    await askAboutConflicts(planned, ownership, copy, writer, this.options.answers)

    const leavingOptions = {
      ...this.options,
      writer,
      rules,
      ownership,
      marks,
      copied: records.copied,
      keep: (path: string, mark: FileMark, executable: boolean) => this.keep(path, mark, executable),
    }
    const { plan, result, later } = await this.apply(planned, leaving, leavingOptions, without =>
      this.plan(difference, records, without),
    )
    removeEmptyFolders(gone, leavingOptions)
    for (const path of plan.deletedHere) {
      const entry = put.get(path)
      const known = records.copied.get(path)
      const isNoted = known?.away === true && entry !== undefined && known.content === contentId(entry)
      if (entry !== undefined && !isNoted) marks.deletedHere({ entry, path }, heldBefore(known))
    }
    await marks.flush()
    touched.clear()
    return {
      applied: { version, from: this.source.from, target, place: this.place, rules, selected },
      isWhole: whole !== undefined,
      put,
      gone,
      conflicts: plan.conflicts,
      deletedHere: [...plan.deletedHere, ...leaving.movedAway.map(({ to }) => to)],
      skipped: [...result.skipped, ...later],
    }
  }

  /**
   * Removes or replaces nothing before everything that comes is here. One exception: where the disk has no room for
   * both, and removing files makes room, they go first.
   * @param replan plans what is left to write after removals, without places that are done
   */
  private async apply(
    planned: CopyPlan,
    leaving: Leaving,
    options: LeavingOptions,
    replan: (without: ReadonlySet<string>) => Promise<CopyPlan>,
  ) {
    const { copy, kept } = this.options
    const { marks, writer, rules } = options
    const { moves, movedAway, taken } = leaving
    const isLeaving = moves.length + movedAway.length + taken.length > 0
    const comes = [...planned.files, ...planned.links].map(({ path }) => path)
    const first = inTheWay(taken, comes, rules)
    const partials = await PartialFiles.open(copy.catalog, this.target, copy.transfer.id, planned.files)
    if (this.options.before === undefined) await writer.sweep(partials.tokens, partials.givenUp)
    const parts = [marks, partials, writer, rules] as const
    let fetched: Fetched | undefined
    try {
      // A single file needs no fetch ahead: it replaces the other in one step.
      const isAtOnce = !isLeaving && planned.files.length <= 1
      const waitsForRoom = taken.length === 0 || !kept.makesRoomIn(copy.folder)
      if (!isAtOnce) fetched = await fetchPlan(copy, planned, parts, waitsForRoom)
      const placed = fetched?.placed ?? NONE
      const left = await leave({ ...leaving, taken: [...first] }, options)
      const plan = isLeaving
        ? await replan(new Set([...left.done, ...placed]))
        : { ...planned, files: planned.files.filter(({ path }) => !placed.has(path)) }
      const result = await runPlan(copy, plan, parts, fetched)
      const last = [...left.unmoved, ...taken.filter(path => !first.has(path))]
      const { later } = await leave({ ...NOTHING_LEAVES, taken: last }, options)
      return { plan, result, later: [...left.later, ...later] }
    } catch (error) {
      await fetched?.drop(error)
      throw error
    } finally {
      if (!copy.isEnding() && (await partials.clear())) await writer.sweep(partials.tokens, partials.givenUp)
    }
  }

  /** The version before, if it was applied to the same part of the same share in the same folder. */
  private usable(): Applied | undefined {
    const { before } = this.options
    const isSame =
      before?.from === this.source.from && before.target === this.target && before.place === this.place
    return isSame ? before : undefined
  }

  private difference(before: Applied | undefined, whole: TargetRecords | undefined): Promise<Difference> {
    const { version, selects, touched, again } = this.options
    const { signal } = this
    const work =
      before === undefined
        ? all(version.index, this.source, selects, whole?.copied ?? new Map())
        : since(
            version.index,
            { index: before.version.index, selected: before.selected },
            this.source,
            selects,
            new Set([...touched, ...again]),
          )
    return inSlices(work, { onPause: () => throwIfAborted(signal) })
  }

  private async records({ put, gone, selected }: Difference, wasCut: boolean): Promise<TargetRecords> {
    const { catalog } = this.options.copy
    if (wasCut) return recordsOf(catalog, this.target)
    const places = new Set([...put.keys(), ...gone])
    const isFolder = (path: string) => statOf(this.writer, segmentsOf(path))?.kind === 'folder'
    const foldersHere = () => [...put.keys()].filter(isFolder)
    const copied = await recordsNear(catalog, this.target, places, foldersHere, selected)
    return { copied, intended: new Map() }
  }

  /** Marks files that an earlier process wrote and did not get to mark. */
  private async recover(records: TargetRecords, { put, gone }: Difference, marks: CopyMarks): Promise<void> {
    const recovered = recoveredFiles(records, put, this.writer)
    for (const { path, record } of recovered) {
      records.copied.set(path, record)
      if (!put.has(path)) gone.add(path)
    }
    await marks.recover(recovered)
  }

  /** Takes back files that the user had deleted and that are here again unchanged, from a checkout or the bin. */
  private async recall(
    put: ReadonlyMap<string, DriveEntry>,
    copied: Map<string, CopiedFile>,
    ownership: Ownership,
    marks: CopyMarks,
  ): Promise<void> {
    for (const path of put.keys()) {
      const was = copied.get(path)?.was
      const segments = segmentsOf(path)
      if (was === undefined || statOf(this.writer, segments)?.kind !== 'file') continue
      if ((await ownership.prove(segments, was)) !== 'same') continue
      const record = { ...was, ...NO_MARK }
      copied.set(path, record)
      marks.note(path, record)
    }
  }

  /** Asks when none of the written files is there: the disk may not be mounted. Throws `Asked`. */
  private async askWhetherEmptied(
    whole: TargetRecords | undefined,
    before: Applied | undefined,
    marks: CopyMarks,
  ): Promise<void> {
    const answer = this.options.answers.get('emptied')?.answer
    if (whole === undefined) {
      const here = (before?.selected ?? 0) - this.options.notHere
      const isEmptied = here > 0 && answer === undefined && this.writer.namesIn([]).length === 0
      if (isEmptied) throw new Asked({ kind: 'emptied' })
      return
    }
    const files = this.made(whole.copied)
    const isThere = (path: string) => statOf(this.writer, segmentsOf(path)) !== undefined
    if (answer === 'keep' || files.length === 0 || files.some(isThere)) return
    if (answer === undefined) throw new Asked({ kind: 'emptied' })
    for (const path of whole.copied.keys()) marks.forget(path)
    whole.copied.clear()
    await marks.flush()
  }

  /** Places of files and links that this copy made, and that the user is not known to have changed or deleted. */
  private made(copied: TargetRecords['copied']): string[] {
    const { part } = this.source
    return [...copied]
      .filter(([path, known]) => isMade(known) && (path === part || path.startsWith(`${part}/`)))
      .map(([path]) => path)
  }

  /** Plans what is to be written. @param without places that are done */
  private async plan({ put }: Difference, records: TargetRecords, without: ReadonlySet<string>) {
    const wanted = new Map([...put].filter(([path]) => !without.has(path)))
    const { copy, before } = this.options
    const isInDoubt = before === undefined && copy.isInDoubt
    const selection = await this.selection(put, wanted)
    return planEntries(wanted, selection, records, this.writer, this.signal, {
      isInDoubt,
      keepsDeleted: true,
    })
  }

  /**
   * Decides which names are written. Where the target may take two names for one, all names of the share are judged
   * together.
   */
  private async selection(
    put: ReadonlyMap<string, DriveEntry>,
    wanted: ReadonlyMap<string, DriveEntry>,
  ): Promise<Selection> {
    const { rules, signal } = this
    const { version, selects } = this.options
    const onPause = () => throwIfAborted(signal)
    if (rules.caseSensitive && !rules.normalizesUnicode && !rules.shortNames)
      return inSlices(selectPaths(wanted.keys(), rules), { onPause })
    const everything = await inSlices(all(version.index, this.source, selects, new Map()), { onPause })
    const { accepted, refused } = await inSlices(selectPaths(everything.put.keys(), rules), { onPause })
    return {
      accepted: accepted.filter(({ path }) => wanted.has(path)),
      refused: refused.filter(({ path }) => put.has(path)),
    }
  }

  private keep(path: string, mark: FileMark, executable: boolean): Promise<boolean> {
    const { copy, kept } = this.options
    const passing = hasPassed(mark) ? { passing: true as const } : {}
    const taken = { share: copy.id, folder: copy.folder, path, executable, ...passing }
    return kept.take(this.writer, segmentsOf(path), mark, taken)
  }
}

const NONE: ReadonlySet<string> = new Set()
const NOTHING_LEAVES: Leaving = { moves: [], movedAway: [], taken: [], forgotten: [] }

function isMade({ content, away, leaving, conflict }: CopiedFile): boolean {
  return content !== FOLDER && away !== true && leaving !== true && conflict === undefined
}

/**
 * The part of the share that is copied. Where the share has nothing of that name any more, all of it counts as
 * gone.
 */
function partOfShare({ copy, version, before }: StepOptions): CopySource {
  try {
    const { from, part } = sourceOf({ ...copy, version })
    return { from, part }
  } catch (error) {
    if (!(error instanceof PeerfoldError) || !isAbsence(error)) throw error
    return { from: before?.from ?? copy.path, part: partOf(copy.path) }
  }
}

function isAbsence({ code }: PeerfoldError): boolean {
  return code === 'file-not-found' || code === 'target-missing'
}

/** Tells a folder from another one that is mounted in its place. Throws `target-vanished`. */
function placeOf(folder: string): string {
  const stats = statSync(folder, { throwIfNoEntry: false })
  if (stats?.isDirectory() !== true) throw new PeerfoldError('target-vanished', folder)
  return `${stats.dev}:${stats.ino}`
}
