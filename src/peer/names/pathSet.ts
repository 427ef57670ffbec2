/**
 * Decides which paths of one version of a share can be on a disk together. A file system holds one entry per name,
 * but a share may have `/a` beside `/a/b`, or two names that the target takes for one (twins). The first one gets
 * the place. Paths are taken in sorted order, so that the same twin wins on every machine and in every pass.
 *
 * Folders that differ only in case are merged, not refused: nothing is lost while their files differ. A set belongs
 * to one pass over one version, and forgets nothing.
 */
import { sortInSlices } from '../../wire/slices'
import { compareDrivePaths } from './pathOrder'
import { checkPath, type PathRefusal } from './paths'
import { foldName, type TargetRules } from './rules'

export type Taken =
  | { readonly ok: true }
  /** `other`: the drive path that has the place already. */
  | { readonly ok: false; readonly reason: 'twin' | 'file-beside-folder'; readonly other: string }

export class PathSet {
  readonly #files = new Map<string, string>()
  readonly #folders = new Map<string, string>()
  readonly #rules: TargetRules
  /** The folder of the last path. Its ancestors need no second look, because entries come sorted. */
  #lastFolder = ''

  constructor(rules: TargetRules) {
    this.#rules = rules
  }

  /** Takes a place for a file or link. `segments` as `checkPath` gave them, in sorted order of their paths. */
  take(segments: readonly string[]): Taken {
    const path = `/${segments.join('/')}`
    const key = foldName(path, this.#rules)
    const twin = this.#files.get(key)
    if (twin !== undefined) return { ok: false, reason: 'twin', other: twin }
    const folder = this.#folders.get(key)
    if (folder !== undefined) return { ok: false, reason: 'file-beside-folder', other: folder }
    const blocker = this.#takeFolders(key, path)
    if (blocker !== undefined) return { ok: false, reason: 'file-beside-folder', other: blocker }
    this.#files.set(key, path)
    return { ok: true }
  }

  /** @returns the file that stands where a folder of this path should, if any */
  #takeFolders(key: string, path: string): string | undefined {
    const parent = key.slice(0, key.lastIndexOf('/'))
    if (parent === this.#lastFolder) return undefined
    const parents: string[] = []
    for (let end = key.indexOf('/', 1); end > 0; end = key.indexOf('/', end + 1)) {
      const ancestor = key.slice(0, end)
      const blocker = this.#files.get(ancestor)
      if (blocker !== undefined) return blocker
      parents.push(ancestor)
    }
    const names = path.split('/')
    parents.forEach((ancestor, depth) => {
      if (!this.#folders.has(ancestor)) this.#folders.set(ancestor, names.slice(0, depth + 2).join('/'))
    })
    this.#lastFolder = parent
    return undefined
  }
}

export interface Selection {
  /** Sorted. */
  readonly accepted: { readonly path: string; readonly segments: readonly string[] }[]
  readonly refused: { readonly path: string; readonly reason: PathRefusal; readonly other?: string }[]
}

/**
 * Decides about all paths of a share at once: each by itself, then beside the others. They may come in any order.
 * May pause at every `yield`.
 */
export function* selectPaths(
  paths: Iterable<string>,
  rules: TargetRules,
): Generator<undefined, Selection, undefined> {
  const selection: Selection = { accepted: [], refused: [] }
  const set = new PathSet(rules)
  for (const path of yield* sortInSlices([...paths], compareDrivePaths)) {
    yield
    const decision = checkPath(path, rules)
    if (!decision.ok) {
      selection.refused.push({ path, reason: decision.reason })
      continue
    }
    const taking = set.take(decision.segments)
    if (taking.ok) selection.accepted.push({ path, segments: decision.segments })
    else selection.refused.push({ path, reason: taking.reason, other: taking.other })
  }
  return selection
}
