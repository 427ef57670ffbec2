/**
 * What travels when a large file is changed a little, renamed, or both: the shared file is changed, and a folder that has
 * the version before is brought up to date by `get`. The result is compared byte for byte each time.
 */
import {
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { PeerfoldBench, publishAgain } from './peerfold'
import type { RunContext, Tool } from './run'

const LIMIT = 60_000

/** What one change cost. */
export interface Travelled {
  /** Bytes of content that were fetched, and of the file. */
  readonly fetched: number
  readonly bytes: number
  /** Seconds until it was published, and until the folder was up to date, both with the start of the command or request. */
  readonly published: number
  readonly updated: number
}

export const CHANGED = ['C100', 'C1G', 'changes-smoke'] as const

export const changing: Tool = {
  name: 'peerfold changes',
  missing: () => undefined,
  workloads: CHANGED,
  run: async context => {
    const bench = await PeerfoldBench.start(context)
    try {
      await change(bench)
    } finally {
      await bench.stop()
    }
  },
}

const CHANGES: Readonly<Record<string, (path: string) => void>> = {
  'one byte changed': changeByte,
  'a byte put before it': path => writeFileSync(path, Buffer.concat([Buffer.of(0), readFileSync(path)])),
  renamed: path => renameSync(path, `${path}.bin`),
  'renamed and one byte changed': path => {
    changeByte(path)
    renameSync(path, `${path}.bin`)
  },
}

async function change(bench: PeerfoldBench): Promise<void> {
  const { context } = bench
  const target = join(context.folder, 'target')
  const { link } = await bench.share([])
  await bench.get(link, target)
  await bench.ended('receiver')
  const sender = await bench.attach('sender')
  const { shares } = await sender.request('state.get', {}, { timeout: LIMIT })
  const [share] = shares
  if (share === undefined) throw new Error('nothing is shared')
  await eachChange(context, async () => {
    const published = await secondsOf(() => publishAgain(sender, share.id))
    let fetched = 0
    const updated = await secondsOf(async () => {
      fetched = (await bench.get(link, target)).fetched
    })
    await bench.ended('receiver')
    // What has another name in the share stays in a copy.
    const former = readdirSync(target).filter(name => name !== nameIn(context))
    context.check(target, former)
    return { fetched, published, updated }
  })
  sender.close()
}

/** Makes each of the changes, and notes what it cost to bring it over. */
export async function eachChange(
  context: RunContext,
  bringOver: () => Promise<Omit<Travelled, 'bytes'>>,
): Promise<void> {
  for (const [what, make] of Object.entries(CHANGES)) {
    make(fileIn(context))
    context.travelled[what] = { ...(await bringOver()), bytes: context.made.bytes }
  }
}

function nameIn({ source }: RunContext): string {
  return readdirSync(source).find(name => !name.startsWith('.')) ?? ''
}

function fileIn(context: RunContext): string {
  return join(context.source, nameIn(context))
}

/** In the middle. */
function changeByte(path: string): void {
  const file = openSync(path, 'r+')
  const byte = Buffer.alloc(1)
  const middle = fstatSync(file).size >> 1
  readSync(file, byte, 0, 1, middle)
  writeSync(file, Buffer.of((byte[0] ?? 0) ^ 1), 0, 1, middle)
  closeSync(file)
}

export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1_000
}
