/**
 * Predicts what a live copy must hold after each version, from what both sides hold before it. Files that left the share
 * go first, renames among them; then incoming files are placed. It also tells which contents must not be lost: they lie
 * in the folder or among the kept files.
 */
import { FolderModel, foldersAbove, withNewAttributes } from './folderModel'
import { contentOf, type Side, type Thing } from './sides'

export interface ExpectedLive {
  readonly side: Side
  /** Of every conflict copy: the path it belongs to, and what it holds. */
  readonly conflicts: string[]
  /** Paths of files that went to the kept files, or that were renamed. */
  readonly left: string[]
  /** Paths that hold what `side` says, or nothing: of several files with one content, any may be the renamed one. */
  readonly unsure: Set<string>
  /** Paths whose time and executable bit may or may not be the share's. The share changed those while the content was
   *  the user's. They are taken over if the content is the share's again when the copy looks. */
  readonly vague: ReadonlySet<string>
}

export class LiveModel extends FolderModel {
  private readonly vague = new Set<string>()
  /** Folders that were made just before a kill. If they were not noted, they count as the user's. */
  private readonly doubtful = new Set<string>()
  /** Incoming files that may have taken the place of such a folder. */
  private readonly mayBePlaced = new Map<string, Thing>()
  /** What a file held that the user deleted and the share changed since. If it comes back so, it is followed again. */
  private readonly was = new Map<string, Thing>()
  /** Content of the incoming file that lies beside a path. */
  private readonly beside = new Map<string, { readonly at: string; readonly content: string }>()

  /** A copy of this model, to try what else may happen. */
  clone(): LiveModel {
    const other = new LiveModel()
    for (const [path, thing] of this.bases) other.bases.set(path, thing)
    for (const path of this.made) other.made.add(path)
    for (const [path, known] of this.beside) other.beside.set(path, known)
    for (const [path, thing] of this.was) other.was.set(path, thing)
    for (const path of this.vague) other.vague.add(path)
    for (const path of this.doubtful) other.doubtful.add(path)
    return other
  }

  /** @param keeps files that left the share stay here, as the user's */
  after(shared: Side, before: Side, keeps = false): ExpectedLive {
    const side = { things: new Map(before.things), folders: new Set(before.folders) }
    const expected: ExpectedLive = { side, conflicts: [], left: [], unsure: new Set(), vague: this.vague }
    const moved = this.leave(shared, expected, keeps)
    for (const [path, incoming] of shared.things) if (!moved.has(path)) this.place(path, incoming, expected)
    return expected
  }

  /** Learns from what is really there: which conflict copy belongs to which path, and what a kill left in doubt. */
  settle(after: Side, { wasKilled, before }: { readonly wasKilled: boolean; readonly before: Side }): void {
    for (const [path, incoming] of this.mayBePlaced)
      if (after.things.has(path)) this.write(path, incoming, after)
    this.mayBePlaced.clear()
    for (const path of wasKilled ? this.made : []) if (!before.folders.has(path)) this.doubtful.add(path)
    for (const [path, known] of this.beside) {
      const at = [...after.things].find(
        ([other, thing]) => other.startsWith(`${path}.conflict-`) && contentOf(thing) === known.content,
      )
      this.beside.set(path, { ...known, at: known.at || (at?.[0] ?? '') })
    }
  }

  /** → paths that are dealt with */
  private leave(shared: Side, expected: ExpectedLive, keeps: boolean): Set<string> {
    const { side, left, unsure } = expected
    const gone = [...this.bases.keys()].filter(path => !shared.things.has(path))
    const done = new Set<string>()
    const isFresh = (path: string) => !this.bases.has(path)
    const incoming = [...shared.things].filter(([path, thing]) => isFresh(path) && isFull(thing))
    const dealt = new Set<string>()
    for (const [to, thing] of incoming) {
      const content = contentOf(thing)
      const from = gone.filter(path => {
        const base = this.bases.get(path)
        return base !== undefined && !this.beside.has(path) && contentOf(base) === content
      })
      const alike = incoming.filter(([, other]) => contentOf(other) === content)
      if (from.length === 0) continue
      if (from.length > 1 || alike.length > 1) for (const [path] of alike) unsure.add(path)
      const [path = ''] = from.filter(each => !dealt.has(each))
      const [base, local] = [this.bases.get(path), side.things.get(path)]
      if (base === undefined) continue
      dealt.add(path)
      const isNowhere = (at: string) => !side.things.has(at) && !side.folders.has(at)
      if (isNowhere(path) && isNowhere(to)) {
        this.deletedHere(to, base, this.was.get(path) ?? base)
        done.add(to)
      } else if (local !== undefined && contentOf(local) === contentOf(base) && this.isFree(to, side)) {
        const renamed = withNewAttributes(local, thing, base)
        side.things.delete(path)
        this.write(to, renamed, side)
        this.bases.set(to, thing)
        left.push(path)
        done.add(to)
      }
    }
    for (const path of gone) {
      const [base, local] = [this.bases.get(path), side.things.get(path)]
      this.bases.delete(path)
      this.beside.delete(path)
      this.was.delete(path)
      if (base === undefined || local === undefined || contentOf(base) !== contentOf(local)) continue
      if (keeps && !dealt.has(path)) continue
      side.things.delete(path)
      if (local.kind === 'file') left.push(path)
    }
    this.emptied = gone
    return done
  }

