/** Files that a live copy could not write, and when they are tried again: less and less often while nothing changes. */
import type { WriteErrorCode } from '../disk/writeErrors'
import type { StepResult } from './step'

/** Pause (milliseconds) before they are tried again. It doubles with each try in vain, up to `last`. */
const TRY_AGAIN = { first: 5_000, last: 5 * 60_000 }
/** The most files that are tried again at once. */
export const TRIED_AGAIN = 1_000
/** Reasons that may pass, by themselves or by what the user does here. */
const MAY_PASS: ReadonlySet<string> = new Set<WriteErrorCode>([
  'outside',
  'exists',
  'kept-folder',
  'changed',
  'busy',
  'permission',
  'io',
])

export class Unwritten {
  /** By place inside the folder: whether its obstacle may pass. */
  private readonly all = new Map<string, boolean>()
  /** Number of tries in vain in a row. */
  private inVain = 0

  get count(): number {
    return this.all.size
  }

  get paths(): readonly string[] {
    return [...this.all.keys()]
  }

  /**
   * Takes over the result of a step.
   *
   * @param isAgain the step was only for these files
   * @returns whether that was in vain
   */
  take(
    { isWhole, put, gone, skipped }: Pick<StepResult, 'isWhole' | 'put' | 'gone' | 'skipped'>,
    isAgain: boolean,
  ): boolean {
    const isInVain = isAgain && skipped.length >= Math.min(this.all.size, TRIED_AGAIN)
    this.inVain = isInVain ? this.inVain + 1 : 0
    if (isWhole) this.all.clear()
    else for (const path of [...put.keys(), ...gone]) this.all.delete(path)
    for (const { path, reason } of skipped) this.all.set(path, MAY_PASS.has(reason))
    return isInVain
  }

  /** Milliseconds until the next try; undefined when no obstacle may pass. */
  get untilAgain(): number | undefined {
    if (![...this.all.values()].includes(true)) return undefined
    return Math.min(TRY_AGAIN.first * 2 ** this.inVain, TRY_AGAIN.last)
  }
}
