/** Figures of all rounds → medians and ratios, as tables and as one JSON value. */
import { cpus, release, totalmem } from 'node:os'
import { BLOCKING_TARGET, type Blocking, type Told } from './blocking'
import type { Travelled } from './changes'
import { SIDES, type Side } from './meter'
import type { OnDisk } from './onDisk'
import type { Measure, Run } from './run'
import type { Saves } from './saves'
import type { Made, Workload } from './workloads'

export interface Result {
  readonly workload: Workload
  readonly made: Made
  readonly runs: readonly Run[]
}

const OWN = 'peerfold'
const COLUMNS: readonly Measure[] = [
  'prepare',
  'fetch',
  'prepare again',
  'fetch again',
  'first byte',
  'first byte, found',
  'first entry',
  'all entries',
]

export function machine(folder: string): Record<string, string | number> {
  return {
    date: new Date().toISOString(),
    system: `${process.platform} ${release()}`,
    processor: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    node: process.version,
    folder,
  }
}

/** A Markdown table of one workload, with what went wrong below it. */
export function table({ workload, made, runs }: Result): string {
  const tools = [...new Set(runs.map(({ tool }) => tool))]
  const good = runs.filter(({ failure }) => failure === undefined)
  const columns = COLUMNS.filter(measure => good.some(({ spent }) => spent[measure] !== undefined))
  const head = [
    'tool',
    ...columns.map(measure => `${measure} s`),
    'together, × Peerfold',
    'CPU s sender + receiver',
    'peak MB sender / receiver',
    'rounds',
  ]
  const own = totalOf(good.filter(({ tool }) => tool === OWN))
  const rows = tools.map(tool => {
    const all = good.filter(run => run.tool === tool)
    if (all.length === 0) return [tool, 'failed']
    const total = totalOf(all)
    return [
      tool,
      ...columns.map(measure => seconds(medianOf(all, run => run.spent[measure]?.seconds))),
      own === undefined || total === undefined ? '' : (total / own).toFixed(2),
      SIDES.map(side => seconds(medianOf(all, run => cpuOf(run, side)))).join(' + '),
      SIDES.map(side => megabytes(medianOf(all, run => peakOf(run, side)))).join(' / '),
      String(all.length),
    ]
  })
  const size = `${made.files.toLocaleString('en')} files, ${(made.bytes / 1e6).toFixed(1)} MB`
  return [
    `### ${workload.name}: ${workload.title} (${size})`,
    '',
    // What is measured in a window is in a table of its own.
    ...(workload.ownOnly === 'editor'
      ? []
      : [head, head.map(() => '---'), ...rows].map(row => `| ${row.join(' | ')} |`)),
    ...answers(good),
    ...saves(good),
    ...inStep(good),
    ...listed(good),
    ...travelled(good),
    ...good.flatMap(({ blocking, round }) => (blocking === undefined ? [] : blockingTable(blocking, round))),
    ...runs.flatMap(run =>
      run.failure === undefined ? [] : [`\n${run.tool}, round ${run.round}: ${run.failure}`],
    ),
    '',
  ].join('\n')
}

/** The same as one value: every run, and its processes. */
export function asJson(about: Record<string, string | number>, results: readonly Result[]): unknown {
  return {
    about,
    workloads: results.map(({ workload, made, runs }) => ({
      name: workload.name,
      title: workload.title,
      ...made,
      medians: Object.fromEntries(
        [...new Set(runs.map(({ tool }) => tool))].map(tool => [
          tool,
          medians(runs.filter(run => run.tool === tool)),
        ]),
      ),
      runs,
    })),
  }
}

function medians(runs: readonly Run[]): Record<string, unknown> {
  const good = runs.filter(({ failure }) => failure === undefined)
  return {
    rounds: good.length,
    seconds: Object.fromEntries(
      COLUMNS.map(measure => [measure, medianOf(good, run => run.spent[measure]?.seconds)]),
    ),
    cpu: Object.fromEntries(SIDES.map(side => [side, medianOf(good, run => cpuOf(run, side))])),
    peak: Object.fromEntries(SIDES.map(side => [side, medianOf(good, run => peakOf(run, side))])),
    largestProcess: Object.fromEntries(
      SIDES.map(side => [side, medianOf(good, run => largestOf(run, side))]),
    ),
  }
}

function answers(runs: readonly Run[]): string[] {
  const names = [...new Set(runs.flatMap(run => Object.keys(run.answers)))]
  if (names.length === 0) return []
  const line = (name: string) => `- ${name}: ${(medianOf(runs, run => run.answers[name]) ?? 0).toFixed(1)} ms`
  return ['', 'Answered within, at the 95th percentile:', ...names.map(line)]
}

/** Medians of all rounds. */
function saves(runs: readonly Run[]): string[] {
  if (runs.every(run => run.saves === undefined)) return []
  const ms = (value: (saves: Saves) => number | undefined) =>
    (medianOf(runs, run => (run.saves === undefined ? undefined : value(run.saves))) ?? 0).toFixed(1)
  const cpu = SIDES.map(side => {
    const [net, gross] = [ms(saves => saves.cpu?.[side].net), ms(saves => saves.cpu?.[side].gross)]
    return `${side} ${net} ms (${gross} ms with what the time until the next one takes anyway)`
  }).join(', ')
  return [
    '',
    `A save was known to the other side after ${ms(({ p50 }) => p50)} ms (median), ${ms(({ p95 }) => p95)} ms (95th percentile).`,
    `Processor time of a save: ${cpu}.`,
  ]
}

