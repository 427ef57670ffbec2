/** One run of one tool on one workload: what it is given, and what it leaves. */
import { type OwnedProcess, type OwnedProcessOptions, startProcess } from '../support/ownedProcess'
import type { Blocking } from './blocking'
import type { Travelled } from './changes'
import { assertSameFiles } from './compareFolders'
import type { Meter, ProcessUse, Side, Spent } from './meter'
import type { Listed, OnDisk } from './onDisk'
import type { Saves } from './saves'
import type { Made, Workload } from './workloads'

/** Milliseconds a program may take: enough for the slowest with 10 GB. */
const LIMIT = 600_000

/**
 * What is timed, by the names in the table.
 *
 * - prepare: the sender, from its start until somebody can fetch (a link, a code, an index)
 * - fetch: the receiver, from its start to its end
 * - fetch again, prepare again: the same commands when nothing has changed
 * - first byte: `cat` of one small file by somebody who never had anything of the share, from the start of the command;
 *   found: the same of another file, with a peer process that runs and has found the share
 * - first entry, all entries: `ls` by somebody who never had anything of the share
 */
export type Measure =
  | 'prepare'
  | 'fetch'
  | 'fetch again'
  | 'prepare again'
  | 'first byte'
  | 'first byte, found'
  | 'first entry'
  | 'all entries'

export interface Run {
  readonly workload: string
  readonly tool: string
  readonly round: number
  readonly spent: Partial<Record<Measure, Spent>>
  /** Milliseconds at the 95th percentile, by what was asked of whom. */
  readonly answers: Record<string, number>
  readonly processes: readonly ProcessUse[]
  readonly saves?: Saves
  readonly onDisk?: OnDisk
  readonly listed?: Listed
  /** By what was changed. */
  readonly travelled?: Readonly<Record<string, Travelled>>
  /** How long the event loop of an extension host was held up. */
  readonly blocking?: Blocking
  /** Why it broke off, if it did. */
  readonly failure?: string
}

export class RunContext {
  readonly spent: Partial<Record<Measure, Spent>> = {}
  readonly answers: Record<string, number> = {}
  blocking: Blocking | undefined
  saves: Saves | undefined
  onDisk: OnDisk | undefined
  listed: Listed | undefined
  readonly travelled: Record<string, Travelled> = {}
  private readonly started = new Set<OwnedProcess>()

  constructor(
    readonly workload: Workload,
    readonly made: Made,
    /** The folder to send, or for a workload of one file that file. */
    readonly source: string,
    /** An empty folder for stores, keys and results. */
    readonly folder: string,
    readonly meter: Meter,
    /** `host:port` of a local DHT. */
    readonly dht: () => Promise<string>,
    readonly profiles: string | undefined,
  ) {}

  async time<T>(measure: Measure, work: () => Promise<T>): Promise<T> {
    const { spent, result } = await this.meter.time(work)
    this.spent[measure] = spent
    return result
  }

  /** Starts a program on one of the sides; it is ended with the run at the latest. */
  start(
    side: Side,
    program: string,
    args: readonly string[],
    options: OwnedProcessOptions = {},
  ): OwnedProcess {
    return this.startBeside(program, args, { ...options, env: { ...options.env, ...this.meter.env(side) } })
  }

  /** Starts a program that belongs to neither side, and is not counted. */
  startBeside(program: string, args: readonly string[], options: OwnedProcessOptions = {}): OwnedProcess {
    const running = startProcess(program, args, options)
    this.started.add(running)
    return running
  }

  /** Runs a program to its end. Throws with its last words when it fails. */
  async finish(
    side: Side,
    program: string,
    args: readonly string[],
    options?: OwnedProcessOptions,
  ): Promise<void> {
    const running = this.start(side, program, args, options)
    const tooLong = setTimeout(() => running.kill('SIGKILL'), LIMIT)
    const { code, signal } = await running.ended
    clearTimeout(tooLong)
    if (code === 0) return
    const words = [...running.stdout.slice(-5), ...running.stderr.slice(-10)].join('\n')
    throw new Error(`${program} ended with ${signal ?? code}\n${words}`)
  }

  /** Ends what still runs. */
  async stop(): Promise<void> {
    await Promise.all([...this.started].map(running => running.stop()))
  }

  /** Throws when the result is not the source, byte for byte. */
  check(result: string, ignore: readonly string[] = []): void {
    assertSameFiles(this.source, result, ignore)
  }
}

export interface Tool {
  readonly name: string
  /** Why it cannot run here; undefined when it can. */
  readonly missing: () => string | undefined
  /** Workloads it takes part in; all when absent. */
  readonly workloads?: readonly string[]
  readonly run: (context: RunContext) => Promise<void>
}
