/**
 * What of the things in a target this copy made. Only those may be replaced or removed, and only when that is shown: by
 * the content, or by a stat that was noted when its times were past. The change time (ctime) shows changes that keep
 * size and time; a stat that was noted right after a write cannot show a change in the same tick of the clock, so what
 * a copy wrote is compared once more before it goes.
 */
import { closeSync } from 'node:fs'
import type { FileMark } from '../disk/placing'
import type { EntryStat, SafeWriter } from '../disk/writer'
import type { ShareDrive } from '../drive/shareDrive'
import { type CopiedFile, FOLDER } from '../store/catalog'
import { type Content, type Proof, proveContent } from './contentProof'

/** The coarsest clock of a file system, that of FAT (milliseconds), and what another machine's may be off by. */
const TICK = 2_500
/** A file that was written, placed and left alone was last changed so soon after it was made (milliseconds). */
const MADE_WITHIN = 1_000

/** What a local file holds if it is ours. */
export interface ExpectedContent extends Content {
  /** Its stat alone shows that it is ours. */
  readonly isShown: boolean
  /** To be believed when the content can neither be shown to be the same nor another. */
  readonly isLikely: boolean
}

/** Whether a thing looks as it was left. */
export function isAsLeft(local: FileMark, known: CopiedFile): boolean {
  return (
    local.size === known.size &&
    local.mtimeMs === known.mtimeMs &&
    local.ino === known.ino &&
    (known.ctimeMs === undefined || local.ctimeMs === known.ctimeMs)
  )
}

/** Whether a change from now on would show in the times of a stat that was taken `now` (milliseconds since 1970). */
export function showsLaterChanges({ ctimeMs, mtimeMs }: FileMark, now: number): boolean {
  return hasChangeTime({ ctimeMs, mtimeMs }) && now - Math.max(ctimeMs, mtimeMs) > TICK
}

/** FAT has no change time and gives another for it; what it gives on Windows is not the same everywhere. */
function hasChangeTime({ ctimeMs, mtimeMs }: Pick<FileMark, 'ctimeMs' | 'mtimeMs'>): boolean {
  return process.platform !== 'win32' && ctimeMs > 0 && ctimeMs !== mtimeMs
}

/** What is to be shown of a local file before it is replaced. */
export function expectedOf(known: CopiedFile, local: EntryStat): ExpectedContent {
  const { content, hash } = known
  const asLeft = isAsLeft(local, known)
  const isLikely = known.ctimeMs === undefined ? asLeft && isAsMade(local) : asLeft && hasChangeTime(local)
  const isShown = asLeft && known.ctimeMs !== undefined && known.settled === true
  return { content, ...(hash === undefined ? {} : { hash }), isShown, isLikely }
}

/** Nothing was changed since the file got its name: it is in the records of an earlier version without a change time. */
function isAsMade({ ctimeMs, birthtimeMs }: EntryStat): boolean {
  return birthtimeMs > 0 && ctimeMs - birthtimeMs < MADE_WITHIN
}

export class Ownership {
  constructor(
    private readonly share: ShareDrive,
    private readonly writer: SafeWriter,
    /** What the catalog knows of the target, by path inside it. */
    private readonly known: ReadonlyMap<string, CopiedFile>,
  ) {}

  record(path: string): CopiedFile | undefined {
    return this.known.get(path)
  }

  /** Whether a file holds what it held when it was ours. */
  async isOurs(segments: readonly string[], expected: ExpectedContent): Promise<boolean> {
    if (expected.isShown) return true
    const proof = await this.prove(segments, expected)
    return proof === 'same' || (proof === 'unknown' && expected.isLikely)
  }

  /** Whether the file there holds this content. What cannot be read cannot be told. */
  async prove(segments: readonly string[], content: Content): Promise<Proof> {
    const opened = this.writer.openFile(segments)
    if (opened === undefined) return 'unknown'
    try {
      return await proveContent(this.share, opened.fd, opened.mark.size, content)
    } finally {
      closeSync(opened.fd)
    }
  }

  /** What shows that a link or file is ours: its stat, to be removed by; undefined when it is not. */
  async markIfOurs(segments: readonly string[]): Promise<FileMark | undefined> {
    const known = this.record(`/${segments.join('/')}`)
    const local = this.writer.stat(segments)
    if (known === undefined || local === undefined) return undefined
    if (local.kind === 'link') return known.content === this.linkContent(segments) ? local : undefined
    if (local.kind !== 'file') return undefined
    return (await this.isOurs(segments, expectedOf(known, local))) ? local : undefined
  }

  /** What a link that lies here would be as an entry: see `contentId`. */
  linkContent(segments: readonly string[]): string {
    return `link:${this.writer.readLink(segments)}`
  }

  /**
   * Everything in a folder of ours, what is deepest first; undefined when something in it is not ours. Earlier versions
   * kept no record of folders: one that holds what such a version made counts as made by it.
   */
  async contentsIfOurs(segments: readonly string[]): Promise<OurThing[] | undefined> {
    return (await this.lookThrough(segments))?.things
  }

  private async lookThrough(
    segments: readonly string[],
  ): Promise<{ things: OurThing[]; isOld: boolean } | undefined> {
    const things: OurThing[] = []
    let isOld = false
    for (const name of this.writer.namesIn(segments)) {
      const inside = [...segments, name]
      if (this.writer.stat(inside)?.kind === 'folder') {
        const below = await this.lookThrough(inside)
        if (below === undefined) return undefined
        things.push(...below.things)
        isOld ||= below.isOld
        continue
      }
      const mark = await this.markIfOurs(inside)
      if (mark === undefined) return undefined
      isOld ||= this.record(`/${inside.join('/')}`)?.executable === undefined
      things.push({ segments: inside, mark })
    }
    const isRecorded = this.record(`/${segments.join('/')}`)?.content === FOLDER
    if (!isRecorded && !isOld) return undefined
    return { things: [...things, { segments, mark: undefined }], isOld }
  }
}

/** A file or link by its stat, or a folder. */
export interface OurThing {
  readonly segments: readonly string[]
  readonly mark: FileMark | undefined
}
