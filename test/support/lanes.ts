/**
 * Runs the lanes of `npm test` and adds up what they counted. Their programs share a few places (places.ts), so that
 * one lane waits while another works; what each says is printed in one piece, lane after lane. Lint and type checks
 * count as tests; so does the check at the end that nothing was left running.
 *
 *   node dist/test/support/lanes.js [lane…]
 *
 * PEERFOLD_GREP=<regular expression> runs only the tests whose title matches.
 */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { tableOfAttacks } from './attacks'
import {
  add,
  describeCounts,
  type Lane,
  type LaneProgram,
  LaneRun,
  nothing,
  type Outcome,
  oneFailed,
  onePassed,
} from './laneRun'
import { endMarkedProcesses, killMarkedProcesses, markerVariable } from './leftBehind'
import { IdleTime, PagesInOrder, Places } from './places'
import { built, projectRoot } from './projectRoot'
import { prepareChromium, prepareFaketime, prepareIp, prepareVSCode, prepareXfs } from './tools'
import { installExtension } from './vscodeServer'

/**
 * In the order of their turns for a place, and of what they print: long suites come before many short ones, so that
 * the end of the run is shared evenly. A lane whose tools are still being installed lets the others go first.
 *
 * Together they take about sixteen minutes on two cores; each budget, of the time of all its programs together, leaves
 * room for a machine that is busy.
 */
const lanes: readonly Lane[] = [
  { name: 'lint', budget: 240, programs: checks() },
  { name: 'unit', budget: 240, programs: [mochaProgram(20_000, suitesIn('unit'))] },
  {
    name: 'vscode',
    budget: 400,
    ...(process.env.PEERFOLD_DESKTOP === '1' ? {} : { tools: prepareWindows }),
    programs: [{ file: built('test/support/vscodeLane.js'), args: [] }],
  },
  // One at a time: two of these would keep each other waiting on two cores.
  { name: 'ui', budget: 1_200, tools: prepareInstallation, atOnce: 1, programs: oneForEach('ui', 120_000) },
  { name: 'peer', budget: 2_400, programs: oneForEach('peer', 60_000) },
  {
    name: 'hostile',
    budget: 1_900,
    tools: () => Promise.all([prepareFaketime(), prepareIp(), prepareXfs()]),
    programs: oneForEach('hostile', 60_000),
    afterwards: tableOfAttacks,
  },
]

/**
 * More places than the two cores to plan for, since most suites also wait. Four busy suites would keep each other
 * waiting. While the suites that run leave the processors idle, one more begins at a time.
 */
const PLACES = 3
const MOST_PLACES = 5
/** Idle part of the time of all processors, over this many milliseconds: longer than a suite takes to get going. */
const IDLE = 0.2
const LOOK_EVERY = 3_000

/** A peer process outlives the last window by ten seconds, on purpose. */
const graceForProcesses = 20_000

async function main(names: readonly string[]): Promise<void> {
  const unknown = names.filter(name => !lanes.some(lane => lane.name === name))
  if (unknown.length > 0)
    throw new Error(`no lane ${unknown.join(', ')}; there are ${lanes.map(lane => lane.name).join(', ')}`)
  const chosen = lanes.filter(lane => names.length === 0 || names.includes(lane.name))
  const environment = prepareEnvironment()
  process.on('exit', () => {
    // Ctrl-C also comes here, while lanes run.
    killMarkedProcesses(environment.marker)
    rmSync(environment.temporary, { recursive: true, force: true, maxRetries: 3 })
  })
  const started = performance.now()
  const places = new Places(PLACES)
  const [idle, idleInAll] = [new IdleTime(), new IdleTime()]
  setInterval(() => {
    if (idle.share() > IDLE) places.letInOneMore(MOST_PLACES)
  }, LOOK_EVERY).unref()
  const pages = new PagesInOrder((line, to) => (to === 'stdout' ? console.log(line) : console.error(line)))
  const outcomes = await Promise.all(
    chosen.map((lane, rank) => new LaneRun(lane, { places, rank, page: pages.open() }).toItsEnd()),
  )
  outcomes.push(await checkNothingLeft(environment.marker))
  printFailures(outcomes)
  printSummary(outcomes, (performance.now() - started) / 1000, idleInAll.share())
  const total = outcomes.map(outcome => outcome.counts).reduce(add, nothing)
  const ran = outcomes.some(({ counts }) => counts.passed + counts.failed > 0)
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
    TEMP: temporary, // its name on Windows
    XDG_DATA_HOME: data,
    PEERFOLD_VSIX: join(projectRoot, 'out', `peerfold-${process.platform}-${process.arch}.vsix`),
    PEERFOLD_EXTENSIONS: join(temporary, 'vscode', 'extensions'),
    PEERFOLD_SCREENSHOTS: join(projectRoot, 'out', 'screenshots'),
  })
  return { marker, temporary }
}

