/**
 * Listings of folders in shares, kept until the share changes. A folder is asked for once, page by page: an answer of
 * 100,000 entries would hold up all extensions for a fifth of a second. The thousand probes that editors make
 * (`.vscode/settings.json`, `.git`, `package.json`) are answered from the nearest listing that is known. Both the file
 * system provider and the tree of opened shares read through it.
 *
 * A request that was under way while the share changed may carry the old version. Its answer is used, but not kept.
 *
 * A listing through links changes with what they lead to, which may be anywhere in the share. So a folder that was listed
 * through links, or has links in it, is forgotten with every change.
 */
import type { DrivePath, ShareId } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { realPathOf } from '../../common/followed'
import type { FileEntry } from '../../common/model'
import { childOf, folderOf, nameOf, selfAndFoldersOf } from './drivePath'

/** Entries kept in all, unless told otherwise. With more, the listings used longest ago go. */
export const MAX_ENTRIES = 300_000
/** Entries asked for at once: a few milliseconds to read. */
export const PAGE = 1_000
/** Folders of a share that are noted as shown through links. With more, those listed longest ago are forgotten. */
const MAX_LINKED = 200

export interface ListingSource {
  /** At most `limit` children: those after the child named `after`, or the first ones. See `fs.list`. */
  list(id: ShareId, path: DrivePath, page: Page): Promise<readonly FileEntry[]>
  /** The first children known so far of a folder of a share whose list is on its way. See `fs.list`. */
  listSoFar(id: ShareId, path: DrivePath, limit: number): Promise<readonly FileEntry[]>
  stat(id: ShareId, path: DrivePath): Promise<FileEntry>
}

export interface Page {
  readonly after?: string
  readonly limit: number
}

interface Listing {
  readonly entries: readonly FileEntry[]
  readonly byName: ReadonlyMap<string, FileEntry>
  /** Where the folder lies, links followed; undefined where that is not told. */
  readonly real: DrivePath | undefined
}

interface ShareListings {
  /** Grows with every change of the share. */
  age: number
  readonly folders: Map<DrivePath, Listing>
  readonly underWay: Map<DrivePath, Promise<Listing>>
  /** Folders that were listed through links, and where they lie. */
  readonly linked: Map<DrivePath, DrivePath>
  /** Of `folders`, those that depend on links. */
  readonly unsure: Set<DrivePath>
}

/** Whether a folder has the name in another spelling: the peer process knows which. */
function maySpell({ entries }: Listing, name: string): boolean {
  const composed = name.normalize('NFC')
  if (composed === name.normalize('NFD')) return false
  return entries.some(entry => entry.name.normalize('NFC') === composed)
}

export class Listings {
  private readonly shares = new Map<ShareId, ShareListings>()
  private entryCount = 0

  constructor(
    private readonly source: ListingSource,
    private readonly maxEntries = MAX_ENTRIES,
  ) {}

  /** Throws as `fs.list` does. */
  async list(id: ShareId, path: DrivePath): Promise<readonly FileEntry[]> {
    return (await this.listing(id, path)).entries
  }

  /** See `ListingSource`. Never kept. */
  listSoFar(id: ShareId, path: DrivePath, limit: number): Promise<readonly FileEntry[]> {
    return this.source.listSoFar(id, path, limit)
  }

  /** Throws as `fs.stat` does; `file-not-found` without a request where a known listing shows it. */
  async stat(id: ShareId, path: DrivePath): Promise<FileEntry> {
    return this.find(id, path) ?? (await this.source.stat(id, path))
  }

  /** The entry, if it is known without a request. Throws `file-not-found` if it is known to be absent. */
  private find(id: ShareId, path: DrivePath): FileEntry | undefined {
    const known = this.shares.get(id)
    if (known === undefined) return undefined
    for (const step of selfAndFoldersOf(path).slice(1).reverse()) {
      const listing = known.folders.get(folderOf(step) ?? step)
      if (listing === undefined) continue
      const entry = listing.byName.get(nameOf(step))
      if (entry === undefined && maySpell(listing, nameOf(step))) return undefined
      if (entry === undefined) throw new PeerfoldError('file-not-found', path)
      if (step !== path) return undefined
      if (listing.real === undefined) return undefined
      const realPath = childOf(listing.real, entry.name)
      return realPath === path ? entry : { ...entry, realPath }
    }
    return undefined
  }

  /** Folders that were listed through links: their paths, and where they lay then. The one listed last is the last. */
  linked(id: ShareId): ReadonlyMap<DrivePath, DrivePath> {
    return this.of(id).linked
  }

