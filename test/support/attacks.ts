/**
 * Attacks as tests, counted: each suite prints its counts in a line that test/support/lanes.ts reads, and one table of
 * all hostile suites is printed at the end of the lane.
 */

interface Count {
  cases: number
  passed: number
}

const attacksPrefix = 'attacks: '
const table = new Map<string, Count>()
let isPrinting = false

/** A mocha suite whose tests count as the cases of one group. */
export function attackGroup(name: string, define: () => void): void {
  printCountsAtEnd()
  describe(name, () => {
    define()
    afterEach(function () {
      if (this.currentTest?.isPending()) return
      const count = table.get(name) ?? { cases: 0, passed: 0 }
      table.set(name, count)
      count.cases++
      if (this.currentTest?.isPassed()) count.passed++
    })
  })
}

/** Groups that share the set-up of one `before`. */
export function attackGroups(title: string, define: () => void): void {
  describe(title, define)
}

/** Hostile text for a title: on one line, not too long, and without a character that a terminal acts on. */
export function shown(text: string): string {
  const cut = text.length > 40 ? `${text.slice(0, 40)}…` : text
  return JSON.stringify(cut).replace(
    /[^\x20-\x7e\p{L}\p{N}…]/gu,
    character => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  )
}

/** Adds the counts in a line of a suite's output, if it is such a line. → whether it is */
export function readAttacks(line: string): boolean {
  if (!line.startsWith(attacksPrefix)) return false
  for (const [name, { cases, passed }] of JSON.parse(line.slice(attacksPrefix.length)) as [string, Count][]) {
    const count = table.get(name) ?? { cases: 0, passed: 0 }
    table.set(name, { cases: count.cases + cases, passed: count.passed + passed })
  }
  return true
}

/** The table of all attacks, as lines. */
export function tableOfAttacks(): string[] {
  const width = Math.max(5, ...[...table.keys()].map(name => name.length))
  const row = (...cells: [string, string, string]) =>
    `  ${cells[0].padEnd(width)}  ${cells[1].padStart(6)}  ${cells[2].padStart(6)}`
  const rows = [...table].map(([name, { cases, passed }]) => row(name, String(cases), String(passed)))
  return ['', row('group', 'cases', 'passed'), ...rows]
}

function printCountsAtEnd(): void {
  if (isPrinting) return
  isPrinting = true
  after('the counts of attacks', () => {
    console.log(attacksPrefix + JSON.stringify([...table]))
  })
}
