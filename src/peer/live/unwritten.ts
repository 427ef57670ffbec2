/** Files that a live copy could not write, and when they are tried again: less and less often while nothing changes. */
import type { ErrorCode } from '../../common/errors'
import type { WriteErrorCode } from '../disk/writeErrors'
import { contentId, type DriveEntry } from '../drive/format/entry'
import type { StepResult } from './step'

/** Pause (milliseconds) before they are tried again. It doubles with each try in vain, up to `last`. */
const TRY_AGAIN = { first: 5_000, last: 5 * 60_000 }
/** The most files that are tried again at once. */
export const TRIED_AGAIN = 1_000
/** Nobody has the file. */
const ABSENT = 'offline' satisfies ErrorCode
/** Reasons that may pass, by themselves or by what the user does here. */
const MAY_PASS: ReadonlySet<string> = new Set<WriteErrorCode | typeof ABSENT>([
  'outside',
  'exists',
  'kept-folder',
  'changed',
  'busy',
  'permission',
  'io',
  ABSENT,
])

export class Unwritten {
  /** By place inside the folder: the reason, a code. */
  private readonly all = new Map<string, string>()
  /** Contents that nobody had, by place. */
  private readonly absent = new Map<string, string>()
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
    for (const { path, reason } of skipped) this.all.set(path, reason)
    for (const path of this.absent.keys()) if (this.all.get(path) !== ABSENT) this.absent.delete(path)
    return isInVain
  }

  /** Files that nobody has. */
  get absentCount(): number {
    return [...this.all.values()].filter(reason => reason === ABSENT).length
  }

  /**
   * Whether a step goes on without a file that nobody has. It does when it has waited for it, or a step before has.
   * @param hasWaited and that who writes the share is there
   */
  goesWithout(path: string, entry: DriveEntry, hasWaited: boolean): boolean {
    const content = contentId(entry)
    if (hasWaited) this.absent.set(path, content)
    return this.absent.get(path) === content
  }

  /** Milliseconds until the next try; undefined when no obstacle may pass. */
  get untilAgain(): number | undefined {
    if (![...this.all.values()].some(reason => MAY_PASS.has(reason))) return undefined
    return Math.min(TRY_AGAIN.first * 2 ** this.inVain, TRY_AGAIN.last)
  }
}
