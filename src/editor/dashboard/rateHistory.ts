/**
 * Remembers how fast content travelled in the last seconds, so that a dashboard opened now shows what was before.
 * Rates arrive when they change and hold until the next one; the chart wants one value per second. Only changes are
 * kept, and only as long as the chart reaches back.
 */
import { HISTORY_SECONDS, type RateSeries } from '../../common/dashboardMessages'
import type { Rates } from '../../common/model'

export class RateHistory {
  /** Oldest first; the first one may be older than the chart: it holds until the second. */
  private readonly changes: { readonly at: number; readonly rates: Rates }[] = []

  /** `at`: milliseconds on a clock that never goes back. */
  record(at: number, rates: Rates): void {
    const last = this.changes.at(-1)
    if (last !== undefined && last.rates.down === rates.down && last.rates.up === rates.up) return
    this.changes.push({ at, rates })
    const start = at - HISTORY_SECONDS * 1_000
    while ((this.changes[1]?.at ?? Number.POSITIVE_INFINITY) <= start) this.changes.shift()
  }

  /** The highest rate of each of the last seconds up to `now`; shorter while less is known. */
  series(now: number): RateSeries {
    const first = this.changes[0]
    if (first === undefined) return { down: [], up: [] }
    const seconds = Math.min(HISTORY_SECONDS, Math.ceil((now - first.at) / 1_000) + 1)
    const down: number[] = []
    const up: number[] = []
    for (let age = seconds - 1; age >= 0; age--) {
      const end = now - age * 1_000
      const rates = this.ratesBetween(end - 1_000, end)
      down.push(Math.max(0, ...rates.map(rate => rate.down)))
      up.push(Math.max(0, ...rates.map(rate => rate.up)))
    }
    return { down, up }
  }

  /** All rates that held at some moment after `start`, up to and including `end`. */
  private ratesBetween(start: number, end: number): readonly Rates[] {
    return this.changes
      .filter(({ at }, index) => {
        const until = this.changes[index + 1]?.at ?? Number.POSITIVE_INFINITY
        return at <= end && until > start
      })
      .map(({ rates }) => rates)
  }
}
