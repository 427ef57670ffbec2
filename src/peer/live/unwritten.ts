/** What a live copy could not write, and when that is tried again: ever more seldom, while it is in vain. */
import type { WriteErrorCode } from '../disk/writeErrors'
import type { StepResult } from './step'

/** Milliseconds before what could not be written is tried again; each time in vain doubles them. */
const TRY_AGAIN = { first: 5_000, last: 5 * 60_000 }
/** So much of it is tried again, then and with every version. */
export const TRIED_AGAIN = 1_000
/** Why something could not be written, where that may pass by itself or by what the user does here. */
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
  /** By place inside the folder: whether what stands in the way may pass. */
  private readonly all = new Map<string, boolean>()
  /** How often that was tried again in vain, one after the other. */
  private inVain = 0

  get count(): number {
    return this.all.size
  }

  get paths(): readonly string[] {
    return [...this.all.keys()]
  }

  /**
   * A step is done.
   *
   * @param isAgain nothing new came: it was for these alone
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

  /** Milliseconds until it is tried again; undefined when nothing of it may pass. */
  get untilAgain(): number | undefined {
    if (![...this.all.values()].includes(true)) return undefined
    return Math.min(TRY_AGAIN.first * 2 ** this.inVain, TRY_AGAIN.last)
  }
}
