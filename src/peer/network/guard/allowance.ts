/** A token bucket: how often something may happen at once (`burst`), and how often a second in the long run. */
export class Allowance {
  private left: number
  private at: number

  /** @param clock milliseconds that never go back */
  constructor(
    private readonly burst: number,
    private readonly perSecond: number,
    private readonly clock: () => number = () => performance.now(),
  ) {
    this.left = burst
    this.at = clock()
  }

  /** Takes one. → false: there is none left. */
  take(): boolean {
    const now = this.clock()
    this.left = Math.min(this.burst, this.left + ((now - this.at) / 1_000) * this.perSecond)
    this.at = now
    if (this.left < 1) return false
    this.left--
    return true
  }
}
