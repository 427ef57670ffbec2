/**
 * The plan of a copy: what is to be written where, decided before anything is fetched. Names that the target's file
 * system cannot take, or that would collide there, are refused here, each with its reason; local files are looked at
 * and never taken for ours unless they are exactly as we left them.
 */
import { createHash } from 'node:crypto'
import { realpathSync } from 'node:fs'
import type { DrivePath, ShareId } from '../../common/brand'
import type { SkippedEntry } from '../../common/model'
import { inSlices } from '../../wire/slices'
import type { Catalog, CopiedFile, IntendedFile } from '../catalog'
import { contentId, type DriveEntry } from '../drive/entry'
import { trimSlash } from '../drive/pathIndex'
import { selectPaths } from '../names/pathSet'
import { describeRefusal } from '../names/refusals'
import type { TargetRules } from '../names/rules'
import { breathe, slicer, throwIfAborted } from '../time'
import { WriteError } from './writeErrors'
import type { EntryStat, FileMark, Precondition, SafeWriter } from './writer'

/** One file to write. */
export interface PlannedFile {
  readonly entry: DriveEntry
  /** Path inside the target folder, starting with '/'. */
  readonly path: string
  readonly segments: readonly string[]
  readonly precondition: Precondition
  /** A local file of the same length of which it is not known whether it is the same: compare before it is replaced or
   *  called changed. */
  readonly compare: boolean
  /** The local file was changed: the incoming one goes beside it. */
  readonly conflict: boolean
  /** Nothing was there when the copy began, which may have been planned before. */
  readonly fresh: boolean
}

export interface CopyPlan {
  readonly files: PlannedFile[]
  readonly links: {
    readonly entry: DriveEntry
    readonly path: string
    readonly segments: readonly string[]
  }[]
  readonly skipped: SkippedEntry[]
  /** Conflicts of earlier runs that are still there. */
  readonly conflicts: { readonly path: string; readonly copy: string }[]
  readonly bytes: number
  /** Files that are there already. */
  readonly present: { readonly files: number; readonly bytes: number }
  /** Paths (inside the target) of everything that is or will be there. */
  readonly paths: string[]
  readonly executables: Set<string>
  /** Files that this copy made when it was planned with another version, and that the share does not have any more. */
  readonly gone: { readonly segments: readonly string[]; readonly mark: FileMark }[]
  /** Files of ours that have no mark yet. */
  readonly recovered: { readonly path: string; readonly content: string; readonly mark: FileMark }[]
}

/** What the catalog calls a target: one share in one folder. When the log of bytes was cut off and continued otherwise
 *  (`fork`), places in it mean other bytes, and nothing that was recorded before holds. */
export function targetKey(share: ShareId, folder: string, fork: number): string {
  return createHash('sha256')
    .update(`${share}\0${realpathSync(folder)}${fork === 0 ? '' : `\0${fork}`}`)
    .digest('base64url')
    .slice(0, 22)
}

/** What is cut off from drive paths to get paths inside the target, when `base` is copied. */
export function parentOf(base: DrivePath): string {
  return trimSlash(base).replace(/\/[^/]*$/, '')
}

/** @param isInDoubt the machine went down: files that were written before may lack bytes that never reached the disk */
export async function planCopy(
  entries: Iterable<DriveEntry>,
  base: DrivePath,
  target: string,
  writer: SafeWriter,
  rules: TargetRules,
  catalog: Catalog,
  signal: AbortSignal,
  isInDoubt: boolean,
): Promise<CopyPlan> {
  const plan: CopyPlan & { bytes: number; present: { files: number; bytes: number } } = {
    files: [],
    links: [],
    skipped: [],
    conflicts: [],
    bytes: 0,
    present: { files: 0, bytes: 0 },
    paths: [],
    executables: new Set(),
    gone: [],
    recovered: [],
  }
  const parent = parentOf(base)
  const byPath = new Map<string, DriveEntry>()
  for (const entry of entries) byPath.set(entry.path.slice(parent.length), entry)
  const copied = new Map<string, CopiedFile>()
  const intended = new Map<string, IntendedFile>()
  const [{ accepted, refused }] = await Promise.all([
    inSlices(selectPaths(byPath.keys(), rules), { onPause: () => throwIfAborted(signal) }),
    catalog.each('copied', target, (path, file) => copied.set(path, file)),
    catalog.each('intended', target, (path, file) => intended.set(path, file)),
  ])
  for (const { path, reason } of refused) plan.skipped.push({ path, reason, detail: describeRefusal(reason) })

  const local = new LocalFiles(writer)
  const due = slicer()
  for (const { path, segments } of accepted) {
    throwIfAborted(signal)
    const entry = byPath.get(path)
    if (entry === undefined) continue
    try {
      const recorded = { known: copied.get(path), intended: intended.get(path), isInDoubt }
      planEntry(plan, entry, path, segments, recorded, local)
    } catch (error) {
      if (!(error instanceof WriteError) || error.code === 'vanished') throw error
      plan.skipped.push({ path, reason: error.code, detail: error.message })
    }
    if (due()) {
      await breathe()
      local.lookAnew()
    }
  }
  const part = trimSlash(base).slice(parent.length)
  for (const [path, { fresh, content }] of intended) {
    const isOfPart = path === part || path.startsWith(`${part}/`)
    if (!fresh || !isOfPart || byPath.has(path)) continue
    const segments = path.slice(1).split('/')
    const known = copied.get(path)
    const mark = local.stat(segments)
    const isOurs = known?.content === content && mark?.kind === 'file' && isSame(mark, known)
    if (isOurs) plan.gone.push({ segments, mark })
  }
  return plan
}

