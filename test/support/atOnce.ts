/** Runs work that may pause to its end, without a pause. → what it returns */
export function atOnce<T>(work: Generator<unknown, T>): T {
  for (;;) {
    const { done, value } = work.next()
    if (done === true) return value as T
  }
}
