/** The version of the program, and which of two is earlier. */
declare const PEERFOLD_VERSION: string

/** As package.json has it. */
export const VERSION: string = PEERFOLD_VERSION

/**
 * True when version `a` came before version `b` for certain. What follows the three numbers, as in `1.2.3-beta`, is not
 * compared, and a text that is no version is neither earlier nor later than any.
 */
export function isEarlierVersion(a: string, b: string): boolean {
  const left = numbersOf(a)
  const right = numbersOf(b)
  const at = left.findIndex((number, index) => number !== right[index])
  return (left[at] ?? 0) < (right[at] ?? 0)
}

/** Empty when it is no version. */
function numbersOf(version: string): readonly number[] {
  return /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?![\d.])/.exec(version)?.slice(1).map(Number) ?? []
}
