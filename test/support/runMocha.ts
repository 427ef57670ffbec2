/**
 * Runs suites by mocha and prints what they counted in a line that test/support/lanes.ts reads. The same in a plain
 * Node process (test/support/mochaLane.ts) and inside a VS Code extension host (test/vscode/index.ts).
 */
import Mocha from 'mocha'

export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** A test or hook that failed. */
export interface Failure {
  readonly title: string
  /** The error, with its stack where it has one. */
  readonly why: string
}

/** The line printed before the first suite. */
export const suitesBegin = 'suites:'
const countsPrefix = 'counted: '
const failurePrefix = 'failure: '

/** Runs the files, absolute paths, in order. Prints as mocha's `spec` reporter does, and failures and counts in lines. */
export async function runMocha(files: readonly string[], options: { timeout: number }): Promise<Counts> {
  Mocha.reporters.Base.useColors = false // the output is read in logs as often as on a terminal
  const mocha = new Mocha({ ui: 'bdd', timeout: options.timeout })
  if (process.env.PEERFOLD_GREP !== undefined) mocha.grep(new RegExp(process.env.PEERFOLD_GREP))
  for (const file of files) mocha.addFile(file)
  console.log(suitesBegin)
  const counts = await new Promise<Counts>(resolve => {
    const runner = mocha.run(() => {
      const { passes = 0, failures = 0, pending = 0 } = runner.stats ?? {}
      resolve({ passed: passes, failed: failures, skipped: pending })
    })
    runner.on('fail', (test, error) => {
      const failure: Failure = { title: test.fullTitle(), why: error.stack ?? String(error) }
      console.log(failurePrefix + JSON.stringify(failure))
    })
  })
  console.log(countsPrefix + JSON.stringify(counts))
  return counts
}

/** The counts in a line of output, if it is such a line. */
export function readCounts(line: string): Counts | undefined {
  if (!line.startsWith(countsPrefix)) return undefined
  const { passed, failed, skipped } = JSON.parse(line.slice(countsPrefix.length))
  return { passed: Number(passed), failed: Number(failed), skipped: Number(skipped) }
}

/** The failure that a line of output tells of, if it is such a line. */
export function readFailure(line: string): Failure | undefined {
  if (!line.startsWith(failurePrefix)) return undefined
  const { title, why } = JSON.parse(line.slice(failurePrefix.length))
  return { title: String(title), why: String(why) }
}
