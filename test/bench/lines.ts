/**
 * `npm run bench -- --only lines`: Peerfold on lines that people have, long, narrow or lossy ones, between two network
 * namespaces (Linux). Each cell is a new line with a new share. Rates count from the first content on disk to the end;
 * what comes before is told apart. Every result is compared byte for byte.
 */
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from '../support/eventually'
import { makeTree, randomBytes } from '../support/folders'
import { startLocalDht } from '../support/localDht'
import { type LineProfile, LongLine } from '../support/longLine'
import { type OwnedProcess, startProcess } from '../support/ownedProcess'
import { startPeerProgram } from '../support/peerProcess'
import { built } from '../support/projectRoot'
import { assertSameFiles } from './compareFolders'

export const PROFILES: Readonly<Record<string, LineProfile>> = {
  lan: { trip: 1, rate: 1_000 },
  office: { trip: 20, rate: 100 },
  home: { trip: 40, rate: 20, rateBack: 100, loss: 0.1 },
  ocean: { trip: 150, rate: 50, loss: 0.5 },
  mobile: { trip: 80, jitter: 20, rate: 10, loss: 1 },
}
/** What a profile has to reach of its line with a large file, and with small ones, where nothing is lost. */
const TARGET = { large: 0.9, small: 0.7 }
/** Milliseconds of one `get`. */
const LIMIT = 180_000
/** Of a large file: as much as the line carries in so many seconds, and no more than so many bytes. */
const SECONDS = 15
const MOST_BYTES = 200_000_000
const SMALL_FILES = 2_000

interface Cell {
  readonly line: string
  readonly what: 'large' | 'small'
  readonly tcp: boolean
}

interface Figures {
  /** Seconds; of a command on an empty data folder. */
  readonly firstByte?: number
  /** The same with a peer process that runs. */
  readonly firstByteRunning?: number
  /** Seconds until the first content is on disk, and from there to the end. */
  readonly first: number
  readonly rest: number
  readonly bytes: number
}

/** Measures cells and prints a table. @param wanted names of lines; all when empty. @returns a process's exit code */
export async function benchLines(folder: string, rounds: number, wanted: readonly string[]): Promise<number> {
  const rows = [
    '| line | what | streams | first byte, cold | first byte, running | first content | the rest | of the line |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
  ]
  let failed = false
  for (const line of wanted.length > 0 ? wanted : Object.keys(PROFILES)) {
    for (const what of ['small', 'large'] as const) {
      for (const tcp of [true, false]) {
        const runs: Figures[] = []
        try {
          for (let round = 0; round < rounds; round++)
            runs.push(await measure({ line, what, tcp }, join(folder, `${line}-${what}-${tcp}-${round}`)))
          rows.push(rowOf({ line, what, tcp }, runs))
        } catch (error) {
          failed = true
          rows.push(`| ${line} | ${what} | ${tcp ? 'chosen' : 'UDX'} | ${String(error).split('\n')[0]} |`)
        }
        console.log(rows.at(-1))
      }
    }
  }
  console.log(`\n${rows.join('\n')}\n\nTargets without loss: ${JSON.stringify(TARGET)} of the line`)
  return failed ? 1 : 0
}

function rowOf({ line, what, tcp }: Cell, runs: readonly Figures[]): string {
  const { trip, rate } = PROFILES[line] ?? assertProfile(line)
  const of = (figure: (run: Figures) => number | undefined) => median(runs.flatMap(run => figure(run) ?? []))
  const trips = (seconds: number | undefined) =>
    seconds === undefined ? '' : `${seconds.toFixed(2)} s, ${((seconds * 1_000) / trip).toFixed(0)} trips`
  const part = of(({ bytes, rest }) => (bytes * 8) / (rate * 1e6) / rest) ?? 0
  return `| ${[
    line,
    what,
    tcp ? 'chosen' : 'UDX',
    trips(of(run => run.firstByte)),
    trips(of(run => run.firstByteRunning)),
    `${(of(run => run.first) ?? 0).toFixed(2)} s`,
    `${(of(run => run.rest) ?? 0).toFixed(2)} s`,
    `${Math.round(part * 100)}%`,
  ].join(' | ')} |`
}

