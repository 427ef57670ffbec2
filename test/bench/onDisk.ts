/**
 * A folder that is kept in step with a share: how soon a save is on the other disk, and half of all files at once; and
 * how soon a thousand versions are listed, on either side.
 */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Connection } from '../../src/wire/connection'
import { PeerfoldBench, publishAgain } from './peerfold'
import type { RunContext, Tool } from './run'
import { pause, percentile } from './saves'

const LIMIT = 60_000
const SAVES = 30
/** Milliseconds between two saves: by then nothing of the one before is under way. */
const PAUSE = 700
/** Milliseconds between two looks at the other disk. */
const LOOK_EVERY = 2
/** The same while many files are awaited: looking often would keep one of two processors busy. */
const LOOK_AT_MANY_EVERY = 20
const VERSIONS = 1_000
/** Of a few files the same is done only to see that it can be done. */
const FEW_FILES = 1_000
const FEW = 3

/** Milliseconds. */
export interface OnDisk {
  /** From a save until the file is on the other disk. */
  readonly p50: number
  readonly p95: number
  /** From the first write until all of half the files are there. */
  readonly half: number
}

/** Milliseconds in which so many versions are listed. */
export interface Listed {
  readonly versions: number
  readonly sender: number
  readonly receiver: number
}

export const IN_STEP = ['D10k', 'disk-smoke'] as const

export const onDisk: Tool = {
  name: 'peerfold in step',
  missing: () => undefined,
  workloads: IN_STEP,
  run: context => withBench(context, keepInStep),
}

export const versionsListed: Tool = {
  name: 'peerfold versions',
  missing: () => undefined,
  workloads: ['V1k', 'versions-smoke'],
  run: context => withBench(context, listVersions),
}

async function withBench(context: RunContext, work: (bench: PeerfoldBench) => Promise<void>): Promise<void> {
  const bench = await PeerfoldBench.start(context)
  try {
    await work(bench)
  } finally {
    await bench.stop()
  }
}

async function openBoth(bench: PeerfoldBench) {
  const { link } = await bench.share([])
  const command = await bench.command('receiver', 'receiver', ['ls', link])
  const reader = await bench.attach('receiver')
  const { id } = await reader.request('open.add', { link, keep: false }, { timeout: LIMIT })
  await reader.request('open.ready', { id, newest: true, timeout: LIMIT }, { timeout: LIMIT })
  await command.ended
  return { reader, id }
}

async function keepInStep(bench: PeerfoldBench): Promise<void> {
  const { context } = bench
  const { reader, id } = await openBoth(bench)
  const folder = join(context.folder, 'in-step')
  mkdirSync(folder)
  await reader.request(
    'live.start',
    { id, path: '/' as never, folder, keep: false, umask: 0o022 },
    { timeout: LIMIT },
  )
  context.onDisk = await timesInStep(context, folder)
  reader.close()
}

/** Saves in the source, once both folders are the same, until they are in the other one. */
export async function timesInStep(context: RunContext, folder: string): Promise<OnDisk> {
  const files = readdirSync(context.source, { recursive: true, encoding: 'utf8' })
    .filter(file => statSync(join(context.source, file)).isFile())
    .sort()
  await until(() => existAll(folder, files))
  const isSmall = context.made.files < FEW_FILES
  const times: number[] = []
  for (let at = 0; at < (isSmall ? FEW : SAVES); at++) {
    await pause(PAUSE)
    const file = files[Math.floor((at * files.length) / SAVES)] ?? ''
    times.push(await change(context.source, folder, [file], `save ${at}`))
  }
  await pause(PAUSE)
  const half = await change(context.source, folder, files.slice(0, files.length / 2), 'one of half of all')
  return { p50: percentile(times, 0.5), p95: percentile(times, 0.95), half }
}

/** Writes these files, each with other content of the length it had. → milliseconds until all are in the other folder */
async function change(
  source: string,
  folder: string,
  files: readonly string[],
  text: string,
): Promise<number> {
  const contents = files.map(file => {
    const { size } = statSync(join(source, file))
    return `${text} of ${file} `.padEnd(size, file)
  })
  const start = performance.now()
  for (const [at, file] of files.entries()) writeFileSync(join(source, file), contents[at] ?? '')
  let there = 0
  const areThere = () => {
    while (there < files.length && textOf(join(folder, files[there] ?? '')) === contents[there]) there++
    return there === files.length
  }
  await until(areThere, files.length > 1 ? LOOK_AT_MANY_EVERY : LOOK_EVERY)
  return performance.now() - start
}

async function listVersions(bench: PeerfoldBench): Promise<void> {
  const { context } = bench
  const { reader, id } = await openBoth(bench)
  const sender = await bench.attach('sender')
  const versions = context.workload.onRequest ? FEW : VERSIONS
  const [file = ''] = readdirSync(context.source, { recursive: true, encoding: 'utf8' })
    .filter(name => statSync(join(context.source, name)).isFile())
    .sort()
  for (let at = 1; at < versions; at++) {
    writeFileSync(join(context.source, file), `version ${at}`)
    await publishAgain(sender, id)
  }
  await reader.request('open.ready', { id, newest: true, timeout: LIMIT }, { timeout: LIMIT })
  const list = async (peer: Connection) => {
    const start = performance.now()
    const params = { id, limit: versions, timeout: LIMIT }
    const listed = await peer.request('versions.list', params, { timeout: LIMIT })
    if (listed.versions.length < versions) throw new Error(`${listed.versions.length} versions were listed`)
    return performance.now() - start
  }
  context.listed = { versions, sender: await list(sender), receiver: await list(reader) }
  for (const peer of [sender, reader]) peer.close()
}

async function until(isSo: () => boolean, every = LOOK_EVERY): Promise<void> {
  const deadline = performance.now() + LIMIT
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error('the other folder is not in step')
    await pause(every)
  }
}

function existAll(folder: string, files: readonly string[]): boolean {
  return files.every(file => statSync(join(folder, file), { throwIfNoEntry: false }) !== undefined)
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined // it is not there yet
  }
}
