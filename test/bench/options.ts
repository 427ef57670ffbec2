/** What `npm run bench -- …` was asked for. */
import { parseArgs } from 'node:util'
import { PROFILES } from './lines'
import { WORKLOADS } from './workloads'

export interface BenchOptions {
  /** Names of workloads, in the order they run. */
  readonly only: readonly string[]
  /** Names of tools; undefined: all that are there. */
  readonly tools: readonly string[] | undefined
  readonly rounds: number
  /** Where profiles of Peerfold's peer processes go. */
  readonly profiles: string | undefined
  /** Where the figures go as JSON. */
  readonly json: string | undefined
  /** The folder to work in instead of one that is found. */
  readonly folder: string | undefined
  readonly install: boolean
  readonly help: boolean
}

/** What is asked for in place of workloads; see lines.ts. */
export const LINES = 'lines'

export const HELP = `npm run bench -- [options]

  --only W2,W3       workloads: ${Object.keys(WORKLOADS).join(', ')}
  --only lines       Peerfold on long, narrow and lossy lines instead (Linux); takes a quarter of an hour a round;
                     --only lines,home those of one profile: ${Object.keys(PROFILES).join(', ')}
  --tools a,b        tools, by the names that the tables show; Peerfold and what is installed otherwise
  --rounds N         rounds of every workload (3); another tool that takes over 25 s has one
  --install          first installs the tools to compare with (Debian: apt-get; one package from npm, into a cache)
  --cpu-prof DIR     writes profiles of Peerfold's peer processes there
  --json FILE        writes the figures there (out/bench.json)
  --folder DIR       works in a new folder in there (memory when it has room, else the system's temporary folder)
`

/** Throws with a sentence about what is wrong. */
export function readOptions(given: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...given],
    options: {
      only: { type: 'string' },
      tools: { type: 'string' },
      rounds: { type: 'string', default: '3' },
      'cpu-prof': { type: 'string' },
      json: { type: 'string' },
      folder: { type: 'string' },
      install: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const rounds = Number(values.rounds)
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new Error(`--rounds needs a number, not “${values.rounds}”`)
  const only =
    list(values.only) ?? Object.values(WORKLOADS).flatMap(({ name, onRequest }) => (onRequest ? [] : [name]))
  const unknown = only.find(name => WORKLOADS[name] === undefined && !isLine(name))
  if (unknown !== undefined)
    throw new Error(
      `there is no workload ${unknown}; there are ${Object.keys(WORKLOADS).join(', ')}, ${LINES}`,
    )
  return {
    only,
    tools: list(values.tools),
    rounds,
    profiles: values['cpu-prof'],
    json: values.json,
    folder: values.folder,
    install: values.install,
    help: values.help,
  }
}

function isLine(name: string): boolean {
  return name === LINES || PROFILES[name] !== undefined
}

function list(text: string | undefined): string[] | undefined {
  return text?.split(',').filter(name => name !== '')
}
