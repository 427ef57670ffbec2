/**
 * What is measured of Peerfold alone: how soon a large folder is listed, and how soon the peer processes answer while
 * they move a gigabyte.
 */
import { join } from 'node:path'
import type { ShareId } from '../../src/common/brand'
import type { Connection } from '../../src/wire/connection'
import { drivePath, PeerfoldBench } from './peerfold'
import type { RunContext, Tool } from './run'

const LIMIT = 60_000
/** Milliseconds between two questions: an editor asks now and then, and the asking itself must not be the load. */
const PAUSE = 10

export const listing: Tool = {
  name: 'peerfold ls',
  missing: () => undefined,
  workloads: ['L100k'],
  run: context => withBench(context, list),
}

export const responsiveness: Tool = {
  name: 'peerfold answers',
  missing: () => undefined,
  workloads: ['R'],
  run: context => withBench(context, answer),
}

async function withBench(context: RunContext, work: (bench: PeerfoldBench) => Promise<void>): Promise<void> {
  const bench = await PeerfoldBench.start(context)
  try {
    await work(bench)
  } finally {
    await bench.stop()
  }
}

async function list(bench: PeerfoldBench): Promise<void> {
  const { context } = bench
  const { link } = await context.time('prepare', () => bench.share())
  const command = await context.time('first entry', async () => {
    const started = await bench.command('receiver', 'receiver', ['ls', link])
    await started.line(() => true, { timeout: LIMIT })
    return started
  })
  const first = context.spent['first entry']
  const { spent } = await context.meter.time(() => command.ended)
  if (command.stdout.length !== context.made.files)
    throw new Error(`ls showed ${command.stdout.length} entries`)
  if (first !== undefined)
    context.spent['all entries'] = {
      seconds: first.seconds + spent.seconds,
      cpu: { sender: first.cpu.sender + spent.cpu.sender, receiver: first.cpu.receiver + spent.cpu.receiver },
    }
}

/** Asks both peer processes for their state, and for stats and bytes of small files, all the while. */
async function answer(bench: PeerfoldBench): Promise<void> {
  const { context } = bench
  const publishing = context.time('prepare', () => bench.share())
  const sender = await bench.attach('sender')
  await askWhile(context, publishing, {
    'state while publishing': () => sender.request('state.get', {}, { timeout: LIMIT }),
  })
  const { link } = await publishing

  const target = join(context.folder, 'target')
  const fetching = context.time('fetch', () => bench.get(link, target))
  const receiver = await bench.attach('receiver')
  const { id } = await receiver.request('open.add', { link, keep: false }, { timeout: LIMIT })
  await receiver.request('open.ready', { id, newest: false, timeout: LIMIT }, { timeout: LIMIT })
  await askWhile(context, fetching, {
    ...questions('sender', sender, id),
    ...questions('receiver', receiver, id),
  })
  await fetching
  context.check(target)
  sender.close()
  receiver.close()
}

type Questions = Record<string, () => Promise<unknown>>

function questions(name: string, peer: Connection, id: ShareId): Questions {
  let at = 0
  const path = () => drivePath(`small/d${String(at % 20).padStart(3, '0')}/f${at++ % 20}.bin`)
  return {
    [`state of the ${name}`]: () => peer.request('state.get', {}, { timeout: LIMIT }),
    [`fs.stat of the ${name}`]: () => peer.request('fs.stat', { id, path: path() }, { timeout: LIMIT }),
    [`fs.read of the ${name}`]: () =>
      peer.request('fs.read', { id, path: path(), limit: 1_000_000, timeout: LIMIT }, { timeout: LIMIT }),
  }
}

/** Asks one question after the other until the work is done. */
async function askWhile(context: RunContext, work: Promise<unknown>, asked: Questions): Promise<void> {
  let done = false
  const finished = work.finally(() => {
    done = true
  })
  finished.catch(isAwaitedByTheCaller)
  const times = new Map<string, number[]>()
  while (!done) {
    for (const [name, ask] of Object.entries(asked)) {
      const start = performance.now()
      await ask()
      times.set(name, [...(times.get(name) ?? []), performance.now() - start])
      await new Promise(resolve => setTimeout(resolve, PAUSE))
    }
  }
  for (const [name, all] of times) context.answers[name] = percentile95(all)
}

function percentile95(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.95))] ?? 0
}

function isAwaitedByTheCaller(): void {}
