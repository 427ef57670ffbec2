/**
 * Large files that a copy has written in part, as the catalog knows them. A copy that was cut off continues inside
 * the temporaries that it left.
 *
 * A note says how far a temporary is whole. The end of a process, however rude, loses nothing that it wrote, so a
 * note holds until the machine restarts. After a loss of power only synced bytes are certain: a file is synced
 * every now and then while it is being written, and the note says how far. The name of a temporary comes from a
 * random token, so nobody can put a file under it beforehand. Its inode and its birth time tell that it is still
 * the file we made.
 */
import { randomBytes } from 'node:crypto'
import { probeRules } from '../disk/probe'
import { type LargeFile, SafeWriter } from '../disk/writer'
import { contentId } from '../drive/format/entry'
import { bootId } from '../store/boot'
import type { Catalog, PartialFile, WrittenPart } from '../store/catalog'
import type { PlannedFile } from './planned'

/** Bytes. */
const SIZES = {
  /** Length of the shortest files that are resumed. Shorter ones are written again in a moment. */
  least: 64 * 1024 * 1024,
  /** Between two notes. */
  note: 32 * 1024 * 1024,
  /**
   * Between two syncs of a file. The last one needs as much left to write, so that the end of the file does not
   * wait for it.
   */
  sync: 512 * 1024 * 1024,
}
const NOTHING: WrittenPart = { bytes: 0, blocks: 0 }

export class PartialFiles {
  /** Files of this copy, by path inside the target. */
  private readonly known = new Map<string, PartialFile>()
  /** Tokens of other copies that will continue. */
  private readonly others: string[] = []
  private readonly givenUpTokens: string[] = []
  /** Paths of files that are being brought to the disk. */
  private readonly syncing = new Set<string>()

  private constructor(
    private readonly catalog: Catalog,
    /** See `targetKey`. */
    private readonly target: string,
    private readonly job: string,
    private readonly sizes: typeof SIZES,
    private readonly boot: string,
  ) {}

  /**
   * Reads the notes, and deletes those that nobody will use: of content that is not planned any more, and of other
   * copies that have ended.
   */
  static async open(
    catalog: Catalog,
    target: string,
    job: string,
    planned: readonly PlannedFile[],
    sizes = SIZES,
    boot = bootId(),
  ): Promise<PartialFiles> {
    const files = new PartialFiles(catalog, target, job, sizes, boot)
    const contents = new Map(planned.map(file => [file.path, contentId(file.entry)]))
    for await (const [key, partial] of catalog.list('partial')) {
      const path = key.startsWith(target) ? key.slice(target.length) : ''
      if (partial.job !== job && (await isUnderWay(catalog, partial.job))) files.others.push(partial.token)
      else if (contents.get(path) === partial.content) files.known.set(path, inThisStart(partial, boot))
      else {
        files.givenUpTokens.push(partial.token)
        await catalog.delete('partial', key)
      }
    }
    return files
  }

  /** Tokens of temporaries that a sweep must leave. */
  get tokens(): string[] {
    return [...this.others, ...[...this.known.values()].map(({ token }) => token)]
  }

  /** Tokens of temporaries that nobody will continue. A sweep removes them. */
  get givenUp(): readonly string[] {
    return this.givenUpTokens
  }

  /** The token to open a file with; undefined for a short one, and for one whose blocks are found by a map. */
  tokenOf({ path, entry }: PlannedFile): string | undefined {
    if (entry.size < this.sizes.least || entry.blob === undefined || entry.blob.blockMap) return undefined
    return this.known.get(path)?.token ?? randomBytes(16).toString('hex')
  }

  has({ path }: PlannedFile): boolean {
    return this.known.has(path)
  }

  /** How far an opened temporary is whole; undefined when it is another file, or nothing of it is certain. */
  progressOf({ path }: PlannedFile, large: LargeFile): WrittenPart | undefined {
    const partial = this.known.get(path)
    if (partial === undefined) return undefined
    const { ino, birthtimeMs } = large.identity
    // Inode numbers are reused. The birth time is 0 where the file system does not keep it.
    if (ino !== partial.ino || birthtimeMs !== partial.birthtimeMs || birthtimeMs <= 0) return undefined
    const { bytes, blocks } = partial.written
    return bytes > 0 && bytes <= large.resumedSize ? { bytes, blocks } : undefined
  }

