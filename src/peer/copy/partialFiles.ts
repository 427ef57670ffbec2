/**
 * Large files that a copy has written in part, as the catalog knows them, so that a copy that was cut off continues
 * inside the temporaries it left.
 *
 * A note says how far a temporary is whole. The end of a process, however rude, loses nothing that it wrote, so such a
 * note holds as long as the machine runs. What is left after a loss of power is what was brought to the disk: that is
 * done every now and then while the file is still being written, and added to the note. The name of a temporary
 * comes from a random token, so nobody can lay something under it before it is there; that it still is the file we
 * made, its inode and the time at which it was made tell.
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
  /** Of files that are resumed: shorter ones are written again in a moment. */
  least: 64 * 1024 * 1024,
  /** Between two notes. */
  note: 32 * 1024 * 1024,
  /** Between two times that a file is brought to the disk, and left to write after the last: no end waits for it. */
  sync: 512 * 1024 * 1024,
}
const NOTHING: WrittenPart = { bytes: 0, blocks: 0 }

export class PartialFiles {
  /** Of this copy, by path inside the target. */
  private readonly known = new Map<string, PartialFile>()
  /** Tokens of other copies that will go on. */
  private readonly others: string[] = []
  private readonly given: string[] = []
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

  /** Reads what there is, and forgets what nobody will go on with: content that is not planned any more, and what
   *  belongs to other copies that are not under way. */
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
        files.given.push(partial.token)
        await catalog.delete('partial', key)
      }
    }
    return files
  }

  /** Whose temporaries a sweep must leave. */
  get tokens(): string[] {
    return [...this.others, ...[...this.known.values()].map(({ token }) => token)]
  }

  /** Whose temporaries nobody will continue with: a sweep removes them. */
  get givenUp(): readonly string[] {
    return this.given
  }

  /** What to open a file with; undefined for one that is not worth it, or whose blocks are found by a map. */
  tokenOf({ path, entry }: PlannedFile): string | undefined {
    if (entry.size < this.sizes.least || entry.blob === undefined || entry.blob.blockMap) return undefined
    return this.known.get(path)?.token ?? randomBytes(16).toString('hex')
  }

  has({ path }: PlannedFile): boolean {
    return this.known.has(path)
  }

  /** How far an opened file is whole; undefined when it is not the one that was left, or nothing of it is certain. */
  progressOf({ path }: PlannedFile, large: LargeFile): WrittenPart | undefined {
    const partial = this.known.get(path)
    if (partial === undefined) return undefined
    const { ino, birthtimeMs } = large.identity
    // An inode number is given again; the time is 0 where the file system does not keep it.
    if (ino !== partial.ino || birthtimeMs !== partial.birthtimeMs || birthtimeMs <= 0) return undefined
    const { bytes, blocks } = partial.written
    return bytes > 0 && bytes <= large.resumedSize ? { bytes, blocks } : undefined
  }

  /** A temporary was made: noted, so that whatever happens to this process the next one knows whose it is. */
  async begun(file: PlannedFile, token: string, large: LargeFile): Promise<void> {
    await this.note(file, token, large, NOTHING, NOTHING)
  }

  /** To be called after every block. Resolves when the note, if it is time for one, is kept. */
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

  /** Forgets what is left. → whether there was anything: its temporaries are to be swept then */
  async clear(): Promise<boolean> {
    const paths = [...this.known.keys()]
    for (const { token } of this.known.values()) this.given.push(token)
    this.known.clear()
    for (const path of paths) await this.catalog.delete('partial', this.target + path)
    return paths.length > 0
  }

  /** Brings what is noted by now to the disk, while the file continues. */
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
 * Forgets what a copy has written in part, and removes it from its folder (absolute): for one that was cancelled before
 * it came to look at its files. Throws when the folder is gone or cannot be written; the next copy there sweeps it then.
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

/** After another start of the machine only what was on the disk counts. */
function inThisStart(partial: PartialFile, boot: string): PartialFile {
  return partial.boot === boot ? partial : { ...partial, boot, written: partial.onDisk }
}

/** A disk that cannot be written shows when the file is. */
function becauseNextMarkTriesAgain(): void {}
