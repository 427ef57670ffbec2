/**
 * What kept former versions of a share name, so that it stays.
 *
 * For every entry that was replaced or removed, the versions in which it stood are known: from `from` up to, but not
 * including, `to`. The entry is in use as long as one of these versions is kept. All of this is read from the path log,
 * as far as that is here, the first time there is something to clear. Nothing is stored, so a kill leaves nothing to
 * repair. Entries that no kept version names are forgotten, so memory grows only with what is kept.
 *
 * A follower may lack parts of the path log. The next version is then compared with the one before; entries that stood
 * only between the two stay unknown.
 */
import { keptBy, reachOf, type VersionKeeping } from '../../common/keptVersions'
import type { BlockReferences } from '../drive/blockReferences'
import { type BlobRef, contentId, type DriveEntry } from '../drive/format/entry'
import type { ListingHeader } from '../drive/format/listing'
import { BlockMissing, type PastVersion, pathsBetween, versionsBack } from '../drive/pastVersions'
import type { ShareDrive } from '../drive/shareDrive'
import type { Version } from '../drive/version'
import { breathe, slicer, throwIfAborted } from '../time'

/** Versions looked at on the way back, at most. */
const MAX_VERSIONS = 100_000
const HERE = { timeout: 0 }

type End = Pick<PastVersion, 'version' | 'time' | 'listing'>

interface Stood extends Pick<DriveEntry, 'blob' | 'pack' | 'size'> {
  readonly from: number
  readonly to: number
}

export class Past {
  /** The former versions that are kept, oldest first. */
  private ends: End[] = []
  private stood: Stood[] = []
  private newest: Version | undefined
  /** The versions that gave paths of the newest their present entries; paths not in here have theirs since `oldest`. */
  private since = new Map<string, number>()
  private oldest = 0
  private onlyPast = 0
  /** The listing from which the oldest version was read. */
  private base: ListingHeader | undefined

  constructor(
    private readonly share: ShareDrive,
    private readonly keeping: () => VersionKeeping,
    /** Bytes that former versions may take at most, beside the budget. */
    private readonly room: () => number,
    private readonly signal: AbortSignal,
  ) {}

  /** Whether a former version is kept and here; undefined when no look has covered it yet. */
  isKept(version: number): boolean | undefined {
    if (this.newest === undefined || version >= this.newest.length) return undefined
    return this.ends.some(end => end.version === version && this.isWhole(version))
  }

  /** Bytes that only kept former versions name, at the last look. */
  get bytes(): number {
    return this.onlyPast
  }

  /** Adds what kept versions name. To be called with the newest version; nothing may be appended meanwhile. */
  async addTo(references: BlockReferences, newest: Version): Promise<void> {
    await this.bringTo(newest)
    await this.letGo(newest)
    for (const entry of this.stood) references.add(entry)
    for (const { listing } of this.ends) if (listing !== undefined) references.addBlob(listing.chunks)
    if (this.ends.length > 0 && this.base !== undefined) references.addBlob(this.base.chunks)
  }

  private async bringTo(newest: Version): Promise<void> {
    const { newest: before } = this
    if (before === newest) return
    const isSame = before !== undefined && before.fork === newest.fork && before.length <= newest.length
    if (!isSame) await this.begin(newest)
    else if (before.isListingFirst || newest.length === before.length) this.newest = newest
    else await this.goOn(before, newest)
  }

  /** Reads everything from the oldest version that may be kept. */
  private async begin(newest: Version): Promise<void> {
    this.reset(newest)
    const ends = await this.endsBack(newest)
    const first = await this.firstReadable(ends.slice(1), newest.length)
    if (first === undefined) return
    this.reset(first)
    this.ends = [{ version: first.length, time: first.info?.time, listing: first.listing }]
    this.base = first.listing
    await this.goOn(first, newest, ends.filter(({ version }) => version > first.length).reverse())
  }

  private reset(version: Version): void {
    this.ends = []
    this.stood = []
    this.since = new Map()
    this.newest = version
    this.oldest = version.length
    this.base = version.listing
  }