async function checkNothingLeft(marker: string): Promise<Outcome> {
  const left = await endMarkedProcesses(marker, graceForProcesses)
  const failures = left.map(({ pid, command }) => ({
    title: 'nothing is left behind',
    why: `killed: ${pid} ${command}`,
  }))
  return { lane: 'left behind', counts: left.length === 0 ? onePassed : oneFailed, failures, seconds: 0 }
}

/** Format, lint and types. */
function checks(): LaneProgram[] {
  const biome = join(projectRoot, 'node_modules/@biomejs/biome/bin/biome')
  const tsc = join(projectRoot, 'node_modules/typescript/bin/tsc')
  return [
    { title: 'format and lint', file: biome, args: ['ci', '--colors=off', '--error-on-warnings'] },
    { title: 'types', file: tsc, args: ['--noEmit', '-p', '.'] },
    { title: 'types of the dashboard', file: tsc, args: ['--noEmit', '-p', 'src/dashboard'] },
  ]
}

/** @param timeout milliseconds a test may take unless it says otherwise */
function mochaProgram(timeout: number, suites: readonly string[]): LaneProgram {
  return { file: built('test/support/mochaLane.js'), args: [String(timeout), ...suites] }
}

/** The suites of a lane, each by mocha in a process of its own. `timeout`: as for `mochaProgram`. */
function oneForEach(lane: string, timeout: number): LaneProgram[] {
  return suitesIn(lane).map(suite => mochaProgram(timeout, [suite]))
}

function suitesIn(lane: string): string[] {
  const folder = built(`test/${lane}`)
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.test.js'))
    .sort()
    .map(file => join(folder, file))
}

/** What lanes that show VS Code need. */
async function prepareWindows(): Promise<void> {
  await Promise.all([prepareVSCode(), prepareChromium()])
}

/** What the ui lane needs: the same, and the packaged extension, installed once for all its suites. */
async function prepareInstallation(): Promise<void> {
  await prepareWindows()
  const { PEERFOLD_VSIX = '', PEERFOLD_EXTENSIONS = '' } = process.env
  await installExtension(PEERFOLD_VSIX, dirname(PEERFOLD_EXTENSIONS), PEERFOLD_EXTENSIONS)
}

/** Prints failures once more at the end, where they are seen first, and where a log whose beginning is lost has them. */
function printFailures(outcomes: readonly Outcome[]): void {
  for (const { lane, failures } of outcomes)
    for (const { title, why } of failures) console.log(`\nFAILED in ${lane}: ${title}\n${why}`)
}

/** Lanes run beside each other: their seconds add up to more than `seconds`. @param idle part of the processors' time */
function printSummary(outcomes: readonly Outcome[], seconds: number, idle: number): void {
  console.log('')
  for (const { lane, counts, seconds } of outcomes)
    console.log(`${lane.padEnd(12)} ${seconds.toFixed(1).padStart(6)} s   ${describeCounts(counts)}`)
  const together = `${'together'.padEnd(12)} ${seconds.toFixed(1).padStart(6)} s`
  console.log(`${together}   processors idle ${Math.round(100 * idle)} %`)
}

main(process.argv.slice(2)).catch(error => {
  console.error(error)
  console.log('0 passed, 1 failed')
  process.exitCode = 1
})
