/**
 * What a scan found of a folder, kept: a look at one place (look.ts) takes out what was there, puts in what is there
 * now, and the picture is again what a scan of everything would find.
 */
import type { DrivePath } from '../../../common/brand'
import type { IgnoreLayers } from '../ignore/ignore'
import { LeftOut, type LeftOutEntry, type LeftOutSummary } from './leftOut'
import type { ScannedFile } from './scanned'
import type { SkippedFromShare, SkipReason } from './skipped'
import { findPath, firstFrom, putPaths, takePaths } from './sortedPaths'

/** A folder that was walked. */
export interface FolderView {
  /** The rules for what is in it. */
  readonly layers: IgnoreLayers
  readonly device: number
  readonly inode: number
}

export class Picture {
  /** Files and links, those to nothing included, in the order of paths. */
  readonly found: ScannedFile[] = []
  readonly leftOut = new LeftOut()
  readonly folders = new Map<DrivePath, FolderView>()
  /** Every link that was looked at, whatever became of it. */
  readonly links = new Set<DrivePath>()
  /** Files that have a second name. */
  readonly hardLinked = new Map<DrivePath, ScannedFile>()
  /** See `ScanResult`. */
  unreadable: DrivePath[] = []
  bytes = 0
  private shown: ScannedFile[] = this.found
  private dead: readonly SkippedFromShare[] = []
  private listed: LeftOutSummary | undefined

  constructor(private readonly onLeftOut?: (path: DrivePath, reason: SkipReason) => void) {}

  /** What is to be shared, in the order of paths. */
  get files(): ScannedFile[] {
    return this.shown
  }

  get deadLinks(): readonly SkippedFromShare[] {
    return this.dead
  }

  add(file: ScannedFile, isHardLinked = false): void {
    this.found.push(file)
    this.bytes += file.size
    if (isHardLinked) this.hardLinked.set(file.path, file)
  }

  leaveOut(entry: LeftOutEntry): void {
    this.leftOut.add(entry)
    this.onLeftOut?.(entry.path, entry.reason)
  }

  /** Links that lead to nothing that is shared are not shared either. */
  setDead(dead: readonly SkippedFromShare[]): void {
    for (const { path, reason } of dead) this.onLeftOut?.(path, reason)
    this.dead = dead
    this.listed = undefined
    const paths = new Set(dead.map(({ path }) => path))
    this.shown = dead.length === 0 ? this.found : this.found.filter(({ path }) => !paths.has(path))
  }

  summary(): LeftOutSummary {
    this.listed ??= this.leftOut.summary(this.dead)
    return this.listed
  }

  /** Notes how a file looks now that is still a file, at the same path. */
  update(file: ScannedFile): void {
    const at = firstFrom(this.found, file.path)
    this.bytes += file.size - (this.found[at]?.size ?? 0)
    this.found[at] = file
    if (this.shown !== this.found) this.shown[firstFrom(this.shown, file.path)] = file
    if (this.hardLinked.has(file.path)) this.hardLinked.set(file.path, file)
  }

  /**
   * Takes out what was at a path and below it, and puts in what a walk found there. `setDead` has to follow.
   * @returns whether anything was there or is there now
   */
  replace(path: DrivePath, now: Picture): boolean {
    const before = takePaths(this.found, path)
    putPaths(this.found, now.found)
    for (const { size } of before) this.bytes -= size
    this.bytes += now.bytes
    const isOther = this.leftOut.replace(path, now.leftOut)
    if (isOther) this.listed = undefined
    const isHere = (each: string) => each === path || each.startsWith(`${path}/`)
    const hadFolder = this.folders.has(path)
    if (hadFolder) replaceIn(this.folders, isHere, now.folders)
    else for (const [each, view] of now.folders) this.folders.set(each, view)
    for (const each of this.links) if (isHere(each)) this.links.delete(each)
    for (const each of now.links) this.links.add(each)
    replaceIn(this.hardLinked, isHere, now.hardLinked)
    this.unreadable = this.unreadable.filter(each => !isHere(each)).concat(now.unreadable)
    return isOther || before.length > 0 || now.found.length > 0 || hadFolder || now.folders.size > 0
  }

  fileAt(path: DrivePath): ScannedFile | undefined {
    return findPath(this.found, path)
  }
}

function replaceIn<T>(
  map: Map<DrivePath, T>,
  isHere: (path: string) => boolean,
  now: ReadonlyMap<DrivePath, T>,
): void {
  for (const path of map.keys()) if (isHere(path)) map.delete(path)
  for (const [path, item] of now) map.set(path, item)
}
