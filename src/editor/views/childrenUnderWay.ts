/**
 * Holds a refresh of a tree back while children of a row are on their way. A refresh makes VS Code drop such children. It
 * shows the row open and empty then, until something else happens.
 */

/** The most milliseconds that VS Code takes with children once it has them. */
const TAKEN_AFTER = 50
/** The most milliseconds that a refresh is held back: children may take long if nobody who has the share answers. */
const LONGEST = 2_000

export class ChildrenUnderWay {
  private count = 0
  private readonly held = new Set<() => void>()

  /** Counts the children as under way until VS Code has them. */
  async until<T>(children: Promise<T>): Promise<T> {
    this.count++
    try {
      return await children
    } finally {
      setTimeout(() => this.taken(), TAKEN_AFTER)
    }
  }

  /** Refreshes as soon as none are on their way. */
  refresh(act: () => void): void {
    if (this.count === 0) {
      act()
      return
    }
    const once = () => {
      clearTimeout(timer)
      if (this.held.delete(once)) act()
    }
    const timer = setTimeout(once, LONGEST)
    this.held.add(once)
  }

  private taken(): void {
    this.count--
    if (this.count > 0) return
    for (const refresh of [...this.held]) refresh()
  }
}
