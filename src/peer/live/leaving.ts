/**
 * Applies what a version removes: files that it renames are renamed here, others go to the kept files. Only files
 * that this copy made and nobody changed are touched. Anything else stays, as the user's. A note is written first,
 * so that after a kill a missing file is not taken for one that the user deleted.
 */
import { attributesOf, hasAttributes } from '../copy/attributes'
import { type CopyMarks, heldBefore, NO_MARK, stated } from '../copy/marks'
import { expectedOf, isAsLeft, type Ownership } from '../copy/ownership'
import { pausesTransfer, WriteError, type WriteErrorCode } from '../disk/writeErrors'
import type { EntryStat, FileMark, SafeWriter } from '../disk/writer'
import { checkPath } from '../names/paths'
import type { TargetRules } from '../names/rules'
import { type CopiedFile, FOLDER } from '../store/catalog'
import { sharedSlicer } from '../time'
import type { Move } from './difference'

/** What is to be done about the places that the share does not have any more. */
export interface Leaving {
  readonly moves: Move[]
  /** Renamed in the share, and deleted here by the user. */
  readonly movedAway: Move[]
  /** Places of files and links to take away, if nobody changed them. */
  readonly taken: string[]
  /** Places where nothing of this copy is any more. */
  readonly forgotten: string[]
}

export interface LeavingOptions {
  readonly writer: SafeWriter
  readonly rules: TargetRules
  readonly ownership: Ownership
  readonly marks: CopyMarks
  readonly copied: Map<string, CopiedFile>
  /** Takes a file to the kept files. */
  readonly keep: (path: string, mark: FileMark, executable: boolean) => Promise<boolean>
  readonly onMoved: (move: Move) => void
  readonly onTaken: (path: string) => void
}

/**
 * Looks at the folder, and changes nothing.
 * @param isInDoubt a missing file may have been lost with the power
 */
export function leavingOf(
  gone: ReadonlySet<string>,
  moves: readonly Move[],
  { writer, copied, isInDoubt }: Pick<LeavingOptions, 'writer' | 'copied'> & { readonly isInDoubt: boolean },
): Leaving {
  const leaving: Leaving = { moves: [], movedAway: [], taken: [], forgotten: [] }
  const moved = new Map(moves.map(move => [move.from, move]))
  for (const path of gone) {
    const known = copied.get(path)
    if (known === undefined || known.content === FOLDER) continue
    const local = statOf(writer, segmentsOf(path))
    const move = moved.get(path)
    if (local?.kind === 'file' && move !== undefined) leaving.moves.push(move)
    else if (local?.kind === 'file' || local?.kind === 'link') leaving.taken.push(path)
    else {
      leaving.forgotten.push(path)
      if (local !== undefined || move === undefined || known.leaving || isInDoubt) continue
      // A user who renamed it as the share did has deleted nothing.
      if (statOf(writer, segmentsOf(move.to)) === undefined) leaving.movedAway.push(move)
    }
  }
  return leaving
}

/** The moves that seem possible at a look. Files of all others are fetched instead. */
export async function likelyMoves(
  moves: readonly Move[],
  { writer, ownership, copied }: Pick<LeavingOptions, 'writer' | 'ownership' | 'copied'>,
): Promise<Move[]> {
  const likely: Move[] = []
  const pauseIfDue = sharedSlicer()
  for (const move of moves) {
    await pauseIfDue()
    const known = copied.get(move.from)
    const segments = segmentsOf(move.from)
    const [local, there] = [statOf(writer, segments), statOf(writer, segmentsOf(move.to))]
    const isTaken = there !== undefined && there.ino !== local?.ino
    if (known === undefined || (local?.kind === 'file' && isTaken)) continue
    const isChanged = local?.kind === 'file' && !isAsLeft(local, known)
    if (!isChanged || (await ownership.isOurs(segments, expectedOf(known, local)))) likely.push(move)
  }
  return likely
}

export interface Left {
  /** Places that are done: they have the share's content, or nothing, as the user wishes. */
  readonly done: ReadonlySet<string>
  /** Places of files that could not be renamed as the share did. */
  readonly unmoved: readonly string[]
  /** Files that could not be taken away now. They are still this copy's. */
  readonly later: readonly { readonly path: string; readonly reason: WriteErrorCode }[]
}

