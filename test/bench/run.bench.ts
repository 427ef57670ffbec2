/**
 * `npm run bench`: Peerfold beside other tools, on this machine, over loopback and a local DHT. Every workload is made
 * anew; in every round every tool moves it once into fresh folders, in turn, and its result is compared byte for byte.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type LocalDht, startLocalDht } from '../support/localDht'
import { projectRoot } from '../support/projectRoot'
import { changing } from './changes'
import { editor } from './editor'
import { installReferences } from './install'
import { benchLines } from './lines'
import { Meter } from './meter'
import { onDisk, versionsListed } from './onDisk'
import { type BenchOptions, HELP, LINES, readOptions } from './options'
import { peerfoldTools } from './peerfold'
import { listing, responsiveness } from './peerfoldOnly'
import { makePlace } from './place'
import { asJson, machine, missedTarget, type Result, table } from './report'
import { rsync } from './rsync'
import { type Run, RunContext, type Tool } from './run'
import { saving } from './saves'
import { stock } from './stock'
import { syncthing, syncthingChanges, syncthingInStep } from './syncthing'
import { type Made, WORKLOADS, type Workload } from './workloads'
import { wormholes } from './wormhole'

const TOOLS: readonly Tool[] = [
  ...peerfoldTools,
  rsync,
  ...wormholes,
  syncthing,
  stock,
  listing,
  responsiveness,
  saving,
  onDisk,
  syncthingInStep,
  versionsListed,
  changing,
  syncthingChanges,
  editor,
]
/** Of all stores and results of one round on lines. */
const LINES_BYTES = 500_000_000
/** Milliseconds. Another tool that takes longer for one round tells enough with it. */
const SLOW = 25_000

async function main(given: readonly string[]): Promise<number> {
  const options = readOptions(given)
  if (options.help) {
    process.stdout.write(HELP)
    return 0
  }
  if (options.only.includes(LINES)) {
    const wanted = options.only.filter(name => name !== LINES)
    return benchLines(makePlace(LINES_BYTES, options.folder), options.rounds, wanted)
  }
  if (options.install) installReferences()
  const tools = chooseTools(options)
  const largest = Math.max(...options.only.map(name => workloadOf(name).about))
  const folder = makePlace(largest, options.folder)
  const about = machine(dirname(folder))
  console.log(
    Object.entries(about)
      .map(([name, value]) => `${name}: ${value}`)
      .join('\n'),
  )
  const dht = await startLocalDht()
  const results: Result[] = []
  try {
    for (const name of options.only) {
      const result = await runWorkload(workloadOf(name), tools, options, folder, dht)
      results.push(result)
      console.log(`\n${table(result)}`)
    }
  } finally {
    await dht.stop()
  }
  const json = resolve(options.json ?? join(projectRoot, 'out', 'bench.json'))
  mkdirSync(dirname(json), { recursive: true })
  writeFileSync(json, `${JSON.stringify(asJson(about, results), null, 2)}\n`)
  console.log(`figures: ${json}`)
  const failed = results.some(({ runs }) => runs.some(({ failure }) => failure !== undefined))
  return failed || results.some(missedTarget) ? 1 : 0
}

function chooseTools({ tools: wanted }: BenchOptions): Tool[] {
  const unknown = wanted?.find(name => !TOOLS.some(tool => isNamed(tool, name)))
  if (unknown !== undefined)
    throw new Error(`there is no tool ${unknown}; there are ${TOOLS.map(({ name }) => name).join(', ')}`)
  return TOOLS.filter(tool => {
    if (wanted !== undefined && !wanted.some(name => isNamed(tool, name))) return false
    const missing = tool.missing()
    if (missing !== undefined) console.log(`skipped ${tool.name}: ${missing} (--install gets it on Debian)`)
    return missing === undefined
  })
}

/** `stock` means the stock hyperdrive mirror, `peerfold` Peerfold in all its ways. */
function isNamed({ name }: Tool, wanted: string): boolean {
  return (
    name.toLowerCase() === wanted.toLowerCase() || name.toLowerCase().startsWith(`${wanted.toLowerCase()} `)
  )
}

async function runWorkload(
  workload: Workload,
  tools: readonly Tool[],
  options: BenchOptions,
  folder: string,
  dht: LocalDht,
): Promise<Result> {
  const place = mkdtempSync(join(folder, `${workload.name}-`))
  const sourceFolder = join(place, 'source')
  mkdirSync(sourceFolder)
  const made = workload.make(sourceFolder)
  const source = workload.isFile ? join(sourceFolder, 'one.bin') : sourceFolder
  const fitting = tools.filter(tool => takesPart(tool, workload))
  const runs: Run[] = []
  const slow = new Set<string>()
  for (let round = 1; round <= options.rounds; round++) {
    for (const tool of inTurn(fitting, round)) {
      if (slow.has(tool.name)) continue
      const started = Date.now()
      const run = await runOnce(tool, workload, made, source, place, dht, options, round)
      if (Date.now() - started > SLOW && tool.name !== 'peerfold') slow.add(tool.name)
      runs.push(run)
      console.log(summary(run))
    }
  }
  rmSync(place, { recursive: true, force: true })
  return { workload, made, runs }
}

/** Whoever runs first pays for memory that the machine has to get first: each round another one begins. */
function inTurn(tools: readonly Tool[], round: number): readonly Tool[] {
  const first = (round - 1) % Math.max(1, tools.length)
  return [...tools.slice(first), ...tools.slice(0, first)]
}

function takesPart({ workloads, name }: Tool, workload: Workload): boolean {
  if (workloads !== undefined) return workloads.includes(workload.name)
  if (workload.ownOnly !== undefined) return false
  return workload.name !== 'smoke' || name === 'peerfold'
}

async function runOnce(
  tool: Tool,
  workload: Workload,
  made: Made,
  source: string,
  place: string,
  dht: LocalDht,
  { profiles }: BenchOptions,
  round: number,
): Promise<Run> {
  const folder = mkdtempSync(join(place, 'run-'))
  const meter = new Meter()
  const profileFolder = profiles === undefined ? undefined : resolve(profiles)
  const context = new RunContext(
    workload,
    made,
    source,
    folder,
    meter,
    async () => dht.bootstrap,
    profileFolder,
  )
  let failure: string | undefined
  try {
    await tool.run(context)
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error)
  }
  await context.stop()
  meter.stop()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  const { spent, answers, saves, onDisk, listed, travelled, blocking } = context
  const { processes } = meter
  const run = {
    workload: workload.name,
    tool: tool.name,
    round,
    spent,
    answers,
    processes,
    ...(saves === undefined ? {} : { saves }),
    ...(onDisk === undefined ? {} : { onDisk }),
    ...(listed === undefined ? {} : { listed }),
    ...(Object.keys(travelled).length === 0 ? {} : { travelled }),
    ...(blocking === undefined ? {} : { blocking }),
  }
  return failure === undefined ? run : { ...run, failure }
}

function summary({ workload, tool, round, spent, failure }: Run): string {
  const parts = Object.entries(spent).map(([measure, { seconds }]) => `${measure} ${seconds.toFixed(2)} s`)
  return `${workload} ${round} ${tool}: ${parts.join(', ')}${failure === undefined ? '' : ` FAILED: ${failure}`}`
}

function workloadOf(name: string): Workload {
  const workload = WORKLOADS[name]
  if (workload === undefined) throw new Error(`there is no workload ${name}`)
  return workload
}

main(process.argv.slice(2)).then(
  code => process.exit(code),
  error => {
    console.error(error instanceof Error ? error.message : error)
    process.exit(2)
  },
)
