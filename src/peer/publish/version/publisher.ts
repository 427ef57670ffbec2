/**
 * The publisher of one share: folder → scan → import → one batch of paths → index.
 *
 * A publish that is cut off anywhere loses nothing: bytes that no path names are ignored, and the next publish takes
 * whatever the path log does not have yet. Readers see a version as a whole or not at all.
 */
import type { DrivePath } from '../../../common/brand'
import { PeerfoldError } from '../../../common/errors'
import type { HeldFiles, SkippedEntry } from '../../../common/model'
import { inSlices } from '../../../wire/slices'
import { endOf, PACKED_FILE_BYTES } from '../../drive/format/listing'
import type { ShareDrive } from '../../drive/shareDrive'
import type { Version } from '../../drive/version'
import type { BlockRuns } from '../../hypercore/blockRuns'
import { type Foretold, foretell, isForetoldBy } from '../../names/foretell'
import type { Catalog, PublishedFile, ShareRecord } from '../../store/catalog'
import { delay, throwIfAborted } from '../../time'
import { deadLinks } from '../scan/deadLinks'
import type { ScannedFile, ScanResult } from '../scan/scanned'
import type { SkippedFromShare, SkipReason } from '../scan/skipped'
import { namesIn, pathsOf } from '../scan/sortedPaths'
import { VersionAppender } from './appendVersion'
import { type Doubts, type Settled, settleDoubts } from './doubts'
import { HOLD, mayBeHeld, RemovalHold } from './held'
import { FileImport, MIN_PACKED_FILES } from './importFiles'
import type { SharedFiles } from './inPlace/sharedFiles'
import { mayLeave, NEWLY, NOTICE, newlyHidden, RULES_VERSION, stillHidden } from './newlyHidden'
import { NotTaken } from './notTaken'
import { OwnLogs } from './ownLogs'
import { isNewEntry, likeness, Published } from './published'
import { type Seen, SourceView } from './sourceView'

/** A first version with so many small files is given out before it has all their own blocks and paths. */
const MIN_FILES_AHEAD = 1_000
/** Files in doubt are compared for so long (milliseconds) at a time, or as long as the scan took. */
const DOUBTS_AT_ONCE = 250
/** With more to note than this, whoever gets the link goes first for so long (milliseconds). */
const INDEX_AT_ONCE = 1_000
const INDEX_AFTER = 3_000

/** In a folder with more names than this they are not compared with one. */
const MANY_NAMES = 5_000
/** Names of held files that are told. */
const TOLD = 10

export interface PublishProgress {
  readonly files: { done: number; total?: number }
  readonly bytes: { done: number; total?: number }
}

export interface PublishResult {
  readonly files: number
  readonly bytes: number
  /** Whether a new version was published. */
  readonly changed: boolean
  readonly skipped: readonly SkippedEntry[]
  readonly skippedCounts: Readonly<Record<string, number>>
  /** What some systems do not take of what is shared. */
  readonly foretold: readonly Foretold[]
  /** Drive paths of folders that need not be watched. */
  readonly ignoredFolders: readonly DrivePath[]
  /** What stays published although the scan does not list it, and what is to be kept of that with the share. */
  readonly held: readonly HeldFiles[]
  readonly remember: Pick<ShareRecord, 'boundaries' | 'rules' | 'hidden'>
  /** Folders whose disk is gone. */
  readonly vanished: readonly DrivePath[]
  /** Milliseconds after which something held may leave: scan again then. */
  readonly lookAfter?: number
  /** See `ScanResult`. */
  readonly repositories: ReadonlyMap<DrivePath, string>
  readonly inputs: ReadonlyMap<string, string>
  readonly disks: string
  /** Files that kept changing while they were read: to be looked at again soon. */
  readonly busy: readonly DrivePath[]
  /** Some files look as if they were unchanged, and there was no time to compare them: scan again some time. */
  readonly inDoubt: boolean
  /** Files that can be changed by a name outside of the folder. */
  readonly hardLinked: readonly ScannedFile[]
}

