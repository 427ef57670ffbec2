/**
 * The walk of a scan (scan.ts): what is asked of each entry, and what was found so far.
 *
 * Each entry is judged in this order: is it Peerfold's own, can its name be shared, do git or the ignore rules leave it
 * out, what is it on disk, is it a secret. The first reason to leave it out is listed. A folder that is left out is one
 * entry of the list and is not entered. Paths that the user let in by name pass the rules and the secrets filter.
 */
import { type Dirent, existsSync, lstatSync, opendirSync, realpathSync, type Stats } from 'node:fs'
import { basename, join, sep } from 'node:path'
import type { DrivePath } from '../../../common/brand'
import { hasFormat, isFormat } from '../../../wire/dataFormat'
import { sortInSlices } from '../../../wire/slices'
import { compareDrivePaths } from '../../names/pathOrder'
import { refusalToShare } from '../../names/paths'
import { describeRefusal } from '../../names/refusals'
import { isTemporaryName } from '../../names/temporaryName'
import { MAX_IGNORE_FILE } from '../ignore/gitExcludes'
import { GIT_IGNORE, type IgnoreLayers, PEERFOLD_IGNORE } from '../ignore/ignore'
import { isSecret, needsContent, SECRET_HEAD, secretByName } from '../secrets/secrets'
import type { Inputs } from './inputs'
import { judgeLink } from './links'
import { type FolderView, Picture } from './picture'
import type { ScannedFile, ScanOptions, ScanProgress } from './scanned'
import type { SkipReason } from './skipped'
import { errorCode, readSmallFile } from './smallFile'
import { maybeUndecodable, undecodableNames } from './undecodable'

const KEYS = 'keys.json'
/** What lies beside the keys in a data folder from before formats had numbers. */
const BESIDE_KEYS = ['catalog', 'store']
/** What a data folder itself has, beside a folder for its format. */
const TOKEN = 'token'

interface Entry {
  readonly name: string
  readonly isFolder: boolean
  readonly isLink: boolean
  /** The name as it takes part in the order of paths. */
  readonly key: string
}

interface WhyLeftOut {
  readonly reason: SkipReason
  readonly detail: string
}

/** The shared folder itself; other folders' paths have no `/` at the end either, so that `/name` can be added. */
export const SHARE_ROOT = '' as DrivePath

/** The device or inode of a folder that could not be looked at. */
const UNKNOWN = -1

/** Stands for content that cannot be read: no secret is found in it. */
const NO_CONTENT = new Uint8Array(0)

/** One walk and what it has found so far. */
export class Walk {
  picture: Picture
  /** Folders on another disk than the folder they lie in. */
  readonly boundaries: DrivePath[] = []
  /** Folders that were such boundaries, and are no more. */
  readonly vanished: DrivePath[] = []
  private readonly disksSeen: string[] = []
  private readonly allowed: ReadonlySet<string>
  private readonly dataFolder: string | undefined
  /** What stands before a drive path when it is judged, so that sharing `~/.ssh` itself is seen as what it is. */
  private readonly above: string

  constructor(
    private readonly root: string,
    private readonly options: ScanOptions,
    private readonly inputs: Inputs,
  ) {
    this.picture = new Picture(options.onLeftOut)
    this.allowed = new Set((options.allow ?? []).filter(isProper).sort(compareDrivePaths))
    this.dataFolder = options.dataFolder === undefined ? undefined : realOrSame(options.dataFolder)
    this.above = sep === '\\' ? `/${root.replaceAll('\\', '/')}` : root
  }

  progress(): ScanProgress {
    const { found, bytes, folders } = this.picture
    return { files: found.length, bytes, folders: folders.size }
  }

  /** Takes what was found so far; the walk continues with an empty picture. */
  takePicture(): Picture {
    const { picture } = this
    this.picture = new Picture(this.options.onLeftOut)
    return picture
  }

  /** See `ScanResult`. */
  get disks(): string {
    return this.disksSeen.join('\n')
  }

  private isDataFolder(absolute: string): boolean {
    const data = this.dataFolder
    return data !== undefined && (absolute === data || absolute.startsWith(data + sep))
  }

