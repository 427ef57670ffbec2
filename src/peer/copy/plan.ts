/**
 * The plan of a copy: what is to be written where, decided before anything is fetched. Names that the target's file
 * system cannot take, or that would collide there, are refused here, each with its reason. Local files count as
 * ours only when they are exactly as we left them.
 */
import { createHash } from 'node:crypto'
import { realpathSync } from 'node:fs'
import type { DrivePath, ShareId } from '../../common/brand'
import { inSlices } from '../../wire/slices'
import { WriteError } from '../disk/writeErrors'
import type { EntryStat, FileMark, Precondition, SafeWriter } from '../disk/writer'
import { contentId, type DriveEntry } from '../drive/format/entry'
import { trimSlash } from '../drive/pathIndex'
import { type Selection, selectPaths } from '../names/pathSet'
import { describeRefusal } from '../names/refusals'
import type { TargetRules } from '../names/rules'
import { type Catalog, type CopiedFile, FOLDER, type IntendedFile } from '../store/catalog'
import { breathe, slicer, throwIfAborted } from '../time'
import { hasAttributes } from './attributes'
import { placedBefore } from './counts'
import { Obstacle } from './obstacles'
import { expectedOf, isAsLeft } from './ownership'
import type { CopyPlan, PlannedFile } from './planned'

type WritablePlan = CopyPlan & {
  bytes: number
  noLongerShared: number
  present: { files: number; bytes: number }
}

/**
 * The catalog's key of a target: one share in one folder. When the log of bytes was truncated and continued
 * differently, its `fork` changes: places in it mean other bytes, and earlier records do not hold.
 */
export function targetKey(share: ShareId, folder: string, fork: number): string {
  return createHash('sha256')
    .update(`${share}\0${realpathSync(folder)}${fork === 0 ? '' : `\0${fork}`}`)
    .digest('base64url')
    .slice(0, 22)
}

/** The copied part of a share, and its place in the target. */
export interface CopySource {
  /** A folder or file of the share, `/` for all of it. */
  readonly from: DrivePath
  /** The path inside the target that stands for it; '' where that is the target itself. */
  readonly part: string
}

/** Where a path of the share comes to lie inside the target. */
export function placeIn({ from, part }: CopySource, path: string): string {
  return part + path.slice(trimSlash(from).length)
}

/** Records of a target, by path inside it: all of them, or those of planned paths. */
export interface TargetRecords {
  readonly copied: Map<string, CopiedFile>
  readonly intended: Map<string, IntendedFile>
}

/** @param target see `targetKey` */
export async function recordsOf(catalog: Catalog, target: string): Promise<TargetRecords> {
  const copied = new Map<string, CopiedFile>()
  const intended = new Map<string, IntendedFile>()
  await Promise.all([
    catalog.each('copied', target, (path, file) => copied.set(path, file)),
    catalog.each('intended', target, (path, file) => intended.set(path, file)),
  ])
  return { copied, intended }
}

/** @param isInDoubt the machine went down: files written before may lack bytes that never reached the disk */
export async function planCopy(
  entries: Iterable<DriveEntry>,
  source: CopySource,
  target: string,
  writer: SafeWriter,
  rules: TargetRules,
  catalog: Catalog,
  signal: AbortSignal,
  isInDoubt: boolean,
): Promise<CopyPlan> {
  const { part } = source
  const byPath = new Map<string, DriveEntry>()
  for (const entry of entries) byPath.set(placeIn(source, entry.path), entry)
  const [selection, records] = await Promise.all([
    inSlices(selectPaths(byPath.keys(), rules), { onPause: () => throwIfAborted(signal) }),
    recordsOf(catalog, target),
  ])
  const { copied, intended } = records
  const local = new LocalFiles(writer, copied)
  const recovered = recoverable(intended, byPath, copied, local)
  for (const { path, record } of recovered) copied.set(path, record)
  const how = { isInDoubt, keepsDeleted: false }
  const plan = await planEntries(byPath, selection, records, writer, signal, how)
  plan.recovered.push(...recovered)
  const due = slicer()
  const isGone = (path: string) => (path === part || path.startsWith(`${part}/`)) && !byPath.has(path)
  for (const [path, { fresh, content }] of intended) {
    if (!fresh || !isGone(path)) continue
    const segments = path.slice(1).split('/')
    const known = copied.get(path)
    const mark = local.statIfReachable(segments)
    const isOurs = known?.content === content && mark?.kind === 'file' && isAsLeft(mark, known)
    if (isOurs) plan.gone.push({ segments })
  }
  const leave = new Set(plan.gone.map(({ segments }) => `/${segments.join('/')}`))
  for (const [path, { content }] of copied) {
    if (due()) {
      await breathe()
      throwIfAborted(signal)
      local.lookAnew()
    }
    if (content === FOLDER || !isGone(path) || leave.has(path)) continue
    const found = local.statIfReachable(path.slice(1).split('/'))
    if (found !== undefined && found.kind !== 'folder') plan.noLongerShared++
  }
  return plan
}