async function measure({ line: name, what, tcp }: Cell, folder: string): Promise<Figures> {
  const profile = PROFILES[name] ?? assertProfile(name)
  mkdirSync(folder, { recursive: true })
  const line = await LongLine.start(profile)
  if (typeof line === 'string') throw new Error(line)
  const ends: (() => Promise<unknown>)[] = [() => line.stop()]
  try {
    if (!line.isCubic)
      console.log('TCP runs with this system’s own congestion control: CUBIC is not to be had')
    const dht = await startLocalDht({ launcher: line.launcher(0), host: line.address })
    ends.push(() => dht.stop())
    const { bootstrap } = dht
    const at = (store: string) => join(folder, store)
    const run = (end: 0 | 1, store: string, ...args: readonly string[]) => {
      const [program = '', ...before] = line.launcher(end)
      const all = [...before, process.execPath, built('cli.js'), ...args]
      const started = startProcess(program, [...all, '--bootstrap', bootstrap, '--storage', at(store)])
      ends.push(() => started.stop())
      return started
    }
    const peer = async (end: 0 | 1, store: string) => {
      const started = startPeerProgram({ storage: at(store), bootstrap, tcp, launcher: line.launcher(end) })
      ends.push(() => started.stop())
      await started.line(text => text.includes('listening, pid'), { timeout: 60_000 })
    }
    const source = await sourceOf(what, profile, at('source'))
    await peer(0, 'sender')
    await peer(1, 'receiver')
    const share = run(0, 'sender', 'share', source)
    const link = await share.line(() => true, { timeout: 60_000 })
    const seconds = async (started: OwnedProcess, began = performance.now()) => {
      const tooLong = setTimeout(() => started.kill('SIGKILL'), LIMIT)
      const { code } = await started.ended
      clearTimeout(tooLong)
      if (code !== 0) throw new Error(`ended with ${code}: ${started.stderr.slice(-2).join(' ')}`)
      return (performance.now() - began) / 1_000
    }
    const firstBytes: Pick<Figures, 'firstByte' | 'firstByteRunning'> = {}
    if (what === 'small') {
      const path = 'd3/f3.txt'
      await peer(1, 'running')
      Object.assign(firstBytes, {
        ...(tcp ? { firstByte: await seconds(run(1, 'cold', 'cat', link, path)) } : {}),
        firstByteRunning: await seconds(run(1, 'running', 'cat', link, path)),
      })
    }
    const result = at('result')
    mkdirSync(result)
    const began = performance.now()
    const get = run(1, 'receiver', 'get', link, result)
    let first = Number.NaN
    const looking = eventually('the first content is here', () => isAnythingIn(result), LIMIT, 25).then(
      () => {
        first = (performance.now() - began) / 1_000
      },
    )
    const all = await seconds(get, began)
    await looking
    assertSameFiles(source, result, [])
    return { ...firstBytes, first, rest: Math.max(0.001, all - first), bytes: bytesOf(source) }
  } finally {
    for (const end of ends.reverse()) await end()
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function sourceOf(what: Cell['what'], { rate }: LineProfile, folder: string): Promise<string> {
  if (what === 'large') {
    const size = Math.min((rate * 1e6 * SECONDS) / 8, MOST_BYTES)
    return makeTree(folder, { 'large.bin': randomBytes(size, 1) })
  }
  const tree: Record<string, Record<string, Uint8Array>> = {}
  for (let at = 0; at < SMALL_FILES; at++) {
    const name = `d${at % 40}`
    tree[name] ??= {}
    tree[name][`f${at}.txt`] = randomBytes(1_000 + ((at * 7_919) % 7_000), at)
  }
  return makeTree(folder, tree)
}

function isAnythingIn(folder: string): boolean {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).some(
    entry =>
      entry.isFile() &&
      (statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0) > 0,
  )
}

function bytesOf(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)
}

function median(figures: readonly number[]): number | undefined {
  const sorted = [...figures].sort((a, b) => a - b)
  return sorted[sorted.length >> 1]
}

function assertProfile(name: string): never {
  throw new Error(`there is no line ${name}`)
}