  private emptied: readonly string[] = []

  /** Called when all is placed: folders that the copy made and that hold nothing any more go. */
  end({ side }: ExpectedLive): void {
    const folders = new Set(this.emptied.flatMap(foldersAbove))
    for (const folder of [...folders].sort((a, b) => b.length - a.length)) {
      const isHeld = [...side.things.keys(), ...side.folders].some(path => path.startsWith(`${folder}/`))
      if (isHeld || !this.made.has(folder)) continue
      side.folders.delete(folder)
      this.made.delete(folder)
    }
  }

  private place(path: string, incoming: Thing, expected: ExpectedLive): void {
    const { side } = expected
    const was = this.was.get(path)
    const there = side.things.get(path)
    if (was !== undefined && there !== undefined && contentOf(was) === contentOf(there)) {
      this.bases.set(path, was)
      this.was.delete(path)
      this.vague.add(path)
    }
    const base = this.bases.get(path)
    const hasNothingNew = base !== undefined && contentOf(base) === contentOf(incoming)
    const local = side.things.get(path)
    if (foldersAbove(path).some(above => side.things.has(above))) return // what is there is the user's
    if (side.folders.has(path)) {
      if (hasNothingNew || !this.isFolderOurs(path, side)) return
      if (this.doubtful.has(path)) {
        expected.unsure.add(path)
        this.mayBePlaced.set(path, incoming)
        return
      }
      this.removeFolder(path, side)
      this.write(path, incoming, side)
    } else if (local === undefined) {
      if (base === undefined) this.write(path, incoming, side)
      else this.deletedHere(path, incoming, this.beside.has(path) ? undefined : base)
    } else if (contentOf(local) === contentOf(incoming)) {
      side.things.set(path, withNewAttributes(local, incoming, base))
      this.bases.set(path, incoming)
      if (!hasNothingNew) this.beside.delete(path)
    } else if (hasNothingNew) {
      if (withNewAttributes(local, incoming, base) !== local) this.vague.add(path)
    } else if (this.isStrange(path) && (local.kind === 'link' || incoming.kind === 'link')) return
    else if (base !== undefined && contentOf(base) === contentOf(local)) this.write(path, incoming, side)
    else this.conflict(path, incoming, side)
  }

  private deletedHere(path: string, incoming: Thing, held: Thing | undefined): void {
    this.bases.set(path, incoming)
    if (held?.kind === 'file' && !this.was.has(path)) this.was.set(path, held)
  }

  private conflict(path: string, incoming: Thing, { things }: Side): void {
    this.was.delete(path)
    this.bases.set(path, incoming)
    const content = contentOf(incoming)
    const isBeside = [...things].some(
      ([other, thing]) =>
        thing.kind === 'file' && other.startsWith(`${path}.conflict-`) && contentOf(thing) === content,
    )
    const earlier = this.beside.get(path)
    const lying = earlier === undefined ? undefined : things.get(earlier.at)
    this.beside.set(path, { at: '', content })
    if (isBeside) return
    const isReplaced =
      incoming.kind === 'file' && lying?.kind === 'file' && contentOf(lying) === earlier?.content
    if (isReplaced && earlier !== undefined) things.delete(earlier.at)
    things.set(`${path}.conflict-new`, incoming)
    if (isReplaced && earlier !== undefined) this.beside.set(path, { at: earlier.at, content })
  }

  protected override write(path: string, thing: Thing, side: Side): void {
    super.write(path, thing, side)
    this.doubtful.delete(path)
    this.was.delete(path)
    this.vague.delete(path)
    this.beside.delete(path)
  }

  private isFree(path: string, { things, folders }: Side): boolean {
    return !things.has(path) && !folders.has(path) && !foldersAbove(path).some(above => things.has(above))
  }
}

/** Every conflict copy: the path it belongs to, and what it holds. */
export function conflictsOf({ things }: Side): string[] {
  return [...things]
    .filter(([path]) => path.includes('.conflict-'))
    .map(([path, thing]) => `${path.replace(/\.conflict-.*/, '')}: ${contentOf(thing)}`)
    .sort()
}

function isFull(thing: Thing): boolean {
  return thing.kind === 'file' && thing.text !== ''
}
