/**
 * Tells which things in a target this copy made. Only those may be replaced or removed, and only with proof: by
 * their content, or by a stat that was noted some time after their last change. The change time (ctime) shows
 * changes that keep size and time. A stat that was noted right after a write cannot show a change in the same tick
 * of the clock, so files that a copy wrote are compared by content before they are removed.
 */
import { closeSync } from 'node:fs'
import type { FileMark } from '../disk/placing'
import type { EntryStat, SafeWriter } from '../disk/writer'
import type { ShareDrive } from '../drive/shareDrive'
import { type CopiedFile, FOLDER } from '../store/catalog'
import { type Content, type Proof, proveContent } from './contentProof'

/** Milliseconds: the coarsest clock of a file system, that of FAT, plus the error of another machine's clock. */
const TICK = 2_500
/** A file that nobody touched after it was placed was last changed within this time (milliseconds) of its making. */
const MADE_WITHIN = 1_000

/** The content that a local file has if it is ours. */
export interface ExpectedContent extends Content {
  /** Its stat alone shows that it is ours. */
  readonly isShown: boolean
  /** Taken as proof when the content can be shown neither equal nor different. */
  readonly isLikely: boolean
}

/** Whether a file or link has the stat that its record says. */
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

/** Whether the file system has a change time. FAT repeats another time there, and Windows differs between systems. */
function hasChangeTime({ ctimeMs, mtimeMs }: Pick<FileMark, 'ctimeMs' | 'mtimeMs'>): boolean {
  return process.platform !== 'win32' && ctimeMs > 0 && ctimeMs !== mtimeMs
}

/** What must be proved of a local file before it is replaced. */
export function expectedOf(known: CopiedFile, local: EntryStat): ExpectedContent {
  const { content, hash } = known
  const asLeft = isAsLeft(local, known)
  const isLikely = known.ctimeMs === undefined ? asLeft && isAsMade(local) : asLeft && hasChangeTime(local)
  const isShown = asLeft && known.ctimeMs !== undefined && known.settled === true
  return { content, ...(hash === undefined ? {} : { hash }), isShown, isLikely }
}

/**
 * The file was not changed since it got its name. Needed for records of an earlier version, which have no change
 * time.
 */
function isAsMade({ ctimeMs, birthtimeMs }: EntryStat): boolean {
  return birthtimeMs > 0 && ctimeMs - birthtimeMs < MADE_WITHIN
}

export class Ownership {
  constructor(
    private readonly share: ShareDrive,
    private readonly writer: SafeWriter,
    /** Records of the target, by path inside it. */
    private readonly known: ReadonlyMap<string, CopiedFile>,
  ) {}

  record(path: string): CopiedFile | undefined {
    return this.known.get(path)
  }

  /** Whether a file still has the content that this copy gave it. */
  async isOurs(segments: readonly string[], expected: ExpectedContent): Promise<boolean> {
    if (expected.isShown) return true
    const proof = await this.prove(segments, expected)
    return proof === 'same' || (proof === 'unknown' && expected.isLikely)
  }

  /** Whether the file there has this content. `unknown` for one that cannot be read. */
  async prove(segments: readonly string[], content: Content): Promise<Proof> {
    const opened = this.writer.openFile(segments)
    if (opened === undefined) return 'unknown'
    try {
      return await proveContent(this.share, opened.fd, opened.mark.size, content)
    } finally {
      closeSync(opened.fd)
    }
  }

  /** The stat of a link or file that is ours, by which it may be removed; undefined for others. */
  async markIfOurs(segments: readonly string[]): Promise<FileMark | undefined> {
    const known = this.record(`/${segments.join('/')}`)
    const local = this.writer.stat(segments)
    if (known === undefined || local === undefined) return undefined
    if (local.kind === 'link') return known.content === this.linkContent(segments) ? local : undefined
    if (local.kind !== 'file') return undefined
    return (await this.isOurs(segments, expectedOf(known, local))) ? local : undefined
  }

  /** The content of a local link, in the form of `contentId`. */
  linkContent(segments: readonly string[]): string {
    return `link:${this.writer.readLink(segments)}`
  }

  /**
   * Everything in a folder of ours, the deepest first; undefined when something in it is not ours. Earlier versions
   * kept no record of folders, so a folder that holds only files of such a version counts as made by it.
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
