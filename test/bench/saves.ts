/**
 * How soon a save is known to the other side, and what it costs: one file of a large share is written, in turn in place
 * and by a rename as editors do, and a client of the reader waits to be told its path. Nothing is saved for a moment in
 * between, as by a person.
 */
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Connection } from '../../src/wire/connection'
import { SIDES, type Side } from './meter'
import { PeerfoldBench } from './peerfold'
import type { RunContext, Tool } from './run'

const LIMIT = 60_000
/** In each as many files are saved, and then nothing is for as long. */
const ROUNDS = 6
const SAVES = 10
/** Of a few files the same is done only to see that it can be done. */
const FEW_FILES = 1_000
const FEW_ROUNDS = 1
const FEW_SAVES = 3
/** Milliseconds between two saves: by then nothing of the one before is under way. */
const PAUSE = 700
/** Milliseconds after which what publishing and opening left for later is done. */
const SETTLED = 10_000
const NANOSECONDS = 1e6

export interface Saves {
  /** Milliseconds from the save until the reader's client was told. */
  readonly p50: number
  readonly p95: number
  /** Linux only. */
  readonly cpu: Readonly<Record<Side, SaveCost>> | undefined
}

/** Milliseconds of processor time for each save, all threads counted: the median of the rounds. */
export interface SaveCost {
  /** All that was spent from one save to the next. */
  readonly gross: number
  /** Less what the same round spent in as much time without a save. */
  readonly net: number
}

export const saving: Tool = {
  name: 'peerfold save',
  missing: () => undefined,
  workloads: ['S10k', 'S100k', 'saves-smoke'],
  run: async context => {
    const bench = await PeerfoldBench.start(context)
    try {
      await save(bench)
    } finally {
      await bench.stop()
    }
  },
}

async function save(bench: PeerfoldBench): Promise<void> {
  const { context } = bench
  const { link } = await context.time('prepare', () => bench.share([]))
  const command = await bench.command('receiver', 'receiver', ['ls', link])
  const reader = await bench.attach('receiver')
  const { id } = await reader.request('open.add', { link, keep: false }, { timeout: LIMIT })
  await reader.request('open.ready', { id, newest: true, timeout: LIMIT }, { timeout: LIMIT })
  await command.ended
  const folders = readdirSync(context.source).sort()
  const isSmall = context.made.files < FEW_FILES
  const [rounds, each] = isSmall ? [FEW_ROUNDS, FEW_SAVES] : [ROUNDS, SAVES]
  const saves = rounds * each
  const paths = Array.from({ length: saves + 1 }, (_, at) => {
    const folder = folders[Math.floor((at * folders.length) / (saves + 1))] ?? ''
    return `/${folder}/${
      readdirSync(join(context.source, folder))
        .sort()
        .at(isSmall ? 0 : at % 100) ?? ''
    }`
  })
  const told = whenTold(reader)
  await timeSave(context, paths.pop() ?? '', told, 0) // the watch has begun
  await pause(isSmall ? PAUSE : SETTLED)
  const times: number[] = []
  const costs: Record<Side, SaveCost>[] = []
  for (let from = 0; from < saves; from += each) {
    const started = performance.now()
    const spent = await spentIn(bench, async () => {
      for (const [at, path] of paths.slice(from, from + each).entries()) {
        times.push(await timeSave(context, path, told, at))
        await pause(PAUSE)
      }
    })
    const idle = await spentIn(bench, () => pause(performance.now() - started))
    const cost = (side: Side) => ({ gross: spent[side] / each, net: (spent[side] - idle[side]) / each })
    costs.push({ sender: cost('sender'), receiver: cost('receiver') })
  }
  const median = (side: Side) => {
    const of = (what: keyof SaveCost) =>
      percentile(
        costs.map(cost => cost[side][what]),
        0.5,
      )
    return { gross: of('gross'), net: of('net') }
  }
  context.saves = {
    p50: percentile(times, 0.5),
    p95: percentile(times, 0.95),
    cpu:
      process.platform === 'linux' ? { sender: median('sender'), receiver: median('receiver') } : undefined,
  }
  reader.close()
}

type Told = (path: string) => Promise<void>

function whenTold(reader: Connection): Told {
  const waiting = new Map<string, () => void>()
  reader.onNotification('changed', ({ paths }) => {
    for (const { path } of paths ?? []) waiting.get(path)?.()
  })
  return async path => {
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve, reject) => {
      waiting.set(path, resolve)
      timer = setTimeout(() => reject(new Error(`${path} was not told`)), LIMIT)
    })
    clearTimeout(timer)
  }
}

/** Milliseconds. Of an even `at` the file is written in place, of an odd one another is renamed over it. */
async function timeSave(context: RunContext, path: string, told: Told, at: number): Promise<number> {
  const file = join(context.source, path)
  const content = `saved as number ${at} at ${Date.now()}\n${'x'.repeat(1_000 + at)}`
  const known = told(path)
  const start = performance.now()
  if (at % 2 === 0) writeFileSync(file, content)
  else {
    writeFileSync(`${file}.tmp`, content)
    renameSync(`${file}.tmp`, file)
  }
  await known
  return performance.now() - start
}

/** Milliseconds of processor time of each side's peer process. */
async function spentIn(bench: PeerfoldBench, work: () => Promise<void>): Promise<Record<Side, number>> {
  const pids = { sender: await bench.pid('sender'), receiver: await bench.pid('receiver') }
  const before = SIDES.map(side => processorTime(pids[side]))
  await work()
  const [sender, receiver] = SIDES.map((side, at) => processorTime(pids[side]) - (before[at] ?? 0))
  return { sender: sender ?? 0, receiver: receiver ?? 0 }
}

/** Milliseconds so far, of all threads that are there: ticks of 10 ms would not do. */
function processorTime(pid: number): number {
  if (process.platform !== 'linux') return 0
  return readdirSync(`/proc/${pid}/task`).reduce((sum, task) => {
    const [ran] = readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')
    return sum + Number(ran) / NANOSECONDS
  }, 0)
}

export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}
