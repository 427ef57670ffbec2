/**
 * What one share's publisher knows of every file it has published: how the file looked on disk and where its bytes
 * are. It makes an unchanged folder cost only its stats, and identical content cost its bytes only once. Held in
 * memory, kept in the catalog.
 */
import type Hypercore from 'hypercore'
import type { DrivePath } from '../../../common/brand'
import type { DriveEntry } from '../../drive/format/entry'
import { isLarge } from '../../drive/format/largeFile'
import { type BlockRuns, isInRuns } from '../../hypercore/blockRuns'
import type { Catalog, PublishedFile, Write } from '../../store/catalog'
import type { ScannedFile } from '../scan/scanned'

const MAX_FRESH = 16
const MAX_FRESH_BYTES = 1024 * 1024

export class Published {
  private readonly files = new Map<DrivePath, PublishedFile>()
  private readonly byContent = new Map<string, PublishedFile>()
  private readonly freshPaths = new Set<DrivePath>()
  private allBytes = 0

  private constructor(
    private readonly catalog: Catalog,
    private readonly seed: string,
  ) {}

  static async load(catalog: Catalog, seed: string): Promise<Published> {
    const published = new Published(catalog, seed)
    await catalog.each('published', `${seed}/`, (path, file) =>
      published.remember(`/${path}` as DrivePath, file),
    )
    return published
  }

  get size(): number {
    return this.files.size
  }

  /** Some small files whose times may not show their next change. They are quickly compared. */
  get fresh(): ReadonlySet<DrivePath> {
    return this.freshPaths
  }

  get(path: DrivePath): PublishedFile | undefined {
    return this.files.get(path)
  }

  /** Bytes of all files together. */
  get bytes(): number {
    return this.allBytes
  }

  paths(): IterableIterator<DrivePath> {
    return this.files.keys()
  }

  /** All files in the order of their paths. */
  sorted(compare: (a: DrivePath, b: DrivePath) => number): [DrivePath, PublishedFile][] {
    return [...this.files].sort(([a], [b]) => compare(a, b))
  }

  /** A published file with the same length and the same first block. One block long, it has the same content. */
  sameContent(size: number, head: string): PublishedFile | undefined {
    return this.byContent.get(contentKey(size, head))
  }

  /** What was published of this file, where all its bytes are in the log. */
  own(path: DrivePath): PublishedFile | undefined {
    const file = this.files.get(path)
    return file?.ino === DOUBTED_INO ? undefined : file
  }

  /** Remembered at once, so that the same content is found within one import; `save()` keeps it. */
  remember(path: DrivePath, file: PublishedFile): void {
    this.put(path, file)
    if (file.head !== undefined && file.blob !== undefined && file.ino !== DOUBTED_INO) {
      this.byContent.set(contentKey(file.size, file.head), file)
    }
  }

  forget(path: DrivePath): void {
    this.allBytes -= this.files.get(path)?.size ?? 0
    this.files.delete(path)
    this.freshPaths.delete(path)
  }

  forgetAll(): void {
    this.files.clear()
    this.freshPaths.clear()
    this.allBytes = 0
    this.byContent.clear()
  }

  values(): IterableIterator<PublishedFile> {
    return this.files.values()
  }

  /** From now on content is not found in blocks beyond these: they are about to be cleared. */
  keepContent(used: BlockRuns): void {
    for (const [key, { blob, pack }] of this.byContent) {
      const isKept =
        (blob === undefined || isInRuns(used, blob.blockOffset, blob.blockLength)) &&
        (pack === undefined || isInRuns(used, pack.block, 1))
      if (!isKept) this.byContent.delete(key)
    }
  }

  /**
   * Saves what changed, with the version that all of it describes. To be called after the path log has that version.
   * Nothing may be remembered or forgotten meanwhile.
   */
  async save(changed: Iterable<DrivePath>, version: number): Promise<void> {
    await this.catalog.writeSlowly([
      ...this.writes(changed),
      { table: 'indexed', key: this.seed, value: version },
    ])
  }

  /** Whether what is kept describes this version: it lags behind after an unclean end. */
  async describes(version: number): Promise<boolean> {
    return (await this.catalog.get('indexed', this.seed)) === version
  }

  /** Takes over what the path log holds, when the process ended between the log and the index, and keeps it. */
  async adopt(entries: Iterable<DriveEntry>, version: number): Promise<void> {
    const known = new Map(this.files)
    this.forgetAll()
    for (const entry of entries) {
      const before = known.get(entry.path)
      if (before !== undefined && describesFile(entry, before)) this.remember(entry.path, before)
      else {
        const { kind, size, mtime, executable, linkTarget, blob, pack } = entry
        this.put(entry.path, {
          kind,
          size,
          mtimeMs: mtime ?? 0,
          ino: UNKNOWN_INO,
          executable,
          ...(linkTarget === undefined ? {} : { linkTarget }),
          ...(blob === undefined ? {} : { blob }),
          ...(pack === undefined ? {} : { pack }),
        })
      }
    }
    await this.catalog.deleteAll('published', `${this.seed}/`)
    await this.save(this.files.keys(), version)
  }

  /** How long the log of bytes was when the newest of these files was published, at least. */
  get bytesLength(): number {
    let length = 0
    for (const { blob, pack } of this.files.values()) {
      if (blob !== undefined) length = Math.max(length, blob.blockOffset + blob.blockLength)
      if (pack !== undefined) length = Math.max(length, pack.block + 1)
    }
    return length
  }