export interface PublisherOptions {
  /** Ignore patterns from the settings. */
  readonly ignore: readonly string[]
  readonly dataFolder: string
  /** What the watcher says has changed: it is believed even if it looks the same. */
  readonly named?: ReadonlySet<DrivePath>
  /** Nothing else has changed since the last publish. */
  readonly onlyNamed?: boolean
  /** Throws when the store has no room for anything new. */
  readonly assertRoom?: () => void
  /** Milliseconds what newer rules hide stays after the user was told; `NOTICE` when absent. */
  readonly notice?: number
}

export class Publisher {
  private published: Published | undefined
  /** For the names and links that are published. */
  private foretold: readonly Foretold[] | undefined
  /** The version that `published` describes: the newest that was read or appended here. */
  private newest: Version | undefined
  private readonly logs: OwnLogs
  private readonly source: SourceView
  /** What was published at the last look at the source, all of it. */
  private seenWith: Published | undefined
  private readonly notTaken = new NotTaken()
  readonly removals: RemovalHold
  private readonly versions: VersionAppender
  private saving: Promise<void> = Promise.resolve()
  /** Aborted when what is to be saved is waited for. */
  private saveNow = new AbortController()

  /**
   * @param share its log of bytes is open, when it has one
   * @param sync resolves when everything in the store is on the disk
   * @param isInDoubt whether the logs may have lost their ends
   * @param hold milliseconds that many files may be gone before they are taken for deleted
   * @param onIndexLost the index could not be saved, which harms nothing but says something about the disk
   * @param shared serves large files out of the folder; undefined: the store keeps them
   */
  constructor(
    private readonly share: ShareDrive,
    private readonly catalog: Catalog,
    private readonly readRecord: () => ShareRecord,
    private readonly sync: () => Promise<void>,
    isInDoubt: boolean,
    private readonly onIndexLost: (error: unknown) => void,
    hold = HOLD,
    private readonly shared?: SharedFiles,
  ) {
    this.removals = new RemovalHold(hold)
    this.source = new SourceView(readRecord)
    this.logs = new OwnLogs(share, readRecord, isInDoubt)
    this.versions = new VersionAppender(share, readRecord, length => this.logs.assertLength(length))
  }

  /** The newest version that was appended here, or read to append to it. */
  get version(): Version | undefined {
    return this.newest
  }

  private get record(): ShareRecord {
    return this.readRecord()
  }

  /** What is shared once stays as it was, also when the folder changes: the store keeps all of it. */
  private get inPlace(): SharedFiles | undefined {
    return this.record.once ? undefined : this.shared
  }

  /**
   * Scans and publishes what changed. One at a time. Throws PeerfoldError: `cancelled` when aborted, `log-behind` as
   * long as peers have, or may have, more of the logs than there is here.
   */
  async publish(
    options: PublisherOptions,
    signal: AbortSignal,
    onProgress: (progress: PublishProgress) => void,
  ): Promise<PublishResult> {
    try {
      return await this.publishSeen(options, signal, onProgress)
    } catch (error) {
      this.source.forget() // what was seen is not published
      throw error
    }
  }

