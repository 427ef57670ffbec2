/**
 * Foretells what a copy of a share will hold on a system, to tell which of the share's links can be made there.
 * Links are tried as a copy tries them (copy/makeLinks.ts): after all files, and again until no more can be made,
 * since one may lead through another.
 */
import { checkLink, type Found } from './links'
import { compareDrivePaths } from './pathOrder'
import type { LinkRefusal } from './refusals'
import { foldName, type TargetRules } from './rules'

/** A file or link that is shared. */
export interface NamedEntry {
  readonly path: string
  /** Only links have it. */
  readonly linkTarget?: string
}

/**
 * The links that cannot be made, by path. May pause at every `yield`.
 *
 * @param entries all of the share, in the order of their paths
 * @param refused paths that the system refuses
 */
export function* refusedLinks(
  entries: readonly NamedEntry[],
  rules: TargetRules,
  refused: ReadonlySet<string>,
): Generator<undefined, Map<string, LinkRefusal>, undefined> {
  let left: NamedEntry[] = entries.filter(
    ({ path, linkTarget }) => linkTarget !== undefined && !refused.has(path),
  )
  const reasons = new Map<string, LinkRefusal>()
  const tree = new CopyTree(entries, rules, refused)
  for (let before = -1; left.length !== before; ) {
    before = left.length
    const again: NamedEntry[] = []
    for (const link of left) {
      yield
      const decision = checkLink(link.path.slice(1).split('/'), link.linkTarget ?? '', rules, tree.lookAt)
      if (decision.ok) {
        tree.made.add(link.path)
        reasons.delete(link.path)
      } else {
        reasons.set(link.path, decision.reason)
        again.push(link)
      }
    }
    left = again
  }
  return reasons
}

class CopyTree {
  /** Paths of links that can be made. */
  readonly made = new Set<string>()
  /** By folder: the folded names of its children, and how they are written. */
  private readonly written = new Map<string, ReadonlyMap<string, string>>()
  private readonly isExact: boolean

  constructor(
    private readonly entries: readonly NamedEntry[],
    private readonly rules: TargetRules,
    private readonly refused: ReadonlySet<string>,
  ) {
    this.isExact = rules.caseSensitive && !rules.normalizesUnicode
  }

  readonly lookAt = (segments: readonly string[]): Found => {
    const found = this.find(`/${segments.join('/')}`)
    if (found.kind !== 'missing' || this.isExact) return found
    let path = ''
    for (const name of segments) {
      path = `${path}/${this.children(path).get(foldName(name, this.rules)) ?? name}`
    }
    return this.find(path)
  }

  private find(path: string): Found {
    const entry = this.entries[this.firstFrom(path)]
    if (entry?.path === path && this.isThere(entry)) {
      return entry.linkTarget === undefined ? { kind: 'file' } : { kind: 'link', target: entry.linkTarget }
    }
    const prefix = `${path}/`
    for (let at = this.firstFrom(prefix); this.entries[at]?.path.startsWith(prefix); at++) {
      const below = this.entries[at]
      if (below !== undefined && this.isThere(below)) return { kind: 'folder' }
    }
    return { kind: 'missing' }
  }

  private isThere({ path, linkTarget }: NamedEntry): boolean {
    return linkTarget === undefined ? !this.refused.has(path) : this.made.has(path)
  }

  private children(folder: string): ReadonlyMap<string, string> {
    const known = this.written.get(folder)
    if (known !== undefined) return known
    const names = new Map<string, string>()
    const prefix = `${folder}/`
    for (let at = this.firstFrom(prefix); this.entries[at]?.path.startsWith(prefix); at++) {
      const path = this.entries[at]?.path ?? ''
      if (this.refused.has(path)) continue
      const end = path.indexOf('/', prefix.length)
      const name = path.slice(prefix.length, end === -1 ? undefined : end)
      const key = foldName(name, this.rules)
      if (!names.has(key)) names.set(key, name)
    }
    this.written.set(folder, names)
    return names
  }

  /** Index of the first entry at or behind this path. */
  private firstFrom(path: string): number {
    let low = 0
    let high = this.entries.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (compareDrivePaths(this.entries[middle]?.path ?? '', path) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
