/**
 * Which former versions of a share are kept. Content that no kept version names leaves the disk.
 *
 * `thinned` keeps fewer the older they are: all of the last day, the last of every hour for a week, the last of every
 * day for a quarter. Whatever the rule, the oldest are let go once they take more than the budget; pinned ones stay.
 */
export type KeepRule =
  | { readonly kind: 'thinned' }
  | { readonly kind: 'all' }
  | { readonly kind: 'days'; readonly days: number }
  | { readonly kind: 'count'; readonly count: number }
  /** The newest alone. */
  | { readonly kind: 'none' }

export interface VersionKeeping {
  readonly rule: KeepRule
  /** Bytes of content that only former versions have. */
  readonly budget: number
  /** Versions that stay whatever the rule and the budget. */
  readonly pinned: readonly number[]
  /** Keeps former versions of files above 1 MiB as well. The sharer's store has their content a second time then. */
  readonly large: boolean
}

const GIGABYTE = 1_000_000_000

export const DEFAULT_KEEPING: VersionKeeping = {
  rule: { kind: 'thinned' },
  budget: 2 * GIGABYTE,
  pinned: [],
  large: false,
}

/** The user's choice, with fields that it lacks from `otherwise`: an earlier or later version may have written it. */
export function keepingOf(
  chosen: Partial<VersionKeeping> | undefined,
  otherwise: VersionKeeping = DEFAULT_KEEPING,
): VersionKeeping {
  return { ...otherwise, ...chosen }
}

/** The most days or versions that a rule can name, and the most pinned versions. */
export const MAX_KEPT_DAYS = 36_500
export const MAX_KEPT_COUNT = 1_000_000
export const MAX_PINNED = 1_000

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** Versions older than this are not kept by `thinned`. */
const QUARTER = 91 * DAY

export interface TimedVersion {
  readonly version: number
  /** Milliseconds since 1970; undefined where it is not told. */
  readonly time: number | undefined
}

/**
 * The versions that a rule keeps, of those given. Every rule keeps the first. A rule never keeps a version later that it
 * does not keep now.
 */
export function keptBy(
  rule: KeepRule,
  newestFirst: Iterable<TimedVersion>,
  now: number,
): ReadonlySet<number> {
  const kept = new Set<number>()
  const seen = new Set<string>()
  let at = now
  for (const { version, time } of newestFirst) {
    at = Math.min(time ?? at, now)
    if (kept.size === 0 || keeps(rule, now, at, kept.size, seen)) kept.add(version)
  }
  return kept
}

/** How old (milliseconds) a version can be, and how many newer ones there can be, for this rule to keep it. */
export function reachOf(rule: KeepRule): { readonly age: number; readonly count: number } {
  const ever = Number.POSITIVE_INFINITY
  switch (rule.kind) {
    case 'all':
      return { age: ever, count: ever }
    case 'none':
      return { age: ever, count: 0 }
    case 'count':
      return { age: ever, count: rule.count }
    case 'days':
      return { age: rule.days * DAY, count: ever }
    case 'thinned':
      return { age: QUARTER, count: ever }
  }
}

function keeps(rule: KeepRule, now: number, time: number, newer: number, seen: Set<string>): boolean {
  const { age: oldest, count } = reachOf(rule)
  const age = now - time
  if (age > oldest || newer > count) return false
  if (rule.kind !== 'thinned' || age <= DAY) return true
  const slot = age <= 7 * DAY ? `hour ${Math.floor(time / HOUR)}` : `day ${Math.floor(time / DAY)}`
  if (seen.has(slot)) return false
  seen.add(slot)
  return true
}
