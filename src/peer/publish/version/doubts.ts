/**
 * Files that look as they did when they were published, or nearly: their content is compared with what was published.
 *
 * A stat leaves it open when only the time of change or the inode differs (times can be set back, a file replaced by
 * another with its times), when the times were fresh when they were noted, when an earlier version noted no time of
 * change, or when the watcher named the file. A file with the same content is noted as it looks now and not published
 * again.
 *
 * All of a large folder can be in doubt at once: after an update, after a disk with other inodes was mounted. So the
 * time of one look is bounded, and the rest is left for the next.
 */
import { join } from 'node:path'
import type Hypercore from 'hypercore'
import type { DrivePath } from '../../../common/brand'
import { BLOCK_BYTES } from '../../drive/format/largeFile'
import type { PublishedFile } from '../../store/catalog'
import { breathe, slicer, throwIfAborted } from '../../time'
import type { ScannedFile } from '../scan/scanned'
import { WHOLE_FILE_BYTES } from './blockSize'
import type { SharedFiles } from './inPlace/sharedFiles'
import type { Published } from './published'
import { headOf, mayBeSame, PublishedContent } from './publishedContent'
import { type NotedStats, readSmallStable, StableReader } from './readStable'

export interface Doubts {
  /** To be compared whatever it takes. */
  readonly named: readonly ScannedFile[]
  /** To be compared as long as there is time. */
  readonly others: readonly ScannedFile[]
}

export interface Compared {
  /** Same content as before; noted in what is published as they look now, to be saved. */
  readonly same: DrivePath[]
  /** Not the same, or they could not be compared: to be imported. */
  readonly changed: ScannedFile[]
  /** How many were left for the next time. */
  readonly left: number
}

/**
 * @param milliseconds for files that nobody named; one of them is compared at least
 * @param shared serves large files, where these are not kept in the log
 */
export async function compareDoubts(
  root: string,
  { named, others }: Doubts,
  published: Published,
  log: Hypercore,
  milliseconds: number,
  signal: AbortSignal,
  shared?: SharedFiles,
): Promise<Compared> {
  const look = new DoubtLook(root, published, new PublishedContent(log, shared))
  const due = slicer()
  const until = performance.now() + milliseconds
  const isLate = (at: number) => at > named.length && performance.now() > until
  const same: DrivePath[] = []
  const changed: ScannedFile[] = []
  let at = 0
  for (const file of [...named, ...others]) {
    throwIfAborted(signal)
    if (isLate(at)) break
    at++
    const isSame = await look.isSame(file).catch(() => false) // the import says what is the matter with it
    if (isSame) same.push(file.path)
    else changed.push(file)
    if (due()) await breathe()
  }
  return { same, changed, left: named.length + others.length - at }
}

type Now = NotedStats & Pick<PublishedFile, 'head'>

class DoubtLook {
  constructor(
    private readonly root: string,
    private readonly published: Published,
    private readonly content: PublishedContent,
  ) {}

  /** Notes how the file looks when it has the content that was published. */
  async isSame(file: ScannedFile): Promise<boolean> {
    const before = this.published.get(file.path)
    if (before === undefined || before.size !== file.size) return false
    const path = join(this.root, file.path)
    const isSmall = file.size <= WHOLE_FILE_BYTES
    const now = isSmall ? await this.compareSmall(path, file, before) : await this.compareLarge(path, before)
    if (now === undefined || now.mtimeMs !== file.mtimeMs) return false
    const { fresh, ...rest } = before
    this.published.remember(file.path, { ...rest, ...now })
    return true
  }

  private async compareSmall(
    path: string,
    file: ScannedFile,
    before: PublishedFile,
  ): Promise<Now | undefined> {
    const { bytes, stats } = readSmallStable(path, WHOLE_FILE_BYTES, file)
    if (bytes.length !== before.size) return undefined
    if (bytes.length === 0) return stats
    const head = headOf(bytes)
    if (!mayBeSame(before, bytes.length, head)) return undefined
    const isAllOfIt = before.head === head && bytes.length <= BLOCK_BYTES
    return isAllOfIt || (await this.content.isSame(before, [bytes])) ? { ...stats, head } : undefined
  }

  private async compareLarge(path: string, before: PublishedFile): Promise<Now | undefined> {
    const reader = await StableReader.open(path)
    try {
      if (reader.stats.size !== before.size) return undefined
      if (!(await this.content.isSame(before, reader.pieces(BLOCK_BYTES)))) return undefined
      return await reader.assertUnchanged()
    } finally {
      await reader.close()
    }
  }
}
