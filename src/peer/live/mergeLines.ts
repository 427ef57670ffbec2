/**
 * Three-way merge of lines. Where both sides changed the same lines of the base in different ways, the result has
 * both, between conflict markers.
 *
 * The time of a comparison grows with the product of the lengths. So long texts are cut first, at lines that all
 * three have exactly once and in the same order, and the pieces are merged one by one. A long text that cannot be
 * cut is not merged.
 */
import { diff3MergeRegions } from 'node-diff3'

export const MINE = '<<<<<<< yours'
export const BETWEEN = '======='
export const THEIRS = '>>>>>>> theirs'

/** Lines of the base times lines of both sides. A piece with more is cut, if possible. */
const CUT_ABOVE = 250_000
/** The most (as above) that is merged without a cut, which takes a tenth of a second. */
const MERGED_UP_TO = 10_000_000

export interface Sides {
  readonly mine: readonly string[]
  readonly base: readonly string[]
  readonly theirs: readonly string[]
}

export interface MergedLines {
  readonly lines: string[]
  /** Places with markers. */
  conflicts: number
}

/**
 * Yields between pieces. → undefined: the sides differ too much
 * @param cutAbove smaller in tests
 */
export function* mergeLines(
  sides: Sides,
  cutAbove = CUT_ABOVE,
): Generator<undefined, MergedLines | undefined> {
  const merged: MergedLines = { lines: [], conflicts: 0 }
  const left: Piece[] = [sides]
  for (let piece = left.pop(); piece !== undefined; piece = left.pop()) {
    yield
    if (typeof piece === 'string') {
      merged.lines.push(piece)
      continue
    }
    const { head, middle, tail } = trim(piece)
    append(merged.lines, head)
    const size = middle.base.length * (middle.mine.length + middle.theirs.length)
    const pieces = size > cutAbove ? cut(middle) : undefined
    if (pieces !== undefined) {
      append(left, tail.toReversed())
      append(left, pieces.toReversed())
      continue
    }
    if (size > MERGED_UP_TO) return undefined
    mergePiece(middle, merged)
    append(merged.lines, tail)
  }
  return merged
}

/** A line that all sides have, or a part of each side. */
type Piece = Sides | string

function mergePiece({ mine, base, theirs }: Sides, merged: MergedLines): void {
  for (const region of diff3MergeRegions([...mine], [...base], [...theirs])) {
    if (region.stable) append(merged.lines, region.bufferContent)
    else addConflict(region.aContent, region.bContent, merged)
  }
}

/** Adds a conflict of the lines in which the two sides differ. */
function addConflict(mine: readonly string[], theirs: readonly string[], merged: MergedLines): void {
  const head = commonHead(mine, theirs)
  const tail = commonTail(mine, theirs, head)
  append(merged.lines, mine.slice(0, head))
  const [ours, others] = [mine.slice(head, mine.length - tail), theirs.slice(head, theirs.length - tail)]
  if (ours.length + others.length > 0) {
    merged.conflicts++
    for (const part of [[MINE], ours, [BETWEEN], others, [THEIRS]]) append(merged.lines, part)
  }
  append(merged.lines, mine.slice(mine.length - tail))
}

function trim({ mine, base, theirs }: Sides): {
  readonly head: readonly string[]
  readonly middle: Sides
  readonly tail: readonly string[]
} {
  const head = Math.min(commonHead(mine, base), commonHead(theirs, base))
  const tail = Math.min(commonTail(mine, base, head), commonTail(theirs, base, head))
  const within = (lines: readonly string[]) => lines.slice(head, lines.length - tail)
  return {
    head: base.slice(0, head),
    middle: { mine: within(mine), base: within(base), theirs: within(theirs) },
    tail: base.slice(base.length - tail),
  }
}

/** Cuts at lines that each side has exactly once, in the same order. Undefined where there are none. */
function cut({ mine, base, theirs }: Sides): Piece[] | undefined {
  const [inMine, inTheirs] = [onlyOnes(mine), onlyOnes(theirs)]
  const common: At[] = []
  for (const [line, at] of onlyOnes(base)) {
    const [ofMine, ofTheirs] = [inMine.get(line), inTheirs.get(line)]
    if (ofMine !== undefined && ofTheirs !== undefined)
      common.push({ mine: ofMine, base: at, theirs: ofTheirs })
  }
  common.sort((a, b) => a.base - b.base)
  const anchors = rising(
    rising(common, ({ mine: at }) => at),
    ({ theirs: at }) => at,
  )
  if (anchors.length === 0) return undefined
  const pieces: Piece[] = []
  let from: At = { mine: 0, base: 0, theirs: 0 }
  for (const to of [...anchors, { mine: mine.length, base: base.length, theirs: theirs.length }]) {
    const piece = {
      mine: mine.slice(from.mine, to.mine),
      base: base.slice(from.base, to.base),
      theirs: theirs.slice(from.theirs, to.theirs),
    }
    if (piece.mine.length + piece.base.length + piece.theirs.length > 0) pieces.push(piece)
    const line = base[to.base]
    if (line !== undefined) pieces.push(line)
    from = { mine: to.mine + 1, base: to.base + 1, theirs: to.theirs + 1 }
  }
  return pieces
}

/** The place of a line on each side. */
interface At {
  readonly mine: number
  readonly base: number
  readonly theirs: number
}

/** Lines that occur exactly once, and where. */
function onlyOnes(lines: readonly string[]): Map<string, number> {
  const places = new Map<string, number>()
  for (const [at, line] of lines.entries()) places.set(line, places.has(line) ? -1 : at)
  for (const [line, at] of places) if (at === -1) places.delete(line)
  return places
}

/** The longest subsequence of a list in which a number rises. */
function rising(list: readonly At[], numberOf: (at: At) => number): At[] {
  /** By length: the last element of the subsequence of that length whose last number is the lowest. */
  const ends: { readonly at: At; readonly before: number | undefined; readonly index: number }[] = []
  const all: typeof ends = []
  for (const [index, at] of list.entries()) {
    let [low, high] = [0, ends.length]
    while (low < high) {
      const middle = (low + high) >> 1
      const end = ends[middle]
      if (end !== undefined && numberOf(end.at) < numberOf(at)) low = middle + 1
      else high = middle
    }
    const entry = { at, before: ends[low - 1]?.index, index }
    ends[low] = entry
    all.push(entry)
  }
  const part: At[] = []
  for (let entry = ends.at(-1); entry !== undefined; ) {
    part.push(entry.at)
    entry = entry.before === undefined ? undefined : all[entry.before]
  }
  return part.reverse()
}

function commonHead(one: readonly string[], other: readonly string[]): number {
  const most = Math.min(one.length, other.length)
  let head = 0
  while (head < most && one[head] === other[head]) head++
  return head
}

/** Length of the common end, behind a common head of that length. */
function commonTail(one: readonly string[], other: readonly string[], head: number): number {
  const most = Math.min(one.length, other.length) - head
  let tail = 0
  while (tail < most && one[one.length - 1 - tail] === other[other.length - 1 - tail]) tail++
  return tail
}

/** Works for lists that are longer than the arguments of a call may be. */
function append<T>(list: T[], more: readonly T[]): void {
  for (const each of more) list.push(each)
}