  private async publishSeen(
    options: PublisherOptions,
    signal: AbortSignal,
    onProgress: (progress: PublishProgress) => void,
  ): Promise<PublishResult> {
    const { named = NOTHING, notice = NOTICE, assertRoom = () => {} } = options
    await this.logs.catchUp(signal)
    let published = await this.load(signal)
    const progress: PublishProgress = { files: { done: 0 }, bytes: { done: 0 } }
    const leftOut = new Set<string>()
    const seen = await this.see(options, published, leftOut, signal)
    const { scan, look } = seen
    if (scan.files.length === 0 && published.size > 0) {
      // A disk that is not mounted looks like this. What was published stays.
      throw new PeerfoldError('source-emptied', this.record.source)
    }
    const stay = await this.heldBack(published, seen, leftOut, notice, signal)
    const looked = look === undefined ? scan.files : this.notTaken.again(look)
    const doubts = await this.findChanged(looked, published, named, seen.took, signal)
    const changed = doubts.changed.filter(file => !stay.leaving.has(file.path))
    progress.files.total = changed.length
    progress.bytes.total = changed.reduce((sum, file) => sum + file.size, 0)
    onProgress(progress)

    const { removed } = stay
    const isNew = ({ path, kind }: ScannedFile) => kind === 'link' || published.get(path) === undefined
    const comeOrGone = [...removed, ...changed.filter(isNew).map(({ path }) => path)]
    if (this.isForetoldBy(seen, comeOrGone)) this.foretold = undefined
    this.notTaken.begin(look)
    let busy: readonly DrivePath[] = []
    let appended = false
    if (changed.length > 0 || removed.length > 0 || this.share.paths.length === 0) {
      assertRoom()
      await this.finishAhead(await this.saved(signal), signal)
      published = await this.saved(signal)
      const outcome = await this.logs.appending(() =>
        this.append(published, seen, changed, removed, signal, progress, onProgress, assertRoom),
      )
      this.notTaken.add(outcome.skipped)
      busy = outcome.busy
      appended = outcome.appended
    }
    this.seenWith = stay.held.length === 0 ? published : undefined
    this.foretold ??= await this.foretell(published, scan.files, signal)
    const failed = this.notTaken.list()
    return {
      files: published.size,
      bytes: published.bytes,
      changed: appended,
      skipped: [...failed, ...scan.skipped].slice(0, 1_000),
      skippedCounts: addCounts(scan.skippedCounts, failed),
      foretold: this.foretold,
      ignoredFolders: scan.ignoredFolders,
      held: stay.held,
      remember: stay.remember,
      inputs: scan.inputs,
      disks: scan.disks,
      repositories: scan.repositories,
      vanished: scan.vanished,
      ...(stay.lookAfter === undefined ? {} : { lookAfter: stay.lookAfter }),
      busy,
      inDoubt: doubts.left > 0,
      hardLinked: scan.hardLinked,
    }
  }

  /** What was published some other way, or is held, is compared with all there is. */
  private see(
    { ignore, dataFolder, named = NOTHING, onlyNamed = false }: PublisherOptions,
    published: Published,
    leftOut: Set<string>,
    signal: AbortSignal,
  ): Promise<Seen> {
    const onLeftOut = (path: DrivePath, reason: SkipReason) => {
      if (NEWLY.has(reason)) leftOut.add(path)
    }
    const names =
      onlyNamed && this.seenWith === published ? new Set([...named, ...published.fresh]) : undefined
    const mayLeave = (paths: number) => !mayBeHeld(paths, published.size)
    return this.source.see({ ignore, dataFolder, onLeftOut }, names, mayLeave, signal)
  }

  /** Links to files that the import did not take, for instance because they hold a secret. */
  private async leadingToSkipped(
    published: Published,
    all: readonly ScannedFile[],
    skipped: readonly SkippedFromShare[],
    signal: AbortSignal,
  ): Promise<readonly SkippedFromShare[]> {
    const missing = new Set(skipped.map(({ path }) => path).filter(path => published.get(path) === undefined))
    if (missing.size === 0) return []
    return inSlices(deadLinks(all.filter(({ path }) => !missing.has(path))), { signal })
  }

  /** Whether paths that come or go may change what is foretold. */
  private isForetoldBy({ scan, look }: Seen, paths: readonly DrivePath[]): boolean {
    if (paths.length === 0) return false
    if (look === undefined || look.hasLinks) return true
    const namesOf = (folder: string) => namesIn(scan.files, folder, MANY_NAMES)
    return paths.some(path => isForetoldBy(path, namesOf))
  }

  private foretell(
    published: Published,
    files: readonly ScannedFile[],
    signal: AbortSignal,
  ): Promise<readonly Foretold[]> {
    return inSlices(foretell(files.filter(({ path }) => published.get(path) !== undefined)), { signal })
  }

  /** Which files changed, and of those that may have, which have other content; what has not is noted as it looks now. */
  private async findChanged(
    looked: readonly ScannedFile[],
    published: Published,
    named: ReadonlySet<DrivePath>,
    scanned: number,
    signal: AbortSignal,
  ): Promise<Settled> {
    const sure = new Set<ScannedFile>()
    const doubts: Writable<Doubts> = { named: [], others: [] }
    const { inPlace } = this
    inPlace?.look()
    for (const file of looked) {
      const like = likeness(file, published.get(file.path))
      if (like === 'changed') sure.add(file)
      else if (file.kind === 'file' && named.has(file.path)) doubts.named.push(file)
      else if (like === 'in-doubt' || inPlace?.isLost(file.path)) doubts.others.push(file)
    }
    if (doubts.named.length + doubts.others.length === 0) return { same: [], changed: [...sure], left: 0 }
    const log = await this.share.bytesReady(signal)
    const atOnce = Math.max(DOUBTS_AT_ONCE, scanned)
    const settled = await settleDoubts(this.root, doubts, published, log, atOnce, signal, inPlace)
    this.saveAfter(published, settled.same)
    for (const file of settled.changed) sure.add(file)
    return { ...settled, changed: looked.filter(file => sure.has(file)) }
  }