export async function leave(leaving: Leaving, options: LeavingOptions): Promise<Left> {
  const { marks, copied } = options
  const done = new Set<string>()
  const unmoved: string[] = []
  const later: Left['later'][number][] = []
  const forget = (path: string) => {
    copied.delete(path)
    marks.forget(path)
  }
  for (const { from, to } of leaving.movedAway) {
    const known = copied.get(from)
    if (known === undefined) continue
    const was = heldBefore(known)
    const record: CopiedFile = { ...known, ...NO_MARK, away: true, ...(was === undefined ? {} : { was }) }
    copied.set(to, record)
    marks.note(to, record)
    done.add(to)
  }
  for (const path of leaving.forgotten) forget(path)
  for (const path of [...leaving.moves.map(({ from }) => from), ...leaving.taken]) {
    const known = copied.get(path)
    if (known !== undefined) marks.note(path, { ...known, leaving: true })
  }
  await marks.flush()
  const pauseIfDue = sharedSlicer()
  try {
    for (const move of leaving.moves) {
      await pauseIfDue()
      if (await rename(move, options)) {
        done.add(move.to)
        forget(move.from)
        options.onMoved(move)
      } else {
        const known = copied.get(move.from)
        if (known !== undefined) marks.note(move.from, known)
        unmoved.push(move.from)
      }
    }
    for (const path of leaving.taken) {
      await pauseIfDue()
      const known = copied.get(path)
      const reason = await takeAway(path, options)
      if (reason === 'taken') options.onTaken(path)
      if (reason === 'taken' || reason === 'theirs' || known === undefined) forget(path)
      else {
        marks.note(path, known)
        later.push({ path, reason })
      }
    }
  } finally {
    await marks.flush() // also for work that was done before an error
  }
  return { done, unmoved, later }
}

/** Ends removals of an earlier step that was cut off: a file is gone, or stays as it is. */
export function endLeaving({
  writer,
  copied,
  marks,
}: Pick<LeavingOptions, 'writer' | 'copied' | 'marks'>): void {
  for (const [path, { leaving, ...record }] of copied) {
    if (leaving !== true) continue
    if (statOf(writer, segmentsOf(path)) === undefined) {
      copied.delete(path)
      marks.forget(path)
    } else {
      copied.set(path, record)
      marks.note(path, record)
    }
  }
}

/** Removes folders that this copy made and that are empty, the deepest first. */
export function removeEmptyFolders(
  emptied: Iterable<string>,
  { writer, copied, marks }: Pick<LeavingOptions, 'writer' | 'copied' | 'marks'>,
): void {
  const folders = new Set<string>()
  for (const path of emptied)
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1))
      folders.add(path.slice(0, end))
  for (const path of [...folders].sort((a, b) => b.length - a.length)) {
    if (copied.get(path)?.content !== FOLDER) continue
    try {
      writer.removeFolder(segmentsOf(path))
      copied.delete(path)
      marks.forget(path)
    } catch (error) {
      if (!(error instanceof WriteError) || error.code === 'vanished') throw error
      // It is not empty, or is no folder any more.
    }
  }
}

/** @returns whether the file lies at its new place */
async function rename({ from, to, entry }: Move, options: LeavingOptions): Promise<boolean> {
  const { writer, rules, ownership, marks, copied } = options
  const place = checkPath(to, rules)
  const known = copied.get(from)
  if (!place.ok || known === undefined) return false
  const segments = segmentsOf(from)
  try {
    const local = writer.stat(segments)
    if (local?.kind !== 'file' || !(await ownership.isOurs(segments, expectedOf(known, local)))) return false
    let mark = await writer.move(segments, place.segments, local)
    if (!hasAttributes(local, entry, known)) mark = writer.adjust(place.segments, mark, attributesOf(entry))
    marks.written({ entry, path: to }, mark, known.hash === undefined ? undefined : known.hash)
    copied.set(to, { content: known.content, ...stated(mark) })
    return true
  } catch (error) {
    if (error instanceof WriteError && error.code !== 'vanished') return false
    throw error
  }
}

/** @returns why a file could not be taken away now; `theirs`: it is the user's, and stays */
async function takeAway(path: string, options: LeavingOptions): Promise<'taken' | 'theirs' | WriteErrorCode> {
  const { writer, ownership, keep } = options
  const segments = segmentsOf(path)
  try {
    const mark = await ownership.markIfOurs(segments)
    const local = writer.stat(segments)
    if (mark === undefined || local === undefined) return 'theirs'
    const isTaken =
      local.kind === 'link' ? await writer.remove(segments, mark) : await keep(path, mark, local.executable)
    return isTaken ? 'taken' : 'theirs'
  } catch (error) {
    // A folder without permission keeps its files, and holds up nothing else.
    if (!(error instanceof WriteError) || pausesTransfer(error)) throw error
    return ['changed', 'exists', 'outside', 'kept-folder'].includes(error.code) ? 'theirs' : error.code
  }
}

/** As `SafeWriter.stat`; undefined also where a link or file has the place of a folder. */
export function statOf(writer: SafeWriter, segments: readonly string[]): EntryStat | undefined {
  try {
    return writer.stat(segments)
  } catch (error) {
    if (error instanceof WriteError && error.code !== 'vanished') return undefined
    throw error
  }
}

export function segmentsOf(path: string): string[] {
  return path.slice(1).split('/')
}