  /** Notes that a temporary was made, so that the next process knows whose it is if this one is killed. */
  async begun(file: PlannedFile, token: string, large: LargeFile): Promise<void> {
    await this.note(file, token, large, NOTHING, NOTHING)
  }

  /** To be called after every block. Resolves when the note is kept, if one is due. */
  async written(file: PlannedFile, token: string, large: LargeFile, progress: WrittenPart): Promise<void> {
    const { path, entry } = file
    const last = this.known.get(path)
    if (progress.bytes - (last?.written.bytes ?? 0) < this.sizes.note) return
    const onDisk = last?.onDisk ?? NOTHING
    await this.note(file, token, large, { ...progress }, onDisk)
    const isDue = progress.bytes - onDisk.bytes >= this.sizes.sync
    if (isDue && entry.size - progress.bytes >= this.sizes.sync) this.sync(path, large)
  }

  /** The file is done, or begun again. */
  async forget({ path }: PlannedFile): Promise<void> {
    if (this.known.delete(path)) await this.catalog.delete('partial', this.target + path)
  }

  /** Forgets all files. → whether there were any: their temporaries are to be swept then */
  async clear(): Promise<boolean> {
    const paths = [...this.known.keys()]
    for (const { token } of this.known.values()) this.givenUpTokens.push(token)
    this.known.clear()
    for (const path of paths) await this.catalog.delete('partial', this.target + path)
    return paths.length > 0
  }

  /** Syncs what is noted by now, while the file continues. */
  private sync(path: string, large: LargeFile): void {
    const noted = this.known.get(path)
    if (noted === undefined || this.syncing.has(path)) return
    this.syncing.add(path)
    large
      .sync()
      .then(async () => {
        const now = this.known.get(path)
        if (now?.token === noted.token) await this.keep(path, { ...now, onDisk: noted.written })
      })
      .catch(becauseNextMarkTriesAgain)
      .finally(() => this.syncing.delete(path))
  }

  private async note(
    { path, entry }: PlannedFile,
    token: string,
    large: LargeFile,
    written: WrittenPart,
    onDisk: WrittenPart,
  ): Promise<void> {
    const { ino, birthtimeMs } = large.identity
    const { job, boot } = this
    await this.keep(path, { job, token, content: contentId(entry), boot, ino, birthtimeMs, written, onDisk })
  }

  private async keep(path: string, partial: PartialFile): Promise<void> {
    this.known.set(path, partial)
    await this.catalog.put('partial', this.target + path, partial)
  }
}

/**
 * Removes the temporaries of a copy that was cancelled before it looked at its files, from its folder (absolute).
 * Throws when the folder is gone or cannot be written. The next copy there sweeps them then.
 */
export async function removePartials(catalog: Catalog, job: string, folder: string): Promise<void> {
  const found = new Map<string, string>()
  const others: string[] = []
  for await (const [key, partial] of catalog.list('partial')) {
    if (partial.job === job) found.set(key, partial.token)
    else others.push(partial.token)
  }
  if (found.size === 0) return
  for (const key of found.keys()) await catalog.delete('partial', key)
  const writer = SafeWriter.open(folder, probeRules(folder))
  try {
    await writer.sweep(others, found.values())
  } finally {
    await writer.close()
  }
}

async function isUnderWay(catalog: Catalog, job: string): Promise<boolean> {
  const copy = await catalog.get('copy', job)
  if (copy !== undefined) return copy.result === undefined && copy.failure === undefined
  return (await catalog.get('live', job)) !== undefined
}

/** After a restart of the machine only synced bytes count. */
function inThisStart(partial: PartialFile, boot: string): PartialFile {
  return partial.boot === boot ? partial : { ...partial, boot, written: partial.onDisk }
}

/** A disk that cannot be written is noticed when the file itself is written. */
function becauseNextMarkTriesAgain(): void {}
