/**
 * Looks at single places of a folder that was scanned, and brings its picture up to date. The result is what a scan of
 * everything would find, as long as nothing else has changed.
 *
 *   1. What decides about the whole folder must be as it was: the folder itself, its disks, the files in inputs.ts.
 *   2. Each name that the watcher told leads to the place to look at. That is the name itself; or the highest folder
 *      on the way to it that is another one now; or its folder, where the name decides about all in there.
 *   3. A place is walked as a scan would walk it, with the rules of its folder. What is found replaces what was there.
 *   4. When other paths, or other links, are there than before, every link is judged again.
 *
 * Where that does not suffice, nothing is answered, and the folder has to be scanned: for git's own files, names on
 * disk that are spelled otherwise, disks, files that could not be read, and files that got or lost a second name.
 */
import { lstatSync, readdirSync, realpathSync, type Stats } from 'node:fs'
import { sep } from 'node:path'
import type { DrivePath } from '../../../common/brand'
import { isFormat } from '../../../wire/dataFormat'
import { inSlices } from '../../../wire/slices'
import { GIT_IGNORE, PEERFOLD_IGNORE } from '../ignore/ignore'
import { deadLinks } from './deadLinks'
import { lookNow } from './inputs'
import type { FolderView, Picture } from './picture'
import type { ScannedFile, ScanOptions, ScanResult } from './scanned'
import { resultOf, type ScannedFolder } from './scanResult'
import { findPath, rangeAt } from './sortedPaths'
import { SHARE_ROOT, Walk } from './walk'

/** With more places than this, a scan is as quick. */
const MAX_PLACES = 64
/** Links that are judged again, at most. */
const MAX_LINKS = 2_000
/** What makes a folder Peerfold's data folder, beside the folder of a format. */
const OF_DATA_FOLDER: ReadonlySet<string> = new Set(['keys.json', 'catalog', 'store', 'token'])
const ASCII = /^[\0-\x7f]*$/

export interface Look {
  /** As a scan of everything would tell it. */
  readonly scan: ScanResult
  /** Files and links that are shared, at the places that were looked at. */
  readonly looked: readonly ScannedFile[]
  /** What was shared there before and is not any more. */
  readonly gone: readonly DrivePath[]
  /** Whether other paths are shared than before, or links to other places. */
  readonly isOther: boolean
  /** Whether there are links, or were before; shared or not. */
  readonly hasLinks: boolean
}

export type LookOptions = Pick<ScanOptions, 'allow' | 'dataFolder' | 'boundaries' | 'signal'>

/** Only a scan can tell what is there. */
class NeedsScan extends Error {}

/**
 * @param root the folder that was scanned
 * @param scanned brought up to date; of no use any more when nothing is answered, or after an error
 * @param names drive paths of what may have changed
 * @param options those of the scan
 * @returns undefined when only a scan can tell. Throws what `scanFolder` throws.
 */
export async function lookAt(
  root: string,
  scanned: ScannedFolder,
  names: Iterable<DrivePath>,
  options: LookOptions = {},
): Promise<Look | undefined> {
  try {
    const look = new PlaceLook(root, scanned, options)
    return await inSlices(look.run(names), { signal: options.signal })
  } catch (error) {
    if (error instanceof NeedsScan) return undefined
    throw error
  }
}

class PlaceLook {
  private readonly picture: Picture
  private readonly real: string
  private readonly walk: Walk
  private readonly places = new Set<DrivePath>()
  /** What was shared at the places. */
  private readonly before: DrivePath[] = []
  private isOther = false

  constructor(
    private readonly root: string,
    private readonly scanned: ScannedFolder,
    private readonly options: LookOptions,
  ) {
    const { picture, real, gitFiles } = scanned
    this.picture = picture
    this.real = real
    this.walk = new Walk(real, options, gitFiles.inputs)
  }

  *run(names: Iterable<DrivePath>): Generator<undefined, Look, undefined> {
    const { picture } = this
    const hadLinks = picture.links.size > 0
    this.assertSameSurroundings()
    for (const name of this.withSecondNames(names)) this.addPlace(name)
    const places = withoutThoseBelow(this.places)
    if (places.length > MAX_PLACES) throw new NeedsScan()
    for (const place of places) yield* this.lookAtPlace(place)
    if (this.isOther) yield* this.judgeLinks(places)
    const looked = new Set([...this.places].flatMap(place => rangeAt(picture.files, place)))
    const gone = this.before.filter(path => findPath(picture.files, path) === undefined)
    const hasLinks = hadLinks || picture.links.size > 0
    return { scan: resultOf(this.scanned), looked: [...looked], gone, isOther: this.isOther, hasLinks }
  }

  private assertSameSurroundings(): void {
    const { gitFiles, vanished } = this.scanned
    const view = this.picture.folders.get(SHARE_ROOT)
    const now = lookOrScan(this.real)
    if (view === undefined || vanished.length > 0 || !this.picture.leftOut.isWhole) throw new NeedsScan()
    if (!isSameFolder(now, view) || realOrScan(this.root) !== this.real) throw new NeedsScan()
    for (const [path, look] of gitFiles.inputs.looks) if (lookNow(path) !== look) throw new NeedsScan()
  }

  /** A file that has a second name in the folder changes by both. */
  private withSecondNames(names: Iterable<DrivePath>): Iterable<DrivePath> {
    const { hardLinked } = this.picture
    if (hardLinked.size === 0) return names
    const all = new Set(names)
    const inodes = new Set([...all].flatMap(name => hardLinked.get(name)?.ino ?? []))
    for (const { path, ino } of hardLinked.values()) if (inodes.has(ino)) all.add(path)
    return all
  }

