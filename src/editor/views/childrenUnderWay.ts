/**
 * Holds a refresh of a tree back while children of a row are on their way. VS Code drops these when the tree is
 * refreshed, and then shows the row open and empty until something else happens.
 */

/** Milliseconds that VS Code takes with children once it has them, at most. */
const TAKEN_AFTER = 50
/** Milliseconds a refresh is held back at most: children of a share that nobody answers for may take long. */
const LONGEST = 2_000

export class ChildrenUnderWay {
  private count = 0
  private readonly held = new Set<() => void>()

  /** Counts them until they are there. */
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
