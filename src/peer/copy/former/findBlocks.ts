/**
 * Finds which blocks of a new content are pieces of the former one. Most changes leave everything before them in
 * place, and move everything behind them by the same distance. So:
 *
 * 1. A few blocks all over the file are compared: in place, and at the same distance from the end.
 * 2. If one of them is the same, all others are compared in those two ways.
 * 3. In each gap that is left, one block is fetched. Where its bytes lie in the former content tells how far the
 *    blocks around it were moved. These are compared at that distance, until the next change.
 *
 * A wrong distance costs only a comparison, because each block is compared by its hash.
 */

/** Blocks that step 1 compares. */
const SAMPLES = 16
/** A gap of fewer blocks is fetched without a search. */
const LEAST_GAP = 4
/** After this many gaps in which nothing was found, the rest is fetched without a search. */
const MOST_IN_VAIN = 4
/** Blocks that are compared at a time. */
const AT_ONCE = 4
/** Blocks whose hashes are asked for together, while the blocks before them are compared. */
const PREPARED = 512

export interface Comparing {
  readonly blocks: number
  /** Length of the former content minus that of the new one (bytes). */
  readonly drift: number
  isHere(block: number): boolean
  /** To be called before these blocks are compared: asks for their hashes together. */
  prepare(blocks: readonly number[]): Promise<void>
  /**
   * Whether a block is the piece of the former content that lies `shift` bytes further there. If so, it is here
   * afterwards.
   */
  isPiece(block: number, shift: number): Promise<boolean>
  /** Fetches a block. → how many bytes further its content lies in the former one; undefined: not found there */
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
  /** Distances at which something was found, the latest first. At first, the likely ones. */
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

  /** @returns the smaller gaps that are left and worth a search */
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

  /**
   * Compares blocks from `from` on until one is not found. A single changed one in between is skipped. → how many
   * were found
   */
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

  /** Runs of missing blocks that are long enough for a search. */
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
