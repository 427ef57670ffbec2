/**
 * Tells a sharer which entries receivers of each system will leave out because of a name or a link, with the reason
 * that they will give.
 *
 * Nearly all names are good everywhere, so one look finds the doubtful ones: names with a form that some system
 * refuses, and names that some system takes for another name in the same folder. Only these are then decided as a
 * receiver decides (pathSet.ts, copyTree.ts), once for each system.
 */
import type { SkippedEntry } from '../../common/model'
import { type NamedEntry, refusedLinks } from './copyTree'
import { selectPaths } from './pathSet'
import { checkPath } from './paths'
import { describeLinkRefusal, describeRefusal, type LinkRefusal, type PathRefusal } from './refusals'
import { foldName, rulesFor, TARGET_SYSTEMS, type TargetSystem } from './rules'

/** An entry of a share that some systems refuse. */
export interface Foretold {
  readonly path: string
  readonly reason: PathRefusal | LinkRefusal
  /** The systems that refuse it for this reason. */
  readonly systems: readonly TargetSystem[]
  /** A sentence for whoever shares it. */
  readonly detail: string
}

const SYSTEM_NAMES: Readonly<Record<TargetSystem, string>> = {
  linux: 'Linux',
  darwin: 'macOS',
  win32: 'Windows',
}

/** Takes for one name what any of the systems takes for one. */
const WIDEST = rulesFor('darwin')
/**
 * Matches only names that no rule refuses. Others, as those of devices and those that begin with two dots, need a
 * closer look.
 */
const PLAIN =
  /^(?!\.\.|(?:con|prn|aux|nul|conin\$|conout\$|com.|lpt.)(?:[ .]|$))[\w+,;=@()[\]{}!#$%&'^`. -]*[\w+,;=@()[\]{}!#$%&'^`-]$/i
const ASCII = /^[\0-\x7f]*$/

/** Foretold entries listed at most. */
const MAX_LISTED = 1_000

/** What clients are told: the first of the foretold entries, and how many files and links are concerned in all. */
export function unportable(foretold: readonly Foretold[]): {
  readonly unportable: readonly SkippedEntry[]
  readonly unportableCount: number
} {
  const listed = foretold.slice(0, MAX_LISTED)
  return {
    unportable: listed.map(({ path, reason, systems, detail }) => ({
      path,
      reason: `${systems.join(',')}:${reason}`,
      detail,
    })),
    unportableCount: new Set(foretold.map(({ path }) => path)).size,
  }
}

/**
 * @param entries all of the share, in the order of their paths; none that is refused everywhere
 * @returns in the order of paths. May pause at every `yield`.
 */
export function* foretell(entries: readonly NamedEntry[]): Generator<undefined, Foretold[], undefined> {
  const doubtful = yield* doubtfulPaths(entries)
  const hasLinks = entries.some(({ linkTarget }) => linkTarget !== undefined)
  const found = new Map<
    string,
    { path: string; reason: PathRefusal | LinkRefusal; systems: TargetSystem[] }
  >()
  const note = (path: string, reason: PathRefusal | LinkRefusal, system: TargetSystem) => {
    const key = `${reason} ${path}`
    const known = found.get(key)
    if (known === undefined) found.set(key, { path, reason, systems: [system] })
    else known.systems.push(system)
  }
  for (const system of TARGET_SYSTEMS) {
    const rules = rulesFor(system)
    const { refused } = yield* selectPaths(doubtful, rules)
    for (const { path, reason } of refused) note(path, reason, system)
    if (!hasLinks) continue
    const links = yield* refusedLinks(entries, rules, new Set(refused.map(({ path }) => path)))
    for (const [path, reason] of links) note(path, reason, system)
  }
  return [...found.values()].map(one => ({ ...one, detail: sentence(one.reason, one.systems) }))
}

/**
 * Whether the foretold entries may change when this path is added or removed. Only for shares without links.
 *
 * @param namesIn the names in a folder (`/a`, '' for the share); undefined where these are many
 */
export function isForetoldBy(
  path: string,
  namesIn: (folder: string) => Iterable<string> | undefined,
): boolean {
  const parts = path.slice(1).split('/')
  return parts.some((part, at) => {
    if (mayBeRefused(part)) return true
    const names = namesIn(path.slice(0, path.length - parts.slice(at).join('/').length - 1))
    if (names === undefined) return true
    const key = foldedKey(part)
    for (const name of names) if (name !== part && foldedKey(name) === key) return true
    return false
  })
}

function sentence(reason: PathRefusal | LinkRefusal, systems: readonly TargetSystem[]): string {
  const names = systems.map(system => SYSTEM_NAMES[system])
  const why = isLinkRefusal(reason) ? describeLinkRefusal(reason) : describeRefusal(reason)
  return `Left out on ${names.join(' and ')}. ${why}`
}

function isLinkRefusal(reason: PathRefusal | LinkRefusal): reason is LinkRefusal {
  return reason.startsWith('link-')
}

/** A folder on the way to the entry that is looked at. */
interface Level {
  /** Ends with `/`. */
  readonly prefix: string
  /** A name on the way to it is doubtful. */
  readonly isDoubtful: boolean
  /** Folded names of its children, and how they are written. */
  readonly names: Map<string, string>
}

function* doubtfulPaths(entries: readonly NamedEntry[]): Generator<undefined, string[], undefined> {
  const doubtful: string[] = []
  /** Paths of files and folders that came before their twins. */
  const firstTwins = new Set<string>()
  const isDoubtful = (level: Level, name: string): boolean => {
    const key = foldedKey(name)
    const twin = level.names.get(key)
    if (twin === undefined) level.names.set(key, name)
    else if (twin !== name) firstTwins.add(level.prefix + twin)
    return level.isDoubtful || (twin !== undefined && twin !== name) || mayBeRefused(name)
  }
  const root: Level = { prefix: '/', isDoubtful: false, names: new Map() }
  const levels = [root]
  for (const { path } of entries) {
    yield
    let level = levels.at(-1) ?? root
    while (!path.startsWith(level.prefix)) {
      levels.pop()
      level = levels.at(-1) ?? root
    }
    for (let end = path.indexOf('/', level.prefix.length); end > 0; ) {
      const name = path.slice(level.prefix.length, end)
      const prefix = path.slice(0, end + 1)
      level = { prefix, isDoubtful: isDoubtful(level, name), names: new Map() }
      levels.push(level)
      end = path.indexOf('/', level.prefix.length)
    }
    if (isDoubtful(level, path.slice(level.prefix.length))) doubtful.push(path)
  }
  if (firstTwins.size === 0) return doubtful
  const all = new Set(doubtful)
  for (const { path } of entries) {
    yield
    if (isAtOrBelow(path, firstTwins)) all.add(path)
  }
  return [...all]
}

/** Equal for two names that any system takes for one. */
function foldedKey(name: string): string {
  return (ASCII.test(name) ? name : foldName(name, WIDEST)).toLowerCase()
}

function mayBeRefused(name: string): boolean {
  if (PLAIN.test(name)) return false
  const path = `/${name}`
  return TARGET_SYSTEMS.some(system => !checkPath(path, rulesFor(system)).ok)
}

function isAtOrBelow(path: string, places: ReadonlySet<string>): boolean {
  if (places.has(path)) return true
  for (let end = path.indexOf('/', 1); end > 0; end = path.indexOf('/', end + 1)) {
    if (places.has(path.slice(0, end))) return true
  }
  return false
}