  /** Whether it is Peerfold's data folder: this installation's, or another's that was put there by `--storage`. */
  holdsKeys(absolute: string): boolean {
    if (this.isDataFolder(absolute)) return true
    const isBesideKeys = (name: string) => existsSync(join(absolute, name))
    if (existsSync(join(absolute, KEYS)) && (isFormat(basename(absolute)) || BESIDE_KEYS.every(isBesideKeys)))
      return true
    return existsSync(join(absolute, TOKEN)) && hasFormat(absolute)
  }

  /** @param device the disk of the folder it lies in */
  *folder(path: DrivePath, outer: IgnoreLayers, device?: number): Generator<undefined, void, undefined> {
    const own = this.lookAt(path)
    if (device !== undefined && own !== undefined && this.isVanished(path, own.dev !== device)) return
    const found = yield* this.readEntries(path)
    if (found === undefined) return
    const layers = this.readIgnoreFiles(path, outer, found)
    if (layers === undefined) return
    const view = { layers, device: own?.dev ?? UNKNOWN, inode: own?.ino ?? UNKNOWN }
    this.picture.folders.set(path, view)
    for (const { name, isFolder } of yield* sortInSlices(found, (a, b) => compareDrivePaths(a.key, b.key))) {
      yield* this.entry(below(path, name), name, isFolder, view)
      yield
    }
  }

  /** One entry of a folder, with everything below it. */
  *entry(
    path: DrivePath,
    name: string,
    isFolder: boolean,
    { layers, device }: FolderView,
  ): Generator<undefined, void, undefined> {
    const leftOut = this.leftOut(name, path, isFolder, layers)
    if (leftOut !== undefined) this.leaveOut(path, isFolder, leftOut)
    else if (isFolder) yield* this.folder(path, layers.enter(name), device === UNKNOWN ? undefined : device)
    else this.file(path)
  }

  /** Notes disks whose folders are gone as well, but not those that are left out now. To be called last. */
  findVanished(): void {
    for (const path of this.options.boundaries ?? []) {
      if (path === SHARE_ROOT || this.boundaries.includes(path) || this.vanished.includes(path)) continue
      if (!this.isGone(path)) continue
      this.noteDisk(path)
      this.vanished.push(path)
    }
  }

  /** Notes a folder that is on a disk of its own, or was. → whether that disk is gone */
  isVanished(path: DrivePath, isBoundary: boolean): boolean {
    const wasBoundary = this.options.boundaries?.includes(path) === true
    if (!isBoundary && !wasBoundary) return false
    this.noteDisk(path)
    if (isBoundary) this.boundaries.push(path)
    else this.vanished.push(path)
    return !isBoundary
  }

  private noteDisk(path: DrivePath): void {
    const absolute = this.absolute(path)
    this.inputs.has(absolute)
    this.disksSeen.push(`${absolute} ${this.inputs.looks.get(absolute)}`)
  }

  /** What cannot be looked at may be there: the folder around it is listed as unreadable. */
  private isGone(path: DrivePath): boolean {
    try {
      return lstatSync(this.absolute(path), { throwIfNoEntry: false }) === undefined
    } catch (error) {
      return errorCode(error) === 'ENOTDIR' // a folder on the way is a file now
    }
  }

  private lookAt(path: DrivePath): Stats | undefined {
    try {
      return lstatSync(this.absolute(path), { throwIfNoEntry: false })
    } catch {
      return undefined // reading it says why
    }
  }

  /** The walk of a share that is one file. */
  single(path: DrivePath): void {
    const refusal = refusalToShare(path)
    if (refusal === undefined) this.file(path)
    else this.skip(path, 'name', describeRefusal(refusal))
  }

  /** Adds one file or link, or lists why it cannot be shared. Its name and the ignore rules were asked before. */
  private file(path: DrivePath): void {
    const allowed = this.allowed.has(path)
    try {
      const stats = lstatSync(this.absolute(path), { throwIfNoEntry: false })
      // Gone since the folder was read, as if it had been deleted a moment before.
      if (stats === undefined || stats.isDirectory()) return
      const isLink = stats.isSymbolicLink()
      if (!isLink && !stats.isFile()) this.skip(path, 'special-file', `It is ${kindOf(stats)}, not a file.`)
      else if (!isLink && !this.mayRead(path, stats)) this.listUnreadable(path, 'EACCES')
      else if (!allowed && this.isSecret(path, isLink)) return
      else if (isLink) this.link(path, stats, allowed)
      else this.add(path, stats, allowed)
    } catch (error) {
      this.listUnreadable(path, errorCode(error))
    }
  }

