/**
 * What a scan left out: exact numbers by reason, and samples of each reason, so that ten thousand ignored files
 * cannot push the one secret out of the list that the user reads.
 */
import type { DrivePath } from '../../../common/brand'
import type { SkippedEntry } from '../../../common/model'

/** Why an entry is not in the share; the order is the order in which they are told. */
const REASONS = [
  'secret-name',
  'secret-content',
  'name',
  'link-outside',
  'link-dangling',
  'link-loop',
  'link-bad-target',
  'special-file',
  'unreadable',
  'peerfold-temporary',
  'peerfoldignore',
  'settings',
  'git-exclude',
  'gitignore',
  'git-folder',
] as const

export type SkipReason = (typeof REASONS)[number]

/** An entry that was left out. A folder stands for everything in it; its path ends with `/`. */
export interface SkippedFromShare extends SkippedEntry {
  readonly path: DrivePath
  readonly reason: SkipReason
}

/** Samples kept of one reason, and in all. */
export const MAX_SAMPLES_PER_REASON = 200
export const MAX_SAMPLES = 1000

export class Skipped {
  private readonly samples = new Map<SkipReason, SkippedFromShare[]>()
  private readonly numbers = new Map<SkipReason, number>()

  /**
   * @param earlier what another scan left out, to be added to
   * @param onAdd is told every entry
   */
  constructor(
    earlier?: {
      readonly skipped: readonly SkippedFromShare[]
      readonly skippedCounts: Partial<Record<SkipReason, number>>
    },
    private readonly onAdd?: (path: DrivePath, reason: SkipReason) => void,
  ) {
    for (const { path, reason, detail } of earlier?.skipped ?? []) this.add(path, reason, detail)
    for (const reason of REASONS) {
      const count = earlier?.skippedCounts[reason]
      if (count !== undefined) this.numbers.set(reason, count)
    }
  }

  add(path: DrivePath, reason: SkipReason, detail: string): void {
    this.numbers.set(reason, (this.numbers.get(reason) ?? 0) + 1)
    this.onAdd?.(path, reason)
    const samples = this.samples.get(reason) ?? []
    if (samples.length >= MAX_SAMPLES_PER_REASON) return
    samples.push({ path, reason, detail })
    this.samples.set(reason, samples)
  }

  /** At most `MAX_SAMPLES` entries, the weightiest reasons first. */
  list(): SkippedFromShare[] {
    return REASONS.flatMap(reason => this.samples.get(reason) ?? []).slice(0, MAX_SAMPLES)
  }

  /** Exact numbers; reasons that did not occur are absent. */
  counts(): Partial<Record<SkipReason, number>> {
    return Object.fromEntries(this.numbers)
  }
}