/** Files that an earlier run wrote just before its process was killed, as records: see `CopyPlan.recovered`. */
export function recoveredFiles(
  { copied, intended }: TargetRecords,
  incoming: ReadonlyMap<string, DriveEntry>,
  writer: SafeWriter,
): CopyPlan['recovered'] {
  return recoverable(intended, incoming, copied, new LocalFiles(writer, copied))
}

/**
 * Plans these entries, and ignores everything else in the target.
 * @param byPath entries by their places inside the target
 * @param how.keepsDeleted files that this copy made and the user deleted stay deleted
 */
export async function planEntries(
  byPath: ReadonlyMap<string, DriveEntry>,
  { accepted, refused }: Selection,
  { copied, intended }: TargetRecords,
  writer: SafeWriter,
  signal: AbortSignal,
  how: { readonly isInDoubt: boolean; readonly keepsDeleted: boolean },
): Promise<WritablePlan> {
  const plan: WritablePlan = {
    files: [],
    links: [],
    adjusted: [],
    old: [],
    known: copied,
    skipped: [],
    conflicts: [],
    bytes: 0,
    present: { files: 0, bytes: 0 },
    paths: [],
    executables: new Set(),
    gone: [],
    placed: [],
    noLongerShared: 0,
    recovered: [],
    deletedHere: [],
  }
  for (const { path, reason } of refused) plan.skipped.push({ path, reason, detail: describeRefusal(reason) })
  const local = new LocalFiles(writer, copied)
  const due = slicer()
  for (const { path, segments } of accepted) {
    throwIfAborted(signal)
    const entry = byPath.get(path)
    if (entry === undefined) continue
    try {
      const recorded = { known: copied.get(path), intended: intended.get(path), ...how }
      planEntry(plan, { entry, path, segments, content: contentId(entry), ...recorded }, local)
    } catch (error) {
      if (!(error instanceof WriteError) || error.code === 'vanished') throw error
      plan.skipped.push({ path, reason: error.code, detail: error.message })
    }
    if (due()) {
      await breathe()
      local.lookAnew()
    }
  }
  return plan
}

/** Files of an earlier version that a copy wrote just before its process was killed. */
function recoverable(
  intended: ReadonlyMap<string, IntendedFile>,
  incoming: ReadonlyMap<string, DriveEntry>,
  known: ReadonlyMap<string, CopiedFile>,
  local: LocalFiles,
): CopyPlan['recovered'] {
  const found: CopyPlan['recovered'] = []
  for (const [path, file] of intended) {
    const entry = incoming.get(path)
    if (entry !== undefined && contentId(entry) === file.content) continue // compared with what comes in
    const stat = local.statIfReachable(path.slice(1).split('/'))
    const record = known.get(path)
    if (stat?.kind !== 'file' || !isIntended(stat, file)) continue
    if (record !== undefined && isAsLeft(stat, record)) continue
    const { size, mtimeMs, ino } = stat
    found.push({ path, record: { content: file.content, size, mtimeMs, ino } })
  }
  return found
}

interface Recorded {
  readonly known: CopiedFile | undefined
  readonly intended: IntendedFile | undefined
  readonly isInDoubt: boolean
  readonly keepsDeleted: boolean
}

/** One entry, its place, and the records of that place. */
interface Placing extends Recorded {
  readonly entry: DriveEntry
  readonly path: string
  readonly segments: readonly string[]
  /** See `contentId`. */
  readonly content: string
}

