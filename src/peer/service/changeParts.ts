/**
 * Splits the changes of a version into parts that a window takes in within a few milliseconds. All extensions of a
 * window have one event loop, and every path becomes a file event there. All parts name the same version.
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