  /** Keeps how files look now, after whatever is being kept already. */
  private saveAfter(published: Published, paths: readonly DrivePath[]): void {
    if (paths.length === 0) return
    const { saving } = this
    this.saving = saving.then(() => this.saveIndex(published, paths))
  }

  private get root(): string {
    return rootOf(this.record)
  }

  /** Whether the newest version is given out and not finished: see `finish`. */
  get isListingFirst(): boolean {
    return (this.newest ?? this.share.version)?.isAhead === true
  }

  /** Writes what a first version left for later, if anything; `publish` does so before another. Throws as it does. */
  async finish(signal: AbortSignal): Promise<void> {
    if (!this.isListingFirst) return
    await this.logs.catchUp(signal)
    await this.finishAhead(await this.saved(signal), signal)
    if (this.isListingFirst)
      throw new Error('what it is made of was lost; the next change publishes everything anew')
  }

  private async finishAhead(published: Published, signal: AbortSignal): Promise<void> {
    const before = this.newest
    if (before?.isAhead !== true || published.size === 0) return
    const version = await this.logs.appending(() =>
      this.versions.appendWhatIsAhead(before, published, signal),
    )
    await this.sync()
    this.newest = version
    this.saving = this.saveIndex(published, []) // no file lies anywhere else now
  }

  /** What is published, once it is kept as it is: nothing may change before, and then only changes need be kept. */
  private async saved(signal: AbortSignal): Promise<Published> {
    await this.settle()
    return this.load(signal) // the same, unless it could not be kept
  }

  /** Resolves when nothing is written any more that a publish left to be written after it. */
  async settle(): Promise<void> {
    this.saveNow.abort()
    await this.saving
    this.saveNow = new AbortController()
  }

  /**
   * Not waited for: the version is whole without it. Whatever ends it makes the next publish rebuild the index from the
   * path log.
   */
  private async saveIndex(published: Published, changed: readonly DrivePath[]): Promise<void> {
    const version = this.newest?.length ?? 0
    try {
      if (changed.length > INDEX_AT_ONCE) await delay(INDEX_AFTER, this.saveNow.signal).catch(() => {}) // now
      await published.save(changed, version)
    } catch (error) {
      this.published = undefined
      this.onIndexLost(error)
    }
  }

  /** All files of the newest version, with packs that no listing names yet. Undefined while they are not known. */
  files(): Iterable<PublishedFile> | undefined {
    return this.isAt(this.share.paths.length) ? this.published?.values() : undefined
  }

  /** All blocks beyond these are about to be cleared. Not while a publish is under way. */
  keepTwins(used: BlockRuns): void {
    this.published?.keepTwins(used)
  }

  private async load(signal: AbortSignal): Promise<Published> {
    const { length } = this.share.paths
    if (this.published !== undefined && this.isAt(length)) return this.published
    await this.settle()
    const published = await Published.load(this.catalog, this.record.seed)
    if (length > 0) await this.share.refresh(signal)
    const version = length === 0 ? undefined : this.share.version
    if (length > 0) {
      // The path log is the truth; the index lags behind it after an unclean end, or when peers gave it back its end.
      if (!(await published.describes(length))) {
        await published.adopt(version?.index.entries() ?? [], length)
      }
      const bytes = await this.share.bytesReady(signal)
      const listing = version?.listing
      const isAhead = version?.isAhead === true
      const listed = listing === undefined ? 0 : endOf(listing.chunks).blockOffset
      this.logs.assertBytes(isAhead ? listed : Math.max(published.bytesLength, listed))
      // What is left for later is made of what is here. Without that, all is published anew.
      if (!isAhead) published.doubtMissing(bytes)
      else if (!published.areSmallHere(bytes)) published.forgetAll()
    }
    this.logs.assertLength(length)
    this.published = published
    this.newest = version
    return published
  }