function planEntry(plan: WritablePlan, placing: Placing, local: LocalFiles): void {
  const { entry, path, segments, known, content } = placing
  const found = local.stat(segments)
  if (found?.kind === 'special') throw new WriteError('exists', path)
  if (found === undefined && isDeletedHere(placing)) {
    plan.deletedHere.push(path)
    plan.paths.push(path)
    keep(plan, entry)
    return
  }
  const { conflict } = known ?? {}
  if (conflict?.content === content && local.stat(conflict.path.slice(1).split('/')) !== undefined)
    plan.conflicts.push({ path, copy: conflict.path })
  const way = local.way ?? (found?.kind === 'folder' ? local.obstacle(segments) : undefined)
  const isKnown = known !== undefined && baseOf(known) === content
  if (found?.kind === 'folder' && !isKnown && !local.mayBeOurs(path))
    throw new WriteError('kept-folder', path)
  if (found?.kind === 'folder' && isKnown) keep(plan, entry)
  else if (entry.kind === 'link') planLink(plan, placing, found, local, way)
  else if (found?.kind === 'link') planOverLink(plan, placing, found, local)
  else planFile(plan, placing, found?.kind === 'file' ? found : undefined, way)
  plan.paths.push(path)
  if (entry.executable) plan.executables.add(path)
}

/**
 * Whether the user deleted what this copy made. In doubt, a missing file may have been lost with the power, unless
 * the deletion was noted before.
 */
function isDeletedHere({ known, keepsDeleted, isInDoubt }: Placing): boolean {
  if (!keepsDeleted || known === undefined || known.content === FOLDER || known.leaving) return false
  return known.away === true || !isInDoubt
}

/** The local file stays: the share has nothing new for it. */
function keep(plan: WritablePlan, { size }: DriveEntry): void {
  plan.present.files++
  plan.present.bytes += size
}

/** The content that the share had when its last version was placed here, or laid beside the user's file. */
function baseOf({ content, conflict }: CopiedFile): string {
  return conflict?.content ?? content // an earlier version kept no other of a conflict
}

function planFile(plan: WritablePlan, placing: Placing, local: EntryStat | undefined, way?: Obstacle): void {
  const { entry, path, segments, intended, content } = placing
  const how = local === undefined ? {} : howToPlace(plan, placing, local)
  const before = placedBefore(intended, content)
  if (how === 'present') {
    keep(plan, entry)
    if (before !== undefined) plan.placed.push(before)
    return
  }
  const precondition: Precondition = local ?? 'absent'
  const fresh = local === undefined || intended?.fresh === true
  const begun = before !== undefined
  const file = { entry, path, segments, precondition, compare: false, conflict: false, fresh, begun }
  plan.files.push({ ...file, ...how, ...(way === undefined ? {} : { way }) })
  plan.bytes += entry.size
}

type HowToPlace = Partial<Pick<PlannedFile, 'compare' | 'conflict' | 'expected'>>

function howToPlace(plan: WritablePlan, placing: Placing, local: EntryStat): HowToPlace | 'present' {
  const { entry, intended, isInDoubt, content } = placing
  const known = placing.known?.content === FOLDER ? undefined : placing.known
  if (isInDoubt && intended?.content === content && isIntended(local, intended)) return { compare: true }
  if (hasLostBytes(local, placing)) return {}
  if (known !== undefined && baseOf(known) === content) {
    planPresent(plan, placing, known, local)
    return 'present'
  }
  if (known !== undefined) return { expected: expectedOf({ ...known, content: baseOf(known) }, local) }
  return { compare: local.size === entry.size, conflict: true }
}

/** The content in the share is unchanged. Its time or executable bit may have changed. */
function planPresent(
  plan: WritablePlan,
  { entry, path, segments }: Placing,
  known: CopiedFile,
  local: EntryStat,
) {
  if (local.size !== entry.size) return
  const asLeft = isAsLeft(local, known)
  const isMeant = hasAttributes(local, entry, known) || (known.executable === undefined && !asLeft)
  if (!isMeant) plan.adjusted.push({ entry, path, segments, mark: local, expected: expectedOf(known, local) })
  else if (asLeft && known.ctimeMs === undefined) plan.old.push({ entry, path, segments, mark: local })
}

/** A file comes in where a link lies. */
function planOverLink(plan: WritablePlan, placing: Placing, local: EntryStat, files: LocalFiles): void {
  const { entry, path, segments, known, content } = placing
  if (known === undefined) throw new WriteError('exists', path)
  if (baseOf(known) === content) keep(plan, entry)
  else {
    const isOurs = known.content === files.linkContent(segments)
    const how = { compare: false, conflict: !isOurs, fresh: false, begun: false }
    plan.files.push({ entry, path, segments, precondition: local, ...how })
    plan.bytes += entry.size
  }
}

