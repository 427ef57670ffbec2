/** The bytes of a file that are there: sorted ranges [start, end) that neither touch nor overlap. */
export class Ranges {
  readonly #ranges: { start: number; end: number }[] = []

  add(start: number, end: number): void {
    if (end <= start) return
    // Writes mostly come in order, so the place is looked for from the end.
    let index = this.#ranges.length
    while (index > 0 && (this.#ranges[index - 1]?.end ?? 0) >= start) index--
    let merged = { start, end }
    let overlapped = 0
    for (let at = index; at < this.#ranges.length; at++) {
      const range = this.#ranges[at]
      if (!range || range.start > merged.end) break
      merged = { start: Math.min(range.start, merged.start), end: Math.max(range.end, merged.end) }
      overlapped++
    }
    this.#ranges.splice(index, overlapped, merged)
  }

  /** Whether every byte from 0 to `size` is there. */
  covers(size: number): boolean {
    const first = this.#ranges[0]
    return size === 0 || (first !== undefined && first.start === 0 && first.end >= size)
  }

  /** End of the last range. */
  get end(): number {
    return this.#ranges.at(-1)?.end ?? 0
  }

  /** Bytes that are there. */
  get bytes(): number {
    return this.#ranges.reduce((sum, range) => sum + range.end - range.start, 0)
  }
}
