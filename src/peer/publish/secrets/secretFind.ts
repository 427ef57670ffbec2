/** A secret that was found in a file. */
export interface Find {
  /** What it is, as the beginning of a sentence: “A GitHub token”. */
  readonly kind: string
  /** Where it begins: bytes from the beginning of what was searched. */
  readonly at: number
}
