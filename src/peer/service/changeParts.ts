/**
 * What changed in a share, in parts that a window takes in within a few milliseconds: all its extensions have one event
 * loop, and a thousand paths become a thousand file events at once. All parts are of the same version.
 */
import type { Notifications } from '../../common/protocol'

type Changed = Notifications['changed']

/** Paths told at once. */
export const PATHS_AT_ONCE = 1_000

export function partsOf(change: Changed): readonly Changed[] {
  const { paths } = change
  if (paths === undefined || paths.length <= PATHS_AT_ONCE) return [change]
  const parts: Changed[] = []
  for (let from = 0; from < paths.length; from += PATHS_AT_ONCE)
    parts.push({ ...change, paths: paths.slice(from, from + PATHS_AT_ONCE) })
  return parts
}
