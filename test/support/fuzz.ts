/**
 * Property tests: a statement checked against many made-up cases. The seed is printed, so that a failure on one
 * machine can be looked at on another: PEERFOLD_SEED=<number> npm test.
 */
import fc from 'fast-check'

const CASES = 2_000

/** Checks a property with 2,000 cases. Throws with the smallest case found that breaks it. */
export function holds<Case extends [unknown, ...unknown[]]>(
  name: string,
  property: fc.IProperty<Case>,
  cases = CASES,
): void {
  const seed = Number(process.env.PEERFOLD_SEED ?? Date.now() & 0x7fffffff)
  console.log(`      ${name}: ${cases} cases, seed ${seed}`)
  fc.assert(property, { numRuns: cases, seed })
}