  /** The newest version and those before it that the rule may keep, newest first, as far as the path log is here. */
  private async endsBack(newest: Version): Promise<PastVersion[]> {
    const { rule, pinned } = this.keeping()
    const { age, count } = reachOf(rule)
    const firstPinned = Math.min(...pinned)
    const ends: PastVersion[] = []
    try {
      for await (const end of versionsBack(this.share.paths, newest.length, HERE)) {
        throwIfAborted(this.signal)
        const isReached = Date.now() - (end.time ?? Date.now()) <= age && ends.length <= count
        if ((!isReached && end.version < firstPinned) || ends.length >= MAX_VERSIONS) break
        ends.push(end)
      }
    } catch (error) {
      if (!(error instanceof BlockMissing)) throw error
    }
    return ends
  }

  /**
   * The oldest of these versions that can be read without the network.
   * @param length of the newest version that was read: the log may have grown since, by blocks that are on their way
   */
  private async firstReadable(ends: readonly PastVersion[], length: number): Promise<Version | undefined> {
    const { share } = this
    const { bitfield } = share.paths.core
    const isPathLogHere = share.isOwn || bitfield.count(0, length, true) === length
    const here = ends.filter(({ listing }) => isPathLogHere || this.isHere(listing))
    const oldest = here.at(-1)
    return oldest === undefined ? undefined : share.versionAt(oldest.version, this.signal)
  }

  private isHere(listing: ListingHeader | undefined): boolean {
    const bitfield = this.share.bytes?.core.bitfield
    if (listing === undefined || bitfield === undefined) return false
    const { blockOffset, blockLength } = listing.chunks
    return bitfield.count(blockOffset, blockLength, true) === blockLength
  }

  /** @param ends the versions after `before`, oldest first, if they were read already */
  private async goOn(before: Version, newest: Version, ends?: readonly PastVersion[]): Promise<void> {
    try {
      const { bitfield } = this.share.paths.core
      const length = newest.length - before.length
      if (bitfield.count(before.length, length, true) < length) throw new BlockMissing()
      await this.read(before, newest, ends ?? (await this.endsAfter(before, newest)))
    } catch (error) {
      if (!(error instanceof BlockMissing)) throw error
      this.compare(before, newest)
    }
    this.newest = newest
  }

  private async endsAfter(before: Version, newest: Version): Promise<PastVersion[]> {
    const ends: PastVersion[] = []
    for await (const end of versionsBack(this.share.paths, newest.length, HERE)) {
      if (end.version <= before.length) break
      ends.push(end)
    }
    return ends.reverse()
  }

  /** Takes the changes version by version from the path log. */
  private async read(before: Version, newest: Version, ends: readonly PastVersion[]): Promise<void> {
    const now = new Map<string, DriveEntry | undefined>()
    const due = slicer()
    let from = before.length
    for (const end of ends) {
      const changed = new Map<string, DriveEntry | undefined>()
      const to = end.isSaid ? end.version - 1 : end.version // the block that tells `previous` names no path
      for await (const { path, entry } of pathsBetween(this.share.paths, from, to, HERE)) {
        changed.set(path, entry)
        if (due()) await breathe()
        throwIfAborted(this.signal)
      }
      for (const [path, entry] of changed) {
        const old = now.has(path) ? now.get(path) : before.index.entry(path as DriveEntry['path'])
        this.replace(path, old, entry, end.version)
        now.set(path, entry)
      }
      from = end.version
      if (end.version < newest.length) this.ends.push(end)
    }
    this.noteBefore(before)
  }

  /** Takes every difference as a change of the newest version: which version made it is not known. */
  private compare(before: Version, newest: Version): void {
    for (const path of newest.index.pathsThatDiffer(before.index))
      this.replace(path, before.index.entry(path), newest.index.entry(path), newest.length)
    this.noteBefore(before)
  }

  /** Adds the version that was the newest to the former ones. */
  private noteBefore({ length, info, listing }: Version): void {
    if (this.ends.some(({ version }) => version === length)) return
    this.ends.push({ version: length, time: info?.time, listing })
    this.ends.sort((a, b) => a.version - b.version)
  }

  private replace(
    path: string,
    old: DriveEntry | undefined,
    now: DriveEntry | undefined,
    version: number,
  ): void {
    if (old !== undefined && now !== undefined && contentId(old) === contentId(now)) return
    if (old?.blob !== undefined) {
      const { blob, pack, size } = old
      const from = this.since.get(path) ?? this.oldest
      this.stood.push({ blob, size, from, to: version, ...(pack === undefined ? {} : { pack }) })
    }
    if (now === undefined) this.since.delete(path)
    else this.since.set(path, version)
  }