function planLink(
  plan: WritablePlan,
  placing: Placing,
  local: EntryStat | undefined,
  files: LocalFiles,
  way?: Obstacle,
): void {
  const { entry, path, segments, known, content } = placing
  const link = { entry, path, segments, same: false, ...(way === undefined ? {} : { way }) }
  const isNone = local === undefined || local.kind === 'folder'
  const precondition = isNone ? 'absent' : local
  const here = local?.kind === 'link' ? files.linkContent(segments) : undefined
  if (known !== undefined && baseOf(known) === content && !isNone) keep(plan, entry)
  else if (isNone || here === content)
    plan.links.push({ ...link, precondition, conflict: false, fresh: isNone, same: !isNone })
  else if (known === undefined) throw new WriteError('exists', path)
  else if (local.kind === 'file')
    plan.links.push({
      ...link,
      precondition,
      conflict: false,
      fresh: false,
      expected: expectedOf(known, local),
    })
  else plan.links.push({ ...link, precondition, conflict: known.content !== here, fresh: false })
}

interface LocalFolder {
  readonly path: string
  readonly stat: ReturnType<SafeWriter['statsIn']>
  readonly way?: Obstacle
}

/**
 * What lies in the target. Paths come folder by folder, so each folder is looked at once for all its files, and
 * nothing is looked for in a missing one. Later changes are noticed when a file is written.
 */
class LocalFiles {
  private folder: LocalFolder | undefined
  private readonly obstacles = new Map<string, Obstacle>()

  constructor(
    private readonly writer: SafeWriter,
    private readonly known: ReadonlyMap<string, CopiedFile>,
  ) {}

  stat(segments: readonly string[]): EntryStat | undefined {
    const parent = segments.slice(0, -1)
    const path = parent.join('/')
    if (this.folder?.path !== path) this.folder = this.look(parent, path)
    return this.folder.stat?.(segments.at(-1) ?? '')
  }

  /** As `stat`; undefined also where a link or file has the place of a folder. */
  statIfReachable(segments: readonly string[]): EntryStat | undefined {
    try {
      return this.stat(segments)
    } catch (error) {
      if (error instanceof WriteError && error.code !== 'vanished') return undefined
      throw error
    }
  }

  /** The obstacle at the place of the folder of the last `stat`, if it is of this copy. */
  get way(): Obstacle | undefined {
    return this.folder?.way
  }

  obstacle(segments: readonly string[]): Obstacle {
    const path = segments.join('/')
    const obstacle = this.obstacles.get(path) ?? new Obstacle(segments)
    this.obstacles.set(path, obstacle)
    return obstacle
  }

  /** Whether this copy made a folder, or something in it. */
  mayBeOurs(path: string): boolean {
    if (this.known.get(path)?.content === FOLDER) return true
    for (const each of this.known.keys()) if (each.startsWith(`${path}/`)) return true
    return false
  }

  /** See `Ownership.linkContent`. */
  linkContent(segments: readonly string[]): string {
    return `link:${this.writer.readLink(segments)}`
  }

  /** Reads a folder. Without a stat where a file or link of ours stands in its place, or in that of a folder above. */
  private look(parent: readonly string[], path: string): LocalFolder {
    try {
      return { path, stat: this.writer.statsIn(parent) }
    } catch (error) {
      if (!(error instanceof WriteError) || (error.code !== 'exists' && error.code !== 'outside')) throw error
      const inTheWay = this.known.get(`/${error.path}`)
      if (inTheWay === undefined || inTheWay.content === FOLDER) throw error
      return { path, stat: undefined, way: this.obstacle(error.path.split('/')) }
    }
  }

  /** To be called after other code may have run. */
  lookAnew(): void {
    this.folder = undefined
  }
}

/**
 * Whether a file is ours and shorter than we wrote it: its name and time reached the disk before the power was
 * lost, and its bytes did not. An empty file can always be replaced without loss.
 */
function hasLostBytes(local: FileMark, { known, intended, isInDoubt, entry }: Placing): boolean {
  const isShorter = ({ size }: { readonly size: number }) =>
    local.size < size && (local.size === 0 || isInDoubt)
  if (known !== undefined && local.ino === known.ino && local.mtimeMs === known.mtimeMs)
    return isShorter(known)
  const time = Math.floor(local.mtimeMs)
  if (intended !== undefined && time === intended.mtime && isShorter(intended)) return true
  // The records may be lost as well. A file of ours has the share's time, to the millisecond.
  return isInDoubt && time === entry.mtime && isShorter(entry)
}

function isIntended(local: FileMark, { size, mtime }: IntendedFile): boolean {
  return local.size === size && Math.floor(local.mtimeMs) === mtime
}
