/**
 * Runs the lanes of `npm test`, one after the other, each as processes of its own with a budget of time, and adds up
 * what they counted. Lint and type checks count as tests; so does the check at the end that nothing was left running.
 *
 *   node dist/test/support/lanes.js [lane…]
 *
 * PEERFOLD_GREP=<regular expression> runs only the tests whose title matches.
 */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { printAttacks, readAttacks } from './attacks'
import { endMarkedProcesses, killMarkedProcesses, markerVariable } from './leftBehind'
import { startProcess } from './ownedProcess'
import { built, projectRoot } from './projectRoot'
import { type Counts, readCounts } from './runMocha'
import { prepareChromium, prepareVSCode } from './tools'

interface Lane {
  readonly name: string
  /** Seconds the whole lane may take. */
  readonly budget: number
  readonly needsTools?: boolean
  readonly run: (context: LaneContext) => Promise<Counts>
}

interface LaneContext {
  /** Runs a Node program to its end with its output shown, at once or all of it at the end, however long it takes. */
  program(file: string, args: readonly string[], shown?: 'at once' | 'at its end'): Promise<ProgramResult>
}

interface ProgramResult {
  readonly code: number | null
  /** What a mocha run in it counted. */
  readonly counts: Counts | undefined
}

/** Together they take under ten minutes on two cores; each budget leaves room for a machine that is busy. */
const lanes: readonly Lane[] = [
  { name: 'lint', budget: 180, run: runChecks },
  { name: 'unit', budget: 180, run: context => runSuites(context, 'unit', 10_000) },
  { name: 'peer', budget: 420, run: context => runSideBySide(context, 'peer', 60_000) },
  {
    name: 'hostile',
    budget: 360,
    run: async context => {
      const counts = await runSideBySide(context, 'hostile', 60_000)
      printAttacks()
      return counts
    },
  },
  { name: 'vscode', budget: 240, needsTools: true, run: runInVSCode },
  { name: 'ui', budget: 420, needsTools: true, run: context => runSuites(context, 'ui', 120_000) },
]

/** Suites that run at the same time, in the lanes that let them. */
const SIDE_BY_SIDE = 2

/** A peer process outlives the last window by ten seconds, on purpose. */
const graceForProcesses = 20_000

const nothing: Counts = { passed: 0, failed: 0, skipped: 0 }
const onePassed: Counts = { ...nothing, passed: 1 }
const oneFailed: Counts = { ...nothing, failed: 1 }

async function main(names: readonly string[]): Promise<void> {
  const unknown = names.filter(name => !lanes.some(lane => lane.name === name))
  if (unknown.length > 0)
    throw new Error(`no lane ${unknown.join(', ')}; there are ${lanes.map(lane => lane.name).join(', ')}`)
  const chosen = lanes.filter(lane => names.length === 0 || names.includes(lane.name))
  const environment = prepareEnvironment()
  process.on('exit', () => {
    // Reached by Ctrl-C as well, with lanes running.
    killMarkedProcesses(environment.marker)
    rmSync(environment.temporary, { recursive: true, force: true, maxRetries: 3 })
  })
  const outcomes: { lane: string; counts: Counts; seconds: number }[] = []
  for (const lane of chosen) {
    if (lane.needsTools) await Promise.all([prepareVSCode(), prepareChromium()])
    console.log(`\n=== ${lane.name}`)
    const started = Date.now()
    const counts = await withinBudget(lane)
    const seconds = (Date.now() - started) / 1000
    outcomes.push({ lane: lane.name, counts, seconds })
    console.log(`=== ${lane.name}: ${describe(counts)} in ${seconds.toFixed(1)} s of ${lane.budget} s`)
  }
  outcomes.push({ lane: 'left behind', counts: await checkNothingLeft(environment.marker), seconds: 0 })
  printSummary(outcomes)
  const total = outcomes.map(outcome => outcome.counts).reduce(add, nothing)
  const ran = outcomes.slice(0, -1).some(({ counts }) => counts.passed + counts.failed > 0)
  console.log(`${total.passed} passed, ${total.failed} failed`)
  process.exitCode = total.failed > 0 || !ran ? 1 : 0
}

/** Everything a lane starts inherits this: a marker to find it by, and places of its own instead of the user's. */
function prepareEnvironment(): { marker: string; temporary: string } {
  const temporary = mkdtempSync(join(tmpdir(), 'peerfold-run-'))
  chmodSync(temporary, 0o755) // a test that gives up root's rights must still get to its own folder below
  const marker = `${process.pid}-${Date.now()}`
  const data = join(temporary, 'data')
  mkdirSync(data)
  delete process.env.PEERFOLD_STORAGE
  Object.assign(process.env, {
    [markerVariable]: marker,
    TMPDIR: temporary,
    XDG_DATA_HOME: data,
    PEERFOLD_VSIX: join(projectRoot, 'out', `peerfold-${process.platform}-${process.arch}.vsix`),
    PEERFOLD_SCREENSHOTS: join(projectRoot, 'out', 'screenshots'),
    NODE_OPTIONS: [process.env.NODE_OPTIONS, '--enable-source-maps'].filter(Boolean).join(' '),
  })
  return { marker, temporary }
}