  private link(path: DrivePath, stats: Stats, allowed: boolean): void {
    this.picture.links.add(path)
    const verdict = judgeLink(this.root, path.slice(1).split('/'))
    if (verdict.kind === 'inside') this.add(path, stats, allowed, verdict.target)
    else if (verdict.reason === 'unreadable') this.listUnreadable(path, verdict.detail)
    else this.skip(path, verdict.reason, verdict.detail)
  }

  private add(path: DrivePath, stats: Stats, allowed: boolean, linkTarget?: string): void {
    const { mtimeMs, ctimeMs, ino } = stats
    if (linkTarget !== undefined) {
      const link = { path, kind: 'link', size: 0, mtimeMs, ctimeMs, ino, executable: false, allowed } as const
      this.picture.add({ ...link, linkTarget })
      return
    }
    const executable = process.platform !== 'win32' && (stats.mode & 0o111) !== 0
    const { size } = stats
    const file: ScannedFile = { path, kind: 'file', size, mtimeMs, ctimeMs, ino, executable, allowed }
    this.picture.add(file, stats.nlink > 1)
  }

  /** Whether the entry is a secret; lists it when it is. */
  private isSecret(path: DrivePath, isLink: boolean): boolean {
    const judged = `${this.above}${path}`
    let content: Uint8Array | undefined
    if (needsContent(judged)) {
      const read = isLink ? undefined : readSmallFile(this.absolute(path), SECRET_HEAD)
      content = read?.kind === 'content' ? read.bytes : NO_CONTENT
    }
    const verdict = isSecret(judged, content)
    if (verdict !== undefined) this.skip(path, verdict.reason, verdict.detail)
    return verdict !== undefined
  }

  private leftOut(
    name: string,
    path: DrivePath,
    isFolder: boolean,
    layers: IgnoreLayers,
  ): WhyLeftOut | undefined {
    if (isTemporaryName(name))
      return { reason: 'peerfold-temporary', detail: 'It is a temporary file of Peerfold.' }
    if (isFolder && this.holdsKeys(this.absolute(path)))
      return { reason: 'peerfold-temporary', detail: 'It is Peerfold’s data folder and holds its keys.' }
    const refusal = refusalToShare(path)
    if (refusal !== undefined) return { reason: 'name', detail: describeRefusal(refusal) }
    if (this.allowed.has(path)) return undefined
    if (name.toLowerCase() === '.git' && !this.options.includeGit)
      return { reason: 'git-folder', detail: 'The history of git can hold everything that was ever deleted.' }
    const ignored = layers.verdict(name, isFolder)
    if (ignored?.ignored) return ignored
    const secret = isFolder ? secretByName(`${this.above}${path}/`) : undefined
    return secret === undefined ? undefined : { reason: 'secret-name', detail: secret }
  }

  private leaveOut(path: DrivePath, isFolder: boolean, { reason, detail }: WhyLeftOut): void {
    if (!isFolder) {
      this.skip(path, reason, detail)
      return
    }
    const allowed = [...this.allowed].filter(file => file.startsWith(`${path}/`))
    const entry = { path: below(path, ''), reason, detail }
    this.picture.leaveOut(allowed.length === 0 ? { ...entry, isUnwatched: true } : entry)
    for (const file of allowed) this.addAllowed(path, file)
  }

  /** Adds a file that was let in by name and lies somewhere below a folder that is left out. */
  private addAllowed(folder: DrivePath, file: string): void {
    let path = folder
    try {
      for (const name of file.slice(folder.length + 1).split('/')) {
        // Names were judged as far as `folder`. A link on the way could lead out of the share.
        if (refusalToShare(path) !== undefined || this.holdsKeys(this.absolute(path))) return
        if (!lstatSync(this.absolute(path), { throwIfNoEntry: false })?.isDirectory()) return
        path = below(path, name)
      }
    } catch (error) {
      this.listUnreadable(path, errorCode(error))
      return
    }
    if (refusalToShare(path) === undefined) this.file(path)
  }

