/**
 * Runs one lane: its programs, each a process of its own that gets a place when one is free, with a budget of time for
 * all of them together. What a program prints is shown in one piece; that of the only program of a lane, as it comes.
 */
import { readAttacks } from './attacks'
import { type OwnedProcess, startProcess } from './ownedProcess'
import { type Page, Places } from './places'
import { projectRoot } from './projectRoot'
import { type Counts, type Failure, readCounts, readFailure } from './runMocha'

export interface Lane {
  readonly name: string
  /** Seconds that its programs may take, added up, however many of them run beside each other. */
  readonly budget: number
  /** Prepares what its programs need and npm cannot give the project. */
  readonly tools?: () => Promise<unknown>
  readonly programs: readonly LaneProgram[]
  /** The most of its programs that run beside each other; absent: as many as there are places. */
  readonly atOnce?: number
  /** Lines to print when all have ended. */
  readonly afterwards?: () => readonly string[]
}

/** A Node program that counts its tests (runMocha.ts), or with a `title`, one that is a test by its exit code. */
export interface LaneProgram {
  readonly file: string
  readonly args: readonly string[]
  readonly title?: string
}

export interface Outcome {
  readonly lane: string
  readonly counts: Counts
  /** For the end of the run: what was printed when they failed is far above. */
  readonly failures: readonly Failure[]
  /** What its programs took, added up. */
  readonly seconds: number
}

export const nothing: Counts = { passed: 0, failed: 0, skipped: 0 }
export const onePassed: Counts = { ...nothing, passed: 1 }
export const oneFailed: Counts = { ...nothing, failed: 1 }

export interface LaneSurroundings {
  readonly places: Places
  /** The rank of this lane for a place: the lower the sooner. */
  readonly rank: number
  readonly page: Page
}

export class LaneRun {
  /** Milliseconds that the programs that have ended took. */
  private took = 0
  private overBudget = false
  private readonly failures: Failure[] = []
  private timer: NodeJS.Timeout | undefined
  /** What runs, and when it was started. */
  private readonly running = new Map<OwnedProcess, number>()

  constructor(
    private readonly lane: Lane,
    private readonly surroundings: LaneSurroundings,
  ) {}

  /** Never rejects: what cannot be run has failed. */
  async toItsEnd(): Promise<Outcome> {
    const { lane } = this
    const { page } = this.surroundings
    page.write(`\n=== ${lane.name}`)
    const counts = await this.runPrograms().catch(error => {
      return this.fail(lane.name, String(error instanceof Error ? error.message : error))
    })
    clearInterval(this.timer)
    for (const line of lane.afterwards?.() ?? []) page.write(line)
    const seconds = this.seconds()
    page.write(`=== ${lane.name}: ${describeCounts(counts)} in ${seconds.toFixed(1)} s of ${lane.budget} s`)
    page.close()
    return { lane: lane.name, counts, failures: this.failures, seconds }
  }

  private async runPrograms(): Promise<Counts> {
    const { places, rank } = this.surroundings
    await this.lane.tools?.()
    const { programs, atOnce = programs.length } = this.lane
    const own = new Places(atOnce)
    const counted = await Promise.all(
      programs.map(program => own.use(0, () => places.use(rank, () => this.runProgram(program)))),
    )
    const { name, budget } = this.lane
    if (this.overBudget)
      counted.push(this.fail(name, `took longer than its budget of ${budget} s and was ended`))
    return counted.reduce(add, nothing)
  }

  private async runProgram({ file, args, title }: LaneProgram): Promise<Counts> {
    if (this.overBudget) return nothing
    this.timer ??= setInterval(() => this.watchBudget(), 1_000)
    const { page } = this.surroundings
    const isOnly = this.lane.programs.length === 1
    const said: { line: string; from: 'stdout' | 'stderr' }[] = []
    let counts: Counts | undefined
    // An option and not in the environment, which children inherit: for a peer process, reading its source map is a
    // seventh of the cost of its start.
    const running = startProcess(process.execPath, ['--enable-source-maps', file, ...args], {
      cwd: projectRoot,
      onLine: (line, from) => {
        const found = readCounts(line)
        const failure = readFailure(line)
        if (found !== undefined) counts = found
        else if (failure !== undefined) this.failures.push(failure)
        else if (readAttacks(line)) return
        else if (isOnly) page.write(line, from)
        else said.push({ line, from })
      },
    })
    const started = performance.now()
    this.running.set(running, started)
    const { code } = await running.ended
    this.running.delete(running)
    this.took += performance.now() - started
    for (const { line, from } of said) page.write(line, from)
    if (title === undefined) return this.judge(code, counts, [file, ...args].join(' '))
    if (code !== 0) return this.fail(title, said.map(({ line }) => line).join('\n'))
    page.write(`ok: ${title}`)
    return onePassed
  }

  /** A run that broke off, or exited with an error that no test shows, counts as a failure of its own. */
  private judge(code: number | null, counts: Counts | undefined, program: string): Counts {
    if (counts === undefined) return this.fail(program, `the run broke off with exit code ${code}`)
    if (code === 0 || counts.failed > 0) return counts
    return add(counts, this.fail(program, `all that ran passed, but the exit code is ${code}`))
  }

  private fail(title: string, why: string): Counts {
    this.failures.push({ title, why })
    return oneFailed
  }

  private seconds(): number {
    const now = performance.now()
    return [...this.running.values()].reduce((sum, started) => sum + now - started, this.took) / 1000
  }

  /** A lane that runs over its budget is ended, with all it started, and has failed. */
  private watchBudget(): void {
    if (this.overBudget || this.seconds() <= this.lane.budget) return
    this.overBudget = true
    for (const { stop } of this.running.keys()) stop().catch(console.error)
  }
}

export function add(a: Counts, b: Counts): Counts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped }
}

export function describeCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}