/** A lane that runs over its budget is ended, with all it started, and has failed. */
async function withinBudget(lane: Lane): Promise<Counts> {
  let overBudget = false
  const stops = new Set<() => Promise<unknown>>()
  const timer = setTimeout(() => {
    overBudget = true
    console.error(`${lane.name} took longer than its budget of ${lane.budget} s and is ended`)
    for (const stop of stops) stop().catch(console.error)
  }, lane.budget * 1000)
  const context: LaneContext = {
    program: async (file, args, shown = 'at once') => {
      if (overBudget) return { code: null, counts: undefined }
      let counts: Counts | undefined
      const later: (() => void)[] = []
      const running = startProcess(process.execPath, [file, ...args], {
        cwd: projectRoot,
        onLine: (line, from) => {
          const found = readCounts(line)
          if (found !== undefined) counts = found
          else if (readAttacks(line)) return
          else if (shown === 'at its end') later.push(() => print(line, from))
          else print(line, from)
        },
      })
      stops.add(running.stop)
      const { code } = await running.ended
      stops.delete(running.stop)
      for (const show of later) show()
      return { code, counts }
    },
  }
  try {
    const counts = await lane.run(context)
    return overBudget ? add(counts, oneFailed) : counts
  } finally {
    clearTimeout(timer)
  }
}

/** Format, lint and types: each counts as one test. */
async function runChecks(context: LaneContext): Promise<Counts> {
  const tsc = join(projectRoot, 'node_modules/typescript/bin/tsc')
  const checks: [title: string, file: string, args: string[]][] = [
    [
      'format and lint',
      join(projectRoot, 'node_modules/@biomejs/biome/bin/biome'),
      ['ci', '--colors=off', '--error-on-warnings'],
    ],
    ['types', tsc, ['--noEmit', '-p', '.']],
    ['types of the dashboard', tsc, ['--noEmit', '-p', 'src/dashboard']],
  ]
  const results = await Promise.all(
    checks.map(async ([title, file, args]) => {
      const { code } = await context.program(file, args)
      console.log(`${code === 0 ? 'ok' : 'FAILED'}: ${title}`)
      return code === 0 ? onePassed : oneFailed
    }),
  )
  return results.reduce(add, nothing)
}

function print(line: string, from: 'stdout' | 'stderr'): void {
  if (from === 'stdout') console.log(line)
  else console.error(line)
}

/**
 * The suites of a folder, each by mocha in a process of its own, two at a time: most of what they do is wait for one
 * another's processes. `timeout`: as for `runSuites`.
 */
async function runSideBySide(context: LaneContext, lane: string, timeout: number): Promise<Counts> {
  const suites = suitesIn(built(`test/${lane}`))
  let sum = nothing
  const runNext = async (): Promise<void> => {
    for (let suite = suites.shift(); suite !== undefined; suite = suites.shift()) {
      const args = [String(timeout), suite]
      const counts = judge(await context.program(built('test/support/mochaLane.js'), args, 'at its end'))
      sum = add(sum, counts)
    }
  }
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, runNext))
  return sum
}

/** All suites of a folder by mocha in one process. `timeout`: milliseconds a test may take unless it says otherwise. */
async function runSuites(context: LaneContext, lane: string, timeout: number): Promise<Counts> {
  const suites = suitesIn(built(`test/${lane}`))
  if (suites.length === 0) {
    console.log('no suites')
    return nothing
  }
  return judge(await context.program(built('test/support/mochaLane.js'), [String(timeout), ...suites]))
}

async function runInVSCode(context: LaneContext): Promise<Counts> {
  return judge(await context.program(built('test/support/vscodeLane.js'), []))
}

/** A run that broke off, or exited with an error that no test shows, counts as a failure of its own. */
function judge({ code, counts }: ProgramResult): Counts {
  if (counts === undefined) {
    console.error(`the run broke off with exit code ${code}`)
    return oneFailed
  }
  return code !== 0 && counts.failed === 0 ? add(counts, oneFailed) : counts
}

async function checkNothingLeft(marker: string): Promise<Counts> {
  const left = await endMarkedProcesses(marker, graceForProcesses)
  for (const { pid, command } of left) console.error(`left behind and killed: ${pid} ${command}`)
  return left.length === 0 ? onePassed : oneFailed
}

function suitesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter(file => file.endsWith('.test.js'))
      .sort()
      .map(file => join(folder, file))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}

function printSummary(outcomes: readonly { lane: string; counts: Counts; seconds: number }[]): void {
  console.log('')
  for (const { lane, counts, seconds } of outcomes) {
    console.log(`${lane.padEnd(12)} ${seconds.toFixed(1).padStart(6)} s   ${describe(counts)}`)
  }
}

function describe({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

function add(a: Counts, b: Counts): Counts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped }
}

main(process.argv.slice(2)).catch(error => {
  console.error(error)
  console.log('0 passed, 1 failed')
  process.exitCode = 1
})
