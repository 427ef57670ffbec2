/**
 * Attacks as tests, counted: one table of all hostile suites is printed at the end of the run.
 * Suites are bundled apart from each other, so the counts hang on the global object.
 */

interface Count {
  cases: number
  passed: number
}

declare global {
  var peerfoldAttacks: Map<string, Count> | undefined
}

/** A mocha suite whose tests count as the cases of one group. */
export function attackGroup(name: string, define: () => void): void {
  printTableAtEnd()
  describe(name, () => {
    define()
    afterEach(function () {
      if (this.currentTest?.isPending()) return
      const count = counts().get(name) ?? { cases: 0, passed: 0 }
      counts().set(name, count)
      count.cases++
      if (this.currentTest?.isPassed()) count.passed++
    })
  })
}

/** Groups that share what one `before` sets up. */
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

function counts(): Map<string, Count> {
  globalThis.peerfoldAttacks ??= new Map()
  return globalThis.peerfoldAttacks
}

function printTableAtEnd(): void {
  if (globalThis.peerfoldAttacks) return
  const table = counts()
  after('the table of attacks', () => {
    const width = Math.max(5, ...[...table.keys()].map(name => name.length))
    const row = (...cells: [string, string, string]) =>
      `  ${cells[0].padEnd(width)}  ${cells[1].padStart(6)}  ${cells[2].padStart(6)}`
    console.log(`\n${row('group', 'cases', 'passed')}`)
    for (const [name, { cases, passed }] of table) console.log(row(name, String(cases), String(passed)))
  })
}