  /** Forgets what neither the rule nor the budget keeps. */
  private async letGo(newest: Version): Promise<void> {
    const { rule, budget, pinned } = this.keeping()
    const pins = new Set(pinned)
    const newestFirst = [{ version: newest.length, time: newest.info?.time }, ...this.ends.toReversed()]
    const byRule = keptBy(rule, newestFirst, Date.now())
    let ends = this.ends.filter(({ version }) => byRule.has(version) || pins.has(version))
    let stood = this.stood.filter(entry => lastIn(ends, entry) !== undefined)
    const alone = await this.bytesAlone(ends, stood, newest)
    const within = withinBudget(ends, alone, Math.min(budget, this.room()))
    if (within < ends.length) {
      const from = ends.length - within
      ends = ends.filter(({ version }, at) => at >= from || pins.has(version))
      stood = stood.filter(entry => lastIn(ends, entry) !== undefined)
    }
    this.ends = ends
    this.stood = stood
    this.onlyPast = ends.reduce((sum, { version }) => sum + (alone.get(version) ?? 0), 0)
  }

  /**
   * By version, the bytes here that no later version has: they go with it. The content of a renamed file is in the
   * newest version too, so it does not count.
   */
  private async bytesAlone(
    ends: readonly End[],
    stood: readonly Stood[],
    newest: Version,
  ): Promise<ReadonlyMap<number, number>> {
    const lasts = new Map<string, { readonly last: number; readonly bytes: number }>()
    for (const entry of stood) {
      const last = lastIn(ends, entry)
      if (last === undefined || entry.blob === undefined) continue
      const content = contentOf(entry.blob)
      if (last > (lasts.get(content)?.last ?? 0)) lasts.set(content, { last, bytes: this.bytesHere(entry) })
    }
    const due = slicer()
    for (const { blob } of newest.index.entries()) {
      if (blob !== undefined) lasts.delete(contentOf(blob))
      if (due()) await breathe()
    }
    const bytes = new Map<number, number>()
    for (const each of lasts.values()) bytes.set(each.last, (bytes.get(each.last) ?? 0) + each.bytes)
    return bytes
  }

  private bytesHere({ blob, size }: Stood): number {
    const bitfield = this.share.bytes?.core.bitfield
    if (blob === undefined || bitfield === undefined || blob.blockLength === 0) return 0
    const { blockOffset, blockLength } = blob
    return Math.ceil((size * bitfield.count(blockOffset, blockLength, true)) / blockLength)
  }

  /**
   * Whether the entries of a former version that were replaced since are all here. Files of several blocks count only
   * when there are no others: their former content is not in the store (publish/version/inPlace), and each of them says
   * by itself that it is not kept.
   */
  private isWhole(version: number): boolean {
    const bitfield = this.share.bytes?.core.bitfield
    if (bitfield === undefined) return false
    const blobs = this.stood.flatMap(({ from, to, blob }) =>
      blob === undefined || version < from || version >= to ? [] : [blob],
    )
    const small = blobs.filter(({ blockLength }) => blockLength <= 1)
    return (small.length === 0 ? blobs : small).every(
      ({ blockOffset, blockLength }) => bitfield.count(blockOffset, blockLength, true) === blockLength,
    )
  }
}

/** How many of the newest versions take no more than the budget. */
function withinBudget(ends: readonly End[], alone: ReadonlyMap<number, number>, budget: number): number {
  let [sum, kept] = [0, 0]
  for (const { version } of ends.toReversed()) {
    sum += alone.get(version) ?? 0
    if (sum > budget) break
    kept++
  }
  return kept
}

function contentOf({ byteOffset, byteLength }: BlobRef): string {
  return `${byteOffset}+${byteLength}`
}

/** The newest of these versions in which an entry stood. Versions are sorted, the oldest first. */
function lastIn(ends: readonly End[], { from, to }: Stood): number | undefined {
  let [low, high] = [0, ends.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ends[middle]?.version ?? 0) < to) low = middle + 1
    else high = middle
  }
  const last = ends[low - 1]?.version
  return last !== undefined && last >= from ? last : undefined
}
