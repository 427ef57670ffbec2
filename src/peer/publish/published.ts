/**
 * What one share's publisher knows of every file it has published: how the file looked on disk and where its bytes
 * are. It makes an unchanged folder cost only its stats, and identical content cost its bytes only once. Held in
 * memory, kept in the catalog.
 */
import type { DrivePath } from '../../common/brand'
import type { Catalog, PublishedFile, Write } from '../catalog'
import type { DriveEntry } from '../drive/entry'
import type { ScannedFile } from './scan'

export class Published {
  private readonly files = new Map<DrivePath, PublishedFile>()
  private readonly byContent = new Map<string, PublishedFile>()

  private constructor(
    private readonly catalog: Catalog,
    private readonly seed: string,
  ) {}

  static async load(catalog: Catalog, seed: string): Promise<Published> {
    const published = new Published(catalog, seed)
    for await (const [path, file] of catalog.list('published', `${seed}/`)) {
      published.remember(`/${path}` as DrivePath, file)
    }
    return published
  }

  get size(): number {
    return this.files.size
  }

  get(path: DrivePath): PublishedFile | undefined {
    return this.files.get(path)
  }

  paths(): IterableIterator<DrivePath> {
    return this.files.keys()
  }

  /** A published file with the same length and the same first block. One block long, it has the same content. */
  twin(size: number, head: string): PublishedFile | undefined {
    return this.byContent.get(contentKey(size, head))
  }

  /** Remembered at once, so that twins are found within one import; `save()` keeps it. */
  remember(path: DrivePath, file: PublishedFile): void {
    this.files.set(path, file)
    if (file.head !== undefined && file.blob !== undefined) {
      this.byContent.set(contentKey(file.size, file.head), file)
    }
  }

  forget(path: DrivePath): void {
    this.files.delete(path)
  }

  /** Keeps what changed; call it after the path log has it. */
  async save(changed: Iterable<DrivePath>): Promise<void> {
    const writes: Write[] = []
    for (const path of changed) {
      writes.push({ table: 'published', key: this.seed + path, value: this.files.get(path) })
    }
    await this.catalog.write(writes)
  }

  /** Takes over what the path log holds, when the process ended between the log and the index, and keeps it. */
  async adopt(entries: Iterable<DriveEntry>): Promise<void> {
    const known = new Map(this.files)
    this.files.clear()
    for (const entry of entries) {
      const before = known.get(entry.path)
      const same = before !== undefined && before.blob?.byteOffset === entry.blob?.byteOffset
      if (same) this.files.set(entry.path, before)
      else {
        const { kind, size, mtime, executable, linkTarget, blob, pack } = entry
        this.files.set(entry.path, {
          kind,
          size,
          mtimeMs: mtime,
          ino: UNKNOWN_INO,
          executable,
          ...(linkTarget === undefined ? {} : { linkTarget }),
          ...(blob === undefined ? {} : { blob }),
          ...(pack === undefined ? {} : { pack }),
        })
      }
    }
    await this.catalog.deleteAll('published', `${this.seed}/`)
    await this.save(this.files.keys())
  }
}

const UNKNOWN_INO = -1

/** Whether the file on disk still is what was published, as far as its stats tell. */
export function isUnchanged(file: ScannedFile, published: PublishedFile | undefined): boolean {
  if (published === undefined || file.kind !== published.kind || file.executable !== published.executable)
    return false
  if (file.kind === 'link') return file.linkTarget === published.linkTarget
  if (file.size !== published.size) return false
  if (published.ino === UNKNOWN_INO) return Math.floor(file.mtimeMs) === Math.floor(published.mtimeMs)
  return file.mtimeMs === published.mtimeMs && file.ino === published.ino
}

/** The share's entry for a published file. */
export function publishedEntry(path: DrivePath, file: PublishedFile): DriveEntry {
  const { kind, size, mtimeMs, executable, linkTarget, blob, pack } = file
  return {
    path,
    kind,
    size,
    mtime: Math.max(0, Math.floor(mtimeMs)),
    executable,
    ...(linkTarget === undefined ? {} : { linkTarget }),
    ...(blob === undefined ? {} : { blob }),
    ...(pack === undefined ? {} : { pack }),
  }
}

function contentKey(size: number, head: string): string {
  return `${size}:${head}`
}
