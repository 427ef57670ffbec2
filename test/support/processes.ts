/** The `peerfold` command as tests use it: a process of its own, its output as lines and as events. */
import { type OwnedProcess, startProcess } from './ownedProcess'
import { built } from './projectRoot'

export interface PeerfoldOptions {
  /** The data folder; each one is a person of its own. */
  readonly storage: string
  /** `host:port` of a local DHT. Without it the command would look for peers on the internet. */
  readonly bootstrap?: string
  readonly input?: string
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** One line of `--json`. */
export interface PeerfoldEvent {
  readonly event: string
  readonly [field: string]: unknown
}

export interface PeerfoldProcess extends OwnedProcess {
  /** What came so far, when run with `--json`. Lines that are no event are left out. */
  events(): PeerfoldEvent[]
  /** Waits for an event of that name. Rejects when the process ends without, or after `timeout` ms (60 s). */
  event(name: string, options?: { timeout?: number }): Promise<PeerfoldEvent>
}

export interface PeerfoldResult {
  /** null: it was killed. */
  readonly code: number | null
  readonly stdout: readonly string[]
  readonly stderr: readonly string[]
  readonly events: readonly PeerfoldEvent[]
}

/** Starts the command; the caller stops it, or waits for `ended`. */
export function startPeerfold(args: readonly string[], options: PeerfoldOptions): PeerfoldProcess {
  const common = ['--storage', options.storage]
  if (options.bootstrap !== undefined) common.push('--bootstrap', options.bootstrap)
  const command = startProcess(process.execPath, [built('cli.js'), ...args, ...common], {
    ...(options.input === undefined ? {} : { input: options.input }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  })
  return {
    ...command,
    events: () => command.stdout.map(readEvent).filter(event => event !== undefined),
    event: async (name, { timeout } = {}) => {
      const line = await command.line(
        text => readEvent(text)?.event === name,
        timeout === undefined ? {} : { timeout },
      )
      const event = readEvent(line)
      if (event === undefined) throw new Error(`not an event: ${line}`)
      return event
    },
  }
}

/** Runs the command to its end. */
export async function peerfold(args: readonly string[], options: PeerfoldOptions): Promise<PeerfoldResult> {
  const command = startPeerfold(args, options)
  const { code } = await command.ended
  return { code, stdout: command.stdout, stderr: command.stderr, events: command.events() }
}

function readEvent(line: string): PeerfoldEvent | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const value: unknown = JSON.parse(line)
    return isEvent(value) ? value : undefined
  } catch {
    return undefined // half a line, of a process that was killed while it wrote
  }
}

function isEvent(value: unknown): value is PeerfoldEvent {
  return typeof value === 'object' && value !== null && 'event' in value && typeof value.event === 'string'
}