/** Medians of all rounds, by tool. */
function travelled(runs: readonly Run[]): string[] {
  return byTool(runs, ({ travelled }) => Object.keys(travelled ?? {}).length > 0).flatMap(([tool, its]) => {
    const line = (name: string) => {
      const of = (value: keyof Travelled) => medianOf(its, run => run.travelled?.[name]?.[value]) ?? 0
      const bytes = `${(of('fetched') / 1e6).toFixed(2)} of ${(of('bytes') / 1e6).toFixed(0)} MB travelled`
      return `- ${name}: ${bytes}; published in ${of('published').toFixed(2)} s, updated in ${of('updated').toFixed(2)} s`
    }
    const names = new Set(its.flatMap(run => Object.keys(run.travelled ?? {})))
    return ['', `${tool}:`, ...[...names].map(line)]
  })
}

/** Medians of all rounds, by tool. */
function inStep(runs: readonly Run[]): string[] {
  return byTool(runs, ({ onDisk }) => onDisk !== undefined).flatMap(([tool, its]) => {
    const ms = (key: keyof OnDisk) => (medianOf(its, ({ onDisk }) => onDisk?.[key]) ?? 0).toFixed(0)
    return [
      '',
      `${tool}: a save was on the other disk after ${ms('p50')} ms (median), ${ms('p95')} ms (95th percentile); half of all files after ${ms('half')} ms.`,
    ]
  })
}

function byTool(runs: readonly Run[], has: (run: Run) => boolean): [string, readonly Run[]][] {
  const those = runs.filter(has)
  return [...new Set(those.map(({ tool }) => tool))].map(tool => [
    tool,
    those.filter(run => run.tool === tool),
  ])
}

/** Medians of all rounds. */
function listed(runs: readonly Run[]): string[] {
  if (runs.every(run => run.listed === undefined)) return []
  const ms = (side: Side) => (medianOf(runs, run => run.listed?.[side]) ?? 0).toFixed(0)
  return [
    '',
    `The versions were listed by the sender in ${ms('sender')} ms, by the receiver in ${ms('receiver')} ms.`,
  ]
}

/** What the extension host was held up by, in one round: maxima are not to be averaged. */
function blockingTable(blocking: Blocking, round: number): string[] {
  const ms = (value: number) => value.toFixed(1)
  const line = ({ phase, withUs, ran, ours, lasted, functions, others }: Told) =>
    `- ${ms(ours > 0 ? withUs : ran)} ms (ours ${ms(ours)}, by the clock ${ms(lasted)}), ${phase}: ${named(functions)}; in themselves ${named(others)}`
  const judged = (value: number) => (value > BLOCKING_TARGET ? `**${ms(value)} missed**` : ms(value))
  const head = ['step', 'lasted s', 'our code ms', 'with VS Code’s part ms', 'longest of all ms']
  const rows = [...blocking.phases, { ...blocking, name: 'all', lasted: sum(blocking.phases) }].map(
    ({ name, lasted, ours, withUs, any }) => [
      name,
      seconds(lasted / 1000),
      judged(ours),
      judged(withUs),
      ms(any),
    ],
  )
  return [
    '',
    `The event loop of the extension host in round ${round}: the longest stretches, in processor time (target ${BLOCKING_TARGET} ms)`,
    '',
    ...[head, head.map(() => '---'), ...rows].map(row => `| ${row.join(' | ')} |`),
    '',
    `Delays of the loop by the clock, other processes included: p99 ${ms(blocking.delay.p99)} ms, longest ${ms(blocking.delay.max)} ms. Processor time of the extension host: ${blocking.cpu.toFixed(1)} s.`,
    'The longest in which our code has a part:',
    ...blocking.longest.map(line),
    'The longest of VS Code and of other extensions:',
    ...blocking.others.map(line),
  ]
}

function named(functions: Told['functions']): string {
  return functions.map(({ name, time }) => `${name} ${time.toFixed(1)}`).join(', ')
}

function sum(phases: Blocking['phases']): number {
  return phases.reduce((all, { lasted }) => all + lasted, 0)
}

/** Whether the extension host was held up for longer than it may. */
export function missedTarget({ runs }: Result): boolean {
  return runs.some(({ blocking }) => blocking?.missed)
}

/** Preparing and fetching, which is what every tool has to do. */
function totalOf(runs: readonly Run[]): number | undefined {
  return medianOf(runs, ({ spent }) =>
    spent.fetch === undefined ? undefined : (spent.prepare?.seconds ?? 0) + spent.fetch.seconds,
  )
}

function cpuOf({ spent }: Run, side: Side): number | undefined {
  const work = [spent.prepare, spent.fetch, spent['all entries']]
  return work.reduce((sum, part) => sum + (part?.cpu[side] ?? 0), 0)
}

/** All processes of a side at their own peaks: an upper bound, as they need not have peaked together. */
function peakOf({ processes }: Run, side: Side): number | undefined {
  const persons = new Map<string, number>()
  // Commands that ran one after the other count once, with the largest.
  for (const { side: of, name, peak } of processes)
    if (of === side) persons.set(name, Math.max(persons.get(name) ?? 0, peak))
  return [...persons.values()].reduce((sum, peak) => sum + peak, 0)
}

function largestOf({ processes }: Run, side: Side): number {
  return Math.max(0, ...processes.filter(process => process.side === side).map(({ peak }) => peak))
}

function medianOf(runs: readonly Run[], value: (run: Run) => number | undefined): number | undefined {
  const sorted = runs
    .map(value)
    .filter(number => number !== undefined)
    .sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle]
  const lower = sorted[middle - 1]
  return sorted.length % 2 === 0 && upper !== undefined && lower !== undefined ? (upper + lower) / 2 : upper
}

function seconds(value: number | undefined): string {
  return value === undefined ? '–' : value.toFixed(value < 10 ? 2 : 1)
}

function megabytes(bytes: number | undefined): string {
  return bytes === undefined || bytes === 0 ? '–' : (bytes / 1e6).toFixed(0)
}
