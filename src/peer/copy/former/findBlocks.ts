/**
 * Which blocks of a new content are pieces of a former one. Most changes leave what is before them where it was, and move
 * all that is behind them by the same distance. So
 *
 * 1. A few blocks all over the file are compared: in place, and at the same distance from the end.
 * 2. If one of them is the same, all others are compared so.
 * 3. In a gap that is left, one block is fetched. Where its end lies in the former content tells how far the blocks
 *    behind it were moved. They are compared there, until the next change.
 *
 * A distance that is wrong costs a comparison, and nothing else: what is compared is the hash of each block.
 */

/** Blocks that are compared at first. */
const SAMPLES = 16
/** A gap of fewer blocks is fetched as it is. */
const LEAST_GAP = 4
/** Gaps in which nothing was found: then the rest is fetched as it is. */
const MOST_IN_VAIN = 4
/** Blocks that are compared at a time. */
const AT_ONCE = 4
/** This many are compared while what the next ones are compared by is on its way. */
const PREPARED = 512

export interface Comparing {
  readonly blocks: number
  /** How much further from the start (bytes) the end of the former content is. */
  readonly drift: number
  isHere(block: number): boolean
  /** To be called before these are compared: what they are compared by is asked for together. */
  prepare(blocks: readonly number[]): Promise<void>
  /** Whether a block is the piece of the former content that lies so much further (bytes) there. It is here then. */
  isPiece(block: number, shift: number): Promise<boolean>
  /** Fetches a block. → how much further its content lies in the former one; undefined: it was not found there */
  locate(block: number, shift: number): Promise<number | undefined>
}

/** Blocks from `start` to `end` (exclusive). */
interface Gap {
  readonly start: number
  readonly end: number
}

/** Throws what `isPiece` and `locate` throw. @returns whether any was found */
export async function findBlocks(comparing: Comparing): Promise<boolean> {
  return new Finder(comparing).run()
}

class Finder {
  /** Distances at which something was found, the last one first; at first, those that are likely. */
  private shifts: readonly number[]
  private found = 0
  private inVain = 0

  constructor(private readonly comparing: Comparing) {
    const { drift } = comparing
    this.shifts = drift === 0 ? [0] : [0, drift]
  }

  async run(): Promise<boolean> {
    const { blocks } = this.comparing
    await this.compare(samplesOf(blocks))
    if (this.found > 0) await this.compare(numbersFrom(0, blocks))
    const gaps = this.gapsIn({ start: 0, end: blocks })
    for (let gap = gaps.shift(); gap !== undefined && this.inVain < MOST_IN_VAIN; gap = gaps.shift())
      gaps.unshift(...(await this.lookInto(gap)))
    return this.found > 0
  }

  private async compare(blocks: readonly number[]): Promise<void> {
    const left = blocks.filter(block => !this.comparing.isHere(block))
    let prepared = this.prepare(left, 0)
    for (let at = 0; at < left.length; at += PREPARED) {
      await prepared
      prepared = this.prepare(left, at + PREPARED)
      const next = left.slice(at, at + PREPARED).values()
      const work = async () => {
        for (const block of next) await this.isFound(block)
      }
      await Promise.all(Array.from({ length: AT_ONCE }, work))
    }
  }

  private prepare(blocks: readonly number[], at: number): Promise<void> {
    const prepared = this.comparing.prepare(blocks.slice(at, at + PREPARED))
    prepared.catch(() => {}) // rejects again where it is awaited
    return prepared
  }

  private async isFound(block: number): Promise<boolean> {
    for (const shift of this.shifts) if (await this.isAt(block, shift)) return true
    return false
  }

  private async isAt(block: number, shift: number): Promise<boolean> {
    if (this.comparing.isHere(block)) return true
    if (!(await this.comparing.isPiece(block, shift))) return false
    this.found++
    this.shifts = [shift, ...this.shifts.filter(other => other !== shift)]
    return true
  }

  /** @returns what is left of the gap, and may be looked into */
  private async lookInto(gap: Gap): Promise<Gap[]> {
    const middle = (gap.start + gap.end) >> 1
    for (const block of [gap.start, middle]) {
      const shift = await this.comparing.locate(block, this.shifts[0] ?? 0)
      if (shift === undefined) continue
      await this.comparing.prepare(numbersFrom(gap.start, gap.end))
      const before = await this.follow(block - 1, -1, gap, shift)
      const behind = await this.follow(block + 1, 1, gap, shift)
      if (before + behind > 0) return this.gapsIn(gap)
    }
    this.inVain++
    return []
  }

  /** Compares blocks from one on, as long as they are found: a single one in between may have changed. → how many were */
  private async follow(from: number, step: 1 | -1, gap: Gap, shift: number): Promise<number> {
    const isInGap = (block: number) => gap.start <= block && block < gap.end
    let count = 0
    for (let block = from; isInGap(block); block += step) {
      if (await this.isAt(block, shift)) count++
      else if (count > 0 && isInGap(block + step) && (await this.isAt(block + step, shift))) continue
      else break
    }
    return count
  }

  /** Where enough blocks in a row are missing to be worth a question. */
  private gapsIn({ start, end }: Gap): Gap[] {
    const gaps: Gap[] = []
    let from = start
    for (let block = start; block <= end; block++) {
      if (block < end && !this.comparing.isHere(block)) continue
      if (block - from >= LEAST_GAP) gaps.push({ start: from, end: block })
      from = block + 1
    }
    return gaps
  }
}

function numbersFrom(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, at) => start + at)
}

/** Spread evenly, with the first and the last. */
function samplesOf(blocks: number): number[] {
  const count = Math.min(SAMPLES, blocks)
  return Array.from({ length: count }, (_, at) =>
    count < 2 ? 0 : Math.round((at * (blocks - 1)) / (count - 1)),
  )
}