  /** Whether what is known here describes the path log of this length. */
  private isAt(length: number): boolean {
    return (this.newest?.length ?? 0) === length
  }

  /** What of the published files that the scan does not list leaves, and what stays for now. */
  private async heldBack(
    published: Published,
    { scan, look }: Seen,
    leftOut: ReadonlySet<string>,
    notice: number,
    signal: AbortSignal,
  ) {
    const { record, root } = this
    const absent = removedPaths(published, scan, look?.gone ?? [...published.paths()])
    const question = { root, published, scan, removed: absent, leftOut, signal }
    const isNewer = published.size > 0 && (record.rules ?? 0) < RULES_VERSION
    const before = record.hidden === undefined ? undefined : stillHidden(record.hidden, question)
    const found = (isNewer ? await newlyHidden(question) : undefined) ?? before
    const mayGo = found !== undefined && mayLeave(found, notice)
    const hidden = mayGo ? undefined : found
    const leaving = new Set(mayGo ? found.contents : [])
    // Where a file or link stands now, there is no folder for them to stay in.
    const replaced = belowOthers(absent, scan)
    const staying = new Set<DrivePath>(hidden?.paths?.filter(path => !replaced.has(path)))

    const removed = [...absent.filter(path => !staying.has(path)), ...leaving]
    const added = () => scan.files.filter(({ path }) => published.get(path) === undefined).length
    const { repositories } = scan
    const removal = await this.removals.judge({
      root,
      removed: removed.filter(path => !replaced.has(path)),
      added,
      files: published.size,
      repositories,
    })

    const held: HeldFiles[] = []
    if (scan.vanished.length > 0) {
      const files = [...published.paths()].filter(path => isBelow(path, scan.vanished)).length
      held.push({ kind: 'disk', files, paths: scan.vanished.slice(0, TOLD) })
    }
    if (removal !== undefined) {
      const until = Date.now() + removal.left
      held.push({
        kind: 'removal',
        files: removal.paths.size,
        paths: [...removal.paths].slice(0, TOLD),
        until,
      })
    }
    if (hidden !== undefined) {
      const paths = [...hidden.contents, ...hidden.paths]
      const until = hidden.toldAt === undefined ? {} : { until: hidden.toldAt + notice }
      held.push({ kind: 'update', files: paths.length, paths: paths.slice(0, TOLD), ...until })
    }
    const ends = held.flatMap(({ until }) => (until === undefined ? [] : [until - Date.now()]))
    if (removal !== undefined) ends.push(removal.lookAfter)
    return {
      removed: removal === undefined ? removed : removed.filter(path => !removal.paths.has(path)),
      leaving,
      held,
      remember: {
        boundaries: [...scan.boundaries, ...scan.vanished],
        rules: RULES_VERSION,
        ...(hidden === undefined ? {} : { hidden }),
      },
      ...(ends.length === 0 ? {} : { lookAfter: Math.max(0, Math.min(...ends)) }),
    }
  }

