/** Files that stay published although the last scan did not list them, and what the share's record notes of them. */
import type { HeldFiles } from '../../common/model'
import type { PublishResult } from '../publish/version/publishResult'
import type { ShareRecord } from '../store/catalog'

/** What to note when the user has decided about held files; undefined: nothing. */
export function afterChoice(
  kind: HeldFiles['kind'],
  keep: boolean,
  { hidden, allow, boundaries }: ShareRecord,
  last: PublishResult | undefined,
): Partial<ShareRecord> | undefined {
  if (kind === 'disk' && !keep) {
    const gone = new Set(last?.vanished)
    return { boundaries: (boundaries ?? []).filter(path => !gone.has(path)) }
  }
  if (kind !== 'update' || hidden === undefined) return undefined
  const { paths, contents } = hidden
  return keep
    ? { allow: [...new Set([...allow, ...contents, ...paths])] }
    : { hidden: { ...hidden, toldAt: 0 } }
}

/**
 * What to note after a scan; undefined: nothing is new.
 * @param before the disks that were known when it began: what the user gave up meanwhile stays given up
 */
export function afterLook(
  { remember }: PublishResult,
  before: ShareRecord['boundaries'],
  { boundaries, rules, hidden }: ShareRecord,
): Partial<ShareRecord> | undefined {
  const told = hidden?.toldAt === undefined ? {} : { toldAt: hidden.toldAt }
  const givenUp = new Set(before?.filter(path => boundaries?.includes(path) !== true))
  const now = {
    ...remember,
    boundaries: (remember.boundaries ?? []).filter(path => !givenUp.has(path)),
    hidden: remember.hidden && { ...remember.hidden, ...told },
  }
  return JSON.stringify(now) === JSON.stringify({ boundaries, rules, hidden }) ? undefined : now
}