interface Recorded {
  readonly known: CopiedFile | undefined
  readonly intended: IntendedFile | undefined
  readonly isInDoubt: boolean
}

function planEntry(
  plan: CopyPlan & { bytes: number; present: { files: number; bytes: number } },
  entry: DriveEntry,
  path: string,
  segments: readonly string[],
  recorded: Recorded,
  files: LocalFiles,
): void {
  const { known, intended, isInDoubt } = recorded
  if (entry.kind === 'link') {
    plan.links.push({ entry, path, segments })
    plan.paths.push(path)
    return
  }
  const local = files.stat(segments)
  if (local !== undefined && local.kind !== 'file') {
    plan.skipped.push({ path, reason: 'exists', detail: new WriteError('exists', path).message })
    return
  }
  plan.paths.push(path)
  if (entry.executable) plan.executables.add(path)
  const content = contentId(entry)
  const add = (precondition: Precondition, compare: boolean, conflict: boolean) => {
    const fresh = precondition === 'absent' || intended?.fresh === true
    plan.files.push({ entry, path, segments, precondition, compare, conflict, fresh })
    plan.bytes += entry.size
  }
  if (local === undefined) {
    add('absent', false, false)
    return
  }
  const isAsLeft = known !== undefined && isSame(local, known)
  if (isAsLeft && known.content !== content) {
    add(local, false, false)
    return
  }
  if (isInDoubt && intended?.content === content && isIntended(local, intended)) {
    add(local, true, false)
    return
  }
  if (isAsLeft) {
    plan.present.files++
    plan.present.bytes += entry.size
    return
  }
  if (hasLostBytes(local, recorded)) {
    add(local, false, false)
    return
  }
  if (intended !== undefined && intended.content !== content && isIntended(local, intended)) {
    // An earlier version of ours, written just before the process was killed.
    plan.recovered.push({ path, content: intended.content, mark: local })
    add(local, false, false)
    return
  }
  const { conflict } = known ?? {}
  if (conflict?.content === content && files.stat(conflict.path.slice(1).split('/')) !== undefined) {
    plan.conflicts.push({ path, copy: conflict.path })
    plan.present.files++
    plan.present.bytes += entry.size
    return
  }
  add(local, local.size === entry.size, true)
}

/**
 * What lies in the target. Paths come folder by folder, so the way to a folder is looked at once for the files in it;
 * in one that is not there nothing is looked for. Whatever changes after the look is seen when the file is written.
 */
class LocalFiles {
  private folder: { readonly path: string; readonly stat: ReturnType<SafeWriter['statsIn']> } | undefined

  constructor(private readonly writer: SafeWriter) {}

  stat(segments: readonly string[]): EntryStat | undefined {
    const parent = segments.slice(0, -1)
    const path = parent.join('/')
    if (this.folder?.path !== path) this.folder = { path, stat: this.writer.statsIn(parent) }
    return this.folder.stat?.(segments.at(-1) ?? '')
  }

  /** To be called when anything else may have run. */
  lookAnew(): void {
    this.folder = undefined
  }
}

/**
 * Whether a file is ours and shorter than we wrote it: its name and its time reached the disk before the power was
 * lost, and its bytes did not. An empty one can be replaced without loss, whatever else it may be.
 */
function hasLostBytes(local: FileMark, { known, intended, isInDoubt }: Recorded): boolean {
  const isShorter = ({ size }: { readonly size: number }) =>
    local.size < size && (local.size === 0 || isInDoubt)
  if (known !== undefined && local.ino === known.ino && local.mtimeMs === known.mtimeMs)
    return isShorter(known)
  return intended !== undefined && Math.floor(local.mtimeMs) === intended.mtime && isShorter(intended)
}

function isIntended(local: FileMark, { size, mtime }: IntendedFile): boolean {
  return local.size === size && Math.floor(local.mtimeMs) === mtime
}

function isSame(local: FileMark, known: CopiedFile): boolean {
  return local.size === known.size && local.mtimeMs === known.mtimeMs && local.ino === known.ino
}