  /**
   * After an accident the log of bytes may lack blocks that nobody could give back. Files that need them are imported
   * again from the disk, and no content counts as the same as theirs. A large file may hold its blocks itself, so it is
   * compared.
   */
  doubtMissing(bytes: Hypercore): void {
    if (bytes.contiguousLength === bytes.length) return // nothing is missing
    this.byContent.clear()
    for (const [path, file] of [...this.files]) {
      const { blob, pack, ...rest } = file
      const packed = pack !== undefined && areHere(bytes, pack.block, 1) ? { pack } : {}
      const whole = blob === undefined || areHere(bytes, blob.blockOffset, blob.blockLength)
      const doubt = whole
        ? {}
        : { ino: blob !== undefined && isLarge(blob, file.size) ? UNKNOWN_INO : DOUBTED_INO }
      this.remember(path, { ...rest, ...(blob === undefined ? {} : { blob }), ...packed, ...doubt })
    }
  }

  /** Whether every small file is here: its own blocks, or its pack where those are to come after the end of the log. */
  areSmallHere(bytes: Hypercore): boolean {
    for (const { blob, pack, size } of this.files.values()) {
      if (blob === undefined || isLarge(blob, size)) continue
      const isLater = blob.blockOffset >= bytes.length
      const start = isLater ? pack?.block : blob.blockOffset
      if (start === undefined || !areHere(bytes, start, isLater ? 1 : blob.blockLength)) return false
    }
    return true
  }

  private put(path: DrivePath, file: PublishedFile): void {
    this.allBytes += file.size - (this.files.get(path)?.size ?? 0)
    this.files.set(path, file)
    if (file.fresh === undefined) this.freshPaths.delete(path)
    else if (this.freshPaths.size < MAX_FRESH && file.size <= MAX_FRESH_BYTES) this.freshPaths.add(path)
  }

  private writes(paths: Iterable<DrivePath>): Write[] {
    return [...paths].map(path => ({
      table: 'published',
      key: this.seed + path,
      value: this.files.get(path),
    }))
  }
}

/** How the file looked on disk is not known: its content has to be compared. */
const UNKNOWN_INO = -1
/** Whatever the file looks like on disk, it has to be imported again. */
const DOUBTED_INO = -2

/**
 * What the stats of a file on disk tell: whether it is what was published of it. `in-doubt`: the content has to be
 * compared, and nothing but the content can be different.
 */
export function likeness(
  file: ScannedFile,
  published: PublishedFile | undefined,
): 'same' | 'in-doubt' | 'changed' {
  if (published === undefined || file.kind !== published.kind || file.executable !== published.executable)
    return 'changed'
  if (file.kind === 'link') return file.linkTarget === published.linkTarget ? 'same' : 'changed'
  if (file.size !== published.size || published.ino === DOUBTED_INO) return 'changed'
  if (published.ino === UNKNOWN_INO) {
    const isSameTime = Math.floor(file.mtimeMs) === Math.floor(published.mtimeMs)
    return isSameTime ? 'in-doubt' : 'changed'
  }
  if (file.mtimeMs !== published.mtimeMs || hadTimeCutOff(published)) return 'changed'
  const isSameFile = file.ino === published.ino && file.ctimeMs === published.ctimeMs
  return isSameFile && published.fresh === undefined ? 'same' : 'in-doubt'
}

/** Whether readers see another entry than before, or none before. */
export function isNewEntry(path: DrivePath, before: PublishedFile | undefined, now: PublishedFile): boolean {
  if (before === undefined || hadTimeCutOff(before)) return true
  const [a, b] = [publishedEntry(path, before), publishedEntry(path, now)]
  return (
    a.kind !== b.kind ||
    a.size !== b.size ||
    a.mtime !== b.mtime ||
    a.executable !== b.executable ||
    a.linkTarget !== b.linkTarget ||
    a.blob?.blockOffset !== b.blob?.blockOffset ||
    a.blob?.byteOffset !== b.blob?.byteOffset ||
    a.pack?.block !== b.pack?.block ||
    a.pack?.offset !== b.pack?.offset
  )
}

/** Earlier versions, which noted no time of change, published every time before 1970 as that of 1970. */
function hadTimeCutOff({ ctimeMs, mtimeMs }: PublishedFile): boolean {
  return ctimeMs === undefined && mtimeMs < 0
}

/** Whether an entry of the path log is what was published of this file, as far as readers can tell. */
function describesFile(entry: DriveEntry, file: PublishedFile): boolean {
  return (
    entry.kind === file.kind &&
    entry.size === file.size &&
    entry.mtime === Math.floor(file.mtimeMs) &&
    entry.executable === file.executable &&
    entry.linkTarget === file.linkTarget &&
    entry.blob?.byteOffset === file.blob?.byteOffset
  )
}

/** The share's entry for a published file. */
export function publishedEntry(path: DrivePath, file: PublishedFile): DriveEntry {
  const { kind, size, mtimeMs, executable, linkTarget, blob, pack } = file
  const mtime = Math.floor(mtimeMs)
  if (linkTarget !== undefined) return { path, kind, size, mtime, executable, linkTarget }
  if (blob === undefined) return { path, kind, size, mtime, executable }
  if (pack === undefined) return { path, kind, size, mtime, executable, blob }
  return { path, kind, size, mtime, executable, blob, pack }
}

function areHere({ core }: Hypercore, start: number, length: number): boolean {
  return core.bitfield.count(start, length, true) === length
}

function contentKey(size: number, head: string): string {
  return `${size}:${head}`
}