  private *readEntries(path: DrivePath): Generator<undefined, Entry[] | undefined, undefined> {
    const entries: Entry[] = []
    let doubtful = false
    try {
      const folder = opendirSync(this.absolute(path), { bufferSize: 256 })
      try {
        for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
          entries.push(toEntry(entry))
          doubtful ||= maybeUndecodable(entry.name)
          if (entries.length % 256 === 0) yield
        }
      } finally {
        folder.closeSync()
      }
      return doubtful ? this.withoutUndecodable(path, entries) : entries
    } catch (error) {
      const code = errorCode(error)
      // Deleted since its parent was read; if the whole share is gone, the look after the walk finds out.
      if (code !== 'ENOENT' && code !== 'ENOTDIR') this.listUnreadable(path, code)
      return undefined
    }
  }

  private withoutUndecodable(path: DrivePath, entries: Entry[]): Entry[] {
    const { valid, invalid } = undecodableNames(this.absolute(path))
    for (const shown of invalid) this.skip(below(path, shown), 'name', 'The name on disk is not valid UTF-8.')
    return entries.filter(({ name }) => !maybeUndecodable(name) || valid.has(name))
  }

  /** Undefined when an ignore file is there but cannot be read: nobody knows then what of the folder may be shared. */
  private readIgnoreFiles(
    path: DrivePath,
    outer: IgnoreLayers,
    entries: readonly Entry[],
  ): IgnoreLayers | undefined {
    const texts: { git?: string; own?: string } = {}
    let layers = outer
    for (const { name, isLink } of entries) {
      if (name === '.git' && path !== SHARE_ROOT) layers = outer.withRepository(this.absolute(path))
      if (name !== GIT_IGNORE && name !== PEERFOLD_IGNORE) continue
      const file = below(path, name)
      if (isLink) this.inputs.has(this.absolute(file)) // what it leads to may be anywhere
      const read = readSmallFile(this.absolute(file), MAX_IGNORE_FILE, { follow: true })
      if (read.kind === 'absent') continue
      if (read.kind === 'unreadable' || !read.complete) {
        this.listUnreadable(file, read.kind === 'unreadable' ? read.why : 'too large')
        this.picture.unreadable.push(path)
        return undefined
      }
      texts[name === GIT_IGNORE ? 'git' : 'own'] = read.bytes.toString('utf8')
    }
    return layers.withFiles(path, texts)
  }

  private listUnreadable(path: DrivePath, why: string): void {
    this.picture.unreadable.push(path)
    this.skip(path, 'unreadable', `It cannot be read (${why}).`)
  }

  private skip(path: DrivePath, reason: SkipReason, detail: string): void {
    this.picture.leaveOut({ path, reason, detail })
  }

  private mayRead(path: DrivePath, { mode, uid }: Stats): boolean {
    // Asking costs system calls, so only where the mode leaves room for a no.
    if ((mode & 0o444) === 0o444 || ((mode & 0o400) !== 0 && uid === process.geteuid?.())) return true
    return readSmallFile(this.absolute(path), 0).kind !== 'unreadable'
  }

  private absolute(path: DrivePath): string {
    return this.root + (sep === '/' ? path : path.replaceAll('/', sep))
  }
}

export function below(folder: DrivePath, name: string): DrivePath {
  return `${folder}/${name}` as DrivePath
}

/** Whether this is a drive path without empty, `.` and `..` components. */
function isProper(path: string): boolean {
  return /^(\/(?!\.\.?(\/|$))[^/]+)+$/.test(path)
}

function toEntry(entry: Dirent): Entry {
  const isFolder = entry.isDirectory()
  return {
    name: entry.name,
    isFolder,
    isLink: entry.isSymbolicLink(),
    key: isFolder ? `${entry.name}/` : entry.name,
  }
}

function realOrSame(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    // Not there yet, so nothing of it can be shared by accident either.
    return path
  }
}

function kindOf(stats: Stats): string {
  if (stats.isSocket()) return 'a socket'
  if (stats.isFIFO()) return 'a pipe'
  return 'a device'
}