  private async append(
    published: Published,
    { scan, look }: Seen,
    changed: readonly ScannedFile[],
    gone: readonly DrivePath[],
    signal: AbortSignal,
    progress: PublishProgress,
    onProgress: (progress: PublishProgress) => void,
    assertRoom: () => void,
  ): Promise<{ skipped: SkippedFromShare[]; busy: readonly DrivePath[]; appended: boolean }> {
    const core = await this.share.bytesReady(signal)
    const isFirst = this.share.paths.length <= 1 // its header may be there already
    const small = changed.filter(file => file.size <= PACKED_FILE_BYTES && file.size > 0).length
    const onBytes = (bytes: number) => {
      assertRoom()
      progress.bytes.done += bytes
      onProgress(progress)
    }
    const onFile = () => {
      progress.files.done++
      onProgress(progress)
    }
    const isListingFirst = isFirst && small >= MIN_FILES_AHEAD
    const packed = small >= MIN_PACKED_FILES ? 'packed' : 'own-block'
    const smallFiles = isListingFirst ? 'own-block-later' : packed
    const { inPlace } = this
    inPlace?.serve(core)
    const options = { signal, onBytes, onFile }
    const bytes = new FileImport(this.root, core, published, options, smallFiles, inPlace)

    // Until the path log has them, changed files must not pass for published if this is cut off.
    const before = new Map(changed.map(file => [file.path, published.get(file.path)] as const))
    const put = new Set<DrivePath>()
    const noted: DrivePath[] = []
    const removed = [...gone]
    const isNew = ({ path }: ScannedFile) => before.get(path) === undefined
    const busy = () => bytes.busy.map(({ path }) => path)
    try {
      for await (const { path } of bytes.run(changed)) {
        const now = published.get(path)
        const isNew = now !== undefined && isNewEntry(path, before.get(path), now)
        if (isNew) put.add(path)
        else noted.push(path)
      }
      // A file that goes on being shared has no part in where links lead.
      const isSame = look?.isOther === false && bytes.skipped.length === 0 && !changed.some(isNew)
      const skipped = [...this.notTaken.list(), ...bytes.skipped]
      const dead = isSame ? [] : await this.leadingToSkipped(published, scan.files, skipped, signal)
      bytes.skipped.push(...dead)
      const deadPaths = new Set(dead.map(({ path }) => path))
      for (const path of deadPaths) {
        put.delete(path)
        const wasPublished = before.has(path)
          ? before.get(path) !== undefined
          : published.get(path) !== undefined
        if (wasPublished) removed.push(path)
        else published.forget(path)
      }
      for (const path of removed) published.forget(path)
      await bytes.finish()
      throwIfAborted(signal)
      // Files that could not be taken are asked for again at every change; that makes no new version.
      if (put.size + removed.length === 0 && !isFirst) {
        this.saveAfter(published, noted)
        return { skipped: bytes.skipped, busy: busy(), appended: false }
      }
      const { version, moved } = isListingFirst
        ? { version: await this.versions.appendAhead(published, bytes), moved: [] }
        : await this.versions.append(this.newest, published, [...put], removed, bytes, signal)
      for (const path of moved) put.add(path)
      await this.sync()
      this.newest = version
      this.saving = this.saveIndex(published, [...put, ...noted, ...removed])
    } catch (error) {
      await bytes.settle()
      inPlace?.notPublished()
      for (const [path, file] of before) {
        if (file === undefined) published.forget(path)
        else published.remember(path, file)
      }
      if (this.published === published) this.published = undefined
      throw error
    } finally {
      await bytes.close()
    }
    return { skipped: bytes.skipped, busy: busy(), appended: true }
  }
}

const NOTHING: ReadonlySet<DrivePath> = new Set()

type Writable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer Item)[] ? Item[] : T[K] }

/** Published paths that are no longer there. What could not be read stays published. */
function removedPaths(published: Published, scan: ScanResult, paths: readonly DrivePath[]): DrivePath[] {
  const unknown = [...scan.unreadable, ...scan.vanished]
  const isListed = pathsOf(scan.files, paths.length)
  return paths.filter(path => published.get(path) !== undefined && !isListed(path) && !isBelow(path, unknown))
}

/** Those of the paths that lie below something that the scan lists, which is no folder. */
function belowOthers(paths: readonly DrivePath[], scan: ScanResult): ReadonlySet<DrivePath> {
  const isListed = pathsOf(scan.files, paths.length)
  const isBelowOther = (path: string) => {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1))
      if (isListed(path.slice(0, end))) return true
    return false
  }
  return new Set(paths.filter(isBelowOther))
}

/** Whether it is one of these, or lies in one. */
function isBelow(path: DrivePath, folders: readonly DrivePath[]): boolean {
  return folders.some(folder => path === folder || path.startsWith(`${folder}/`))
}

function addCounts(
  counts: Readonly<Record<string, number | undefined>>,
  more: readonly SkippedFromShare[],
): Record<string, number> {
  const sum: Record<string, number> = {}
  for (const [reason, count] of Object.entries(counts)) sum[reason] = count ?? 0
  for (const { reason } of more) sum[reason] = (sum[reason] ?? 0) + 1
  return sum
}

/** The folder that drive paths begin in. */
export function rootOf({ isFile, source }: Pick<ShareRecord, 'isFile' | 'source'>): string {
  return isFile ? source.replace(/[/\\][^/\\]*$/, '') || '/' : source
}