  /** Forgets that a folder was listed through links: a link on the way leads elsewhere, or nowhere. */
  forgetLinked(id: ShareId, folder: DrivePath): void {
    this.of(id).linked.delete(folder)
  }

  /** Forgets listings of the folders that the paths lie in and of those above, since folders may have come or gone in
   *  them. Also forgets listings that depend on links. */
  forget(id: ShareId, paths: readonly DrivePath[]): void {
    const known = this.of(id)
    known.age++
    known.underWay.clear()
    for (const folder of [...known.unsure]) this.drop(known, folder)
    for (const path of paths) {
      for (const folder of selfAndFoldersOf(path)) this.drop(known, folder)
    }
  }

  forgetAll(id: ShareId): void {
    const known = this.of(id)
    known.age++
    known.underWay.clear()
    for (const folder of [...known.folders.keys()]) this.drop(known, folder)
  }

  private async listing(id: ShareId, path: DrivePath): Promise<Listing> {
    const known = this.of(id)
    const kept = known.folders.get(path)
    if (kept !== undefined) {
      known.folders.delete(path) // to the end: used last
      known.folders.set(path, kept)
      return kept
    }
    const underWay = known.underWay.get(path)
    if (underWay !== undefined) return underWay
    const asked = this.ask(id, path, known)
    known.underWay.set(path, asked)
    try {
      return await asked
    } finally {
      if (known.underWay.get(path) === asked) known.underWay.delete(path)
    }
  }

  private async ask(id: ShareId, path: DrivePath, known: ShareListings): Promise<Listing> {
    const { age } = known
    const [real, listed] = await Promise.all([this.realOf(id, path, known), this.read(id, path)])
    const listing = { ...listed, real }
    if (known.age === age) {
      known.folders.set(path, listing)
      this.noteLinks(known, path, listing)
      this.entryCount += listing.entries.length
      this.makeRoom(listing)
    }
    return listing
  }

  /** Where a folder lies: by the listing that it was found in, else as the peer process says. */
  private async realOf(
    id: ShareId,
    path: DrivePath,
    { folders }: ShareListings,
  ): Promise<DrivePath | undefined> {
    const parent = folderOf(path)
    if (parent === undefined) return path
    const above = folders.get(parent)
    const listed = above?.byName.get(nameOf(path))
    const isListed = above?.real !== undefined && listed !== undefined
    const [at, entry] = isListed
      ? [childOf(above.real, listed.name), listed]
      : [path, await this.source.stat(id, path)]
    const isTold = entry.kind !== 'link' || entry.pointsAt !== undefined
    return isTold ? realPathOf(at, entry) : undefined
  }

  private noteLinks(known: ShareListings, path: DrivePath, { entries, real }: Listing): void {
    if (real !== path || entries.some(({ kind }) => kind === 'link')) known.unsure.add(path)
    known.linked.delete(path)
    if (real === path || real === undefined) return
    known.linked.set(path, real)
    const [oldest] = known.linked.keys()
    if (known.linked.size > MAX_LINKED && oldest !== undefined) known.linked.delete(oldest)
  }

  private async read(id: ShareId, path: DrivePath): Promise<Omit<Listing, 'real'>> {
    const entries: FileEntry[] = []
    const byName = new Map<string, FileEntry>()
    for (;;) {
      const after = entries.at(-1)?.name
      const page = await this.source.list(id, path, {
        limit: PAGE,
        ...(after === undefined ? {} : { after }),
      })
      for (const entry of page) {
        entries.push(entry)
        byName.set(entry.name, entry)
      }
      if (page.length < PAGE) return { entries, byName }
    }
  }

  private makeRoom(newest: Listing): void {
    for (const share of this.shares.values()) {
      for (const [folder, listing] of share.folders) {
        if (this.entryCount <= this.maxEntries) return
        if (listing !== newest) this.drop(share, folder)
      }
    }
  }

  private drop(share: ShareListings, folder: DrivePath): void {
    this.entryCount -= share.folders.get(folder)?.entries.length ?? 0
    share.folders.delete(folder)
    share.unsure.delete(folder)
  }

  private of(id: ShareId): ShareListings {
    const known = this.shares.get(id) ?? {
      age: 0,
      folders: new Map(),
      underWay: new Map(),
      linked: new Map(),
      unsure: new Set(),
    }
    this.shares.set(id, known)
    return known
  }
}
