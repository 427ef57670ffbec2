/**
 * Runs of blocks of one log: sorted, neither touching nor overlapping, each from `start` to `end` (exclusive). The
 * blocks that a version uses are kept as runs and not block by block. So entries of a stranger that all name a
 * million blocks cost no more than others.
 */

export interface BlockRun {
  readonly start: number
  readonly end: number
}

export type BlockRuns = readonly BlockRun[]

/**
 * The part of a log's bitfield that is used here: the first block from `position` on that is set, or unset; -1:
 * none.
 */
export interface BlocksHere {
  firstSet(position: number): number
  firstUnset(position: number): number
}

/** Blocks below `length` that are here and in no run of `used`. */
export function unusedRuns(held: BlocksHere, length: number, used: BlockRuns): BlockRuns {
  const runs: BlockRun[] = []
  let from = 0
  for (const { start, end } of [...used, { start: length, end: length }]) {
    addHeld(runs, held, from, Math.min(start, length))
    from = end
    if (from >= length) break
  }
  return runs
}

/** Blocks of the runs that are not here. */
export function missingRuns(held: BlocksHere, runs: BlockRuns): BlockRuns {
  const missing: BlockRun[] = []
  for (const { start, end } of runs) {
    for (let from = held.firstUnset(start); from !== -1 && from < end; ) {
      const set = held.firstSet(from)
      const to = set === -1 ? end : Math.min(set, end)
      missing.push({ start: from, end: to })
      from = to < end ? held.firstUnset(to) : -1
    }
  }
  return missing
}

/** Blocks that are in both. */
export function intersectRuns(a: BlockRuns, b: BlockRuns): BlockRuns {
  const both: BlockRun[] = []
  let at = 0
  for (const run of a) {
    for (let other = b[at]; other !== undefined && other.start < run.end; other = b[at]) {
      const start = Math.max(run.start, other.start)
      const end = Math.min(run.end, other.end)
      if (start < end) both.push({ start, end })
      if (other.end > run.end) break
      at++
    }
  }
  return both
}

/** Parts of runs, in order, of at most this many blocks and this many runs together. */
export function* slicesOf(runs: BlockRuns, maxBlocks: number, maxRuns: number): Generator<BlockRun[]> {
  let slice: BlockRun[] = []
  let blocks = 0
  for (const { start, end } of runs) {
    for (let from = start; from < end; ) {
      const to = Math.min(end, from + maxBlocks - blocks)
      slice.push({ start: from, end: to })
      blocks += to - from
      from = to
      if (blocks < maxBlocks && slice.length < maxRuns) continue
      yield slice
      slice = []
      blocks = 0
    }
  }
  if (slice.length > 0) yield slice
}

export function countBlocks(runs: BlockRuns): number {
  return runs.reduce((sum, { start, end }) => sum + end - start, 0)
}

/** Whether all blocks from `start` on lie in one run. */
export function isInRuns(runs: BlockRuns, start: number, length: number): boolean {
  let low = 0
  let high = runs.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((runs[middle]?.end ?? 0) <= start) low = middle + 1
    else high = middle
  }
  const run = runs[low]
  return length === 0 || (run !== undefined && run.start <= start && start + length <= run.end)
}

/** The last of these sorted numbers that is at most `value`. */
export function lastUpTo(sorted: readonly number[], value: number): number | undefined {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? 0) <= value) low = middle + 1
    else high = middle
  }
  return sorted[low - 1]
}

/** The runs of held blocks from `from` to `to` (exclusive). */
function addHeld(runs: BlockRun[], held: BlocksHere, from: number, to: number): void {
  for (let start = from < to ? held.firstSet(from) : -1; start !== -1 && start < to; ) {
    const unset = held.firstUnset(start)
    const end = unset === -1 ? to : Math.min(unset, to)
    runs.push({ start, end })
    start = end < to ? held.firstSet(end) : -1
  }
}
