/**
 * Questions that come from outside, one at a time: any page can call an address, twice by a double click or a hundred
 * times by a script. A second question about the same thing gets the answer to the first.
 */

/** Questions that are open at one time, the one that shows included. */
const MAX_OPEN = 4

export class OneQuestion<T> {
  private readonly open = new Map<string, Promise<T | undefined>>()
  private last: Promise<unknown> = Promise.resolve()

  /**
   * @param about what the question is about
   * @param ask shows it, and does what follows from the answer
   * @returns undefined, unasked, when too many wait already
   * @throws what `ask` throws
   */
  ask(about: string, ask: () => Promise<T | undefined>): Promise<T | undefined> {
    const same = this.open.get(about)
    if (same !== undefined) return same
    if (this.open.size === MAX_OPEN) return Promise.resolve(undefined)
    const answer = this.last.then(ask).finally(() => this.open.delete(about))
    this.open.set(about, answer)
    // Whoever asked is told of a failure; the next question does not depend on it.
    this.last = answer.then(
      () => {},
      () => {},
    )
    return answer
  }
}