  private addPlace(name: DrivePath): void {
    const place = this.placeOf(name)
    if (place !== undefined) this.places.add(place)
  }

  /** Where to look for what may have changed by this name; undefined: nothing in there is shared. */
  private placeOf(name: DrivePath): DrivePath | undefined {
    const parts = name.slice(1).split('/')
    const last = parts.at(-1) ?? ''
    if (last === '' || last === '.git' || name.includes('\uFFFD')) throw new NeedsScan()
    const decidesAll =
      last === GIT_IGNORE || last === PEERFOLD_IGNORE || OF_DATA_FOLDER.has(last) || isFormat(last)
    if (decidesAll) parts.pop()
    if (parts.length === 0) throw new NeedsScan()
    let path = SHARE_ROOT
    for (const [at, part] of parts.entries()) {
      path = `${path}/${part}` as DrivePath
      if (at === parts.length - 1) break
      const now = lookOrScan(this.absolute(path))
      if (now?.isDirectory() !== true) break
      const view = this.picture.folders.get(path)
      if (view === undefined && this.picture.leftOut.has(`${path}/`)) return this.leftOutPlace(path)
      if (view === undefined || !isSameFolder(now, view)) break
    }
    return path
  }

  private leftOutPlace(path: DrivePath): undefined {
    const isLetIn = this.options.allow?.some(allowed => allowed.startsWith(`${path}/`))
    if (isLetIn) throw new NeedsScan()
  }

  private *lookAtPlace(place: DrivePath): Generator<undefined, void, undefined> {
    const { picture, walk } = this
    const parent = place.slice(0, place.lastIndexOf('/')) as DrivePath
    const name = place.slice(parent.length + 1)
    const view = picture.folders.get(parent)
    const { boundaries } = this.scanned
    const isSpecial = [...picture.unreadable, ...boundaries].some(path => isAtOrBelow(path, place))
    if (view === undefined || isSpecial) throw new NeedsScan()
    const stats = lookOrScan(this.absolute(place))
    if (stats !== undefined) {
      if (!isSpelledSo(this.absolute(parent), name, stats)) throw new NeedsScan()
      yield* walk.entry(place, name, stats.isDirectory(), view)
    }
    if (walk.boundaries.length > 0 || walk.vanished.length > 0) throw new NeedsScan()
    this.place(place, walk.takePicture())
  }

  /** Replaces what was at a place by what was found there. */
  private place(place: DrivePath, now: Picture): void {
    const { picture } = this
    const [file] = now.found
    const before = picture.fileAt(place)
    this.assertNoHiddenSecondName(place, now)
    const isFile = file?.path === place && file.kind === 'file' && now.leftOut.isEmpty
    const hadSecondName = picture.hardLinked.has(place)
    if (isFile && before?.kind === 'file') {
      if (now.hardLinked.size > 0 !== hadSecondName) throw new NeedsScan()
      picture.update(file)
      return
    }
    const shown = rangeAt(picture.files, place)
    if (now.hardLinked.size > 0 || shown.some(({ path }) => picture.hardLinked.has(path)))
      throw new NeedsScan()
    this.before.push(...shown.map(({ path }) => path))
    if (picture.replace(place, now)) this.isOther = true
  }

  /** An entry that is left out may be a second name of something that is shared, or may have been one. */
  private assertNoHiddenSecondName(place: DrivePath, now: Picture): void {
    const { leftOut, hardLinked } = this.picture
    const hidden = now.leftOut.at(place)
    if (hidden.length === 0 && leftOut.at(place).length === 0) return
    const hasSecondName = (path: string) => {
      const stats = lookOrScan(this.absolute(path as DrivePath))
      return stats?.isFile() === true && stats.nlink > 1
    }
    if (hardLinked.size > 0 || hidden.some(({ path }) => hasSecondName(path))) throw new NeedsScan()
  }

  /** Whether a link may be shared depends on what else is shared, and on all that lies on its way. */
  private *judgeLinks(places: readonly DrivePath[]): Generator<undefined, void, undefined> {
    const { picture } = this
    if (picture.links.size > MAX_LINKS) throw new NeedsScan()
    for (const link of [...picture.links]) {
      if (places.some(place => isAtOrBelow(link, place))) continue
      yield* this.lookAtPlace(link)
      this.places.add(link)
    }
    picture.setDead(picture.unreadable.length > 0 ? [] : yield* deadLinks(picture.found))
  }

  private absolute(path: DrivePath): string {
    return this.real + (sep === '/' ? path : path.replaceAll('/', sep))
  }
}

function isSameFolder(now: Stats | undefined, { device, inode }: FolderView): boolean {
  return now?.isDirectory() === true && now.dev === device && now.ino === inode
}

function lookOrScan(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch {
    throw new NeedsScan() // the scan says what is the matter with it
  }
}

function realOrScan(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    throw new NeedsScan()
  }
}

/** Whether a file has this very name. Some systems find it by one that is written otherwise. */
function isSpelledSo(folder: string, name: string, { dev, ino }: Stats): boolean {
  const other = name === name.toLowerCase() ? name.toUpperCase() : name.toLowerCase()
  if (ASCII.test(name)) {
    const found = other === name ? undefined : lookOrScan(`${folder}${sep}${other}`)
    if (found?.dev !== dev || found.ino !== ino) return true
  }
  try {
    return readdirSync(folder).includes(name)
  } catch {
    throw new NeedsScan()
  }
}

function isAtOrBelow(path: string, place: string): boolean {
  return path === place || path.startsWith(`${place}/`)
}

function withoutThoseBelow(places: ReadonlySet<DrivePath>): DrivePath[] {
  const all = [...places]
  return all.filter(place => !all.some(other => other !== place && isAtOrBelow(place, other)))
}
