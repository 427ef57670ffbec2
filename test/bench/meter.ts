/**
 * Watches the processes of a run from outside: what time of the processors they used, and their peak memory. Every
 * process belongs to a side, the sender's or the receiver's: it was started with a marker in its environment, and
 * passes that on to its children; those that clear their environment (sshd) are known by their parent.
 *
 * Linux only, from /proc. Elsewhere there are times by the clock and no more.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'

const EVERY = 40
const MARKER = 'PEERFOLD_BENCH_SIDE'
/** Ticks of utime and stime in /proc; Linux tells programs 100 a second on every system there is. */
const TICKS_PER_SECOND = 100

export type Side = 'sender' | 'receiver'
export const SIDES: readonly Side[] = ['sender', 'receiver']

export interface ProcessUse {
  readonly pid: number
  readonly side: Side
  name: string
  /** Seconds of processor time. */
  cpu: number
  /** Bytes: its own high-water mark (VmHWM). */
  peak: number
}

/** What was used between two looks, in seconds. */
export interface Spent {
  readonly seconds: number
  readonly cpu: Readonly<Record<Side, number>>
}

export class Meter {
  private readonly used = new Map<number, ProcessUse>()
  private readonly foreign = new Set<number>()
  private readonly timer: NodeJS.Timeout
  private readonly id = `${process.pid}-${runs++}`

  constructor() {
    this.timer = setInterval(() => this.look(), EVERY)
  }

  /** The environment that puts a process, and all it starts, on a side. */
  env(side: Side): Record<string, string> {
    return { [MARKER]: `${this.id}-${side}` }
  }

  /** Times some work. Its own time is that between the calls; processor time is that of both sides meanwhile. */
  async time<T>(work: () => Promise<T>): Promise<{ spent: Spent; result: T }> {
    this.look()
    const before = this.cpu()
    const start = performance.now()
    const result = await work()
    const seconds = (performance.now() - start) / 1000
    this.look()
    const after = this.cpu()
    const cpu = { sender: after.sender - before.sender, receiver: after.receiver - before.receiver }
    return { spent: { seconds, cpu }, result }
  }

  /** All processes seen so far, those that ended included. */
  get processes(): readonly Readonly<ProcessUse>[] {
    return [...this.used.values()]
  }

  stop(): void {
    this.look()
    clearInterval(this.timer)
  }

  private cpu(): Record<Side, number> {
    const sum = { sender: 0, receiver: 0 }
    for (const { side, cpu } of this.used.values()) sum[side] += cpu
    return sum
  }

  private look(): void {
    for (const pid of processIds()) {
      if (this.foreign.has(pid)) continue
      const stat = readProc(pid, 'stat')
      if (stat === '') continue
      const known = this.used.get(pid)
      const side = known?.side ?? this.sideOf(pid, stat)
      if (side === undefined) continue
      const use = known ?? { pid, side, name: '', cpu: 0, peak: 0 }
      this.used.set(pid, use)
      use.name = nameOf(pid) || use.name // for a moment after its start it is still called as its parent
      const fields = fieldsAfterName(stat)
      use.cpu = Math.max(use.cpu, (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND)
      use.peak = Math.max(use.peak, peakOf(pid))
    }
  }

  private sideOf(pid: number, stat: string): Side | undefined {
    const environment = readProc(pid, 'environ')
    const parent = this.used.get(Number(fieldsAfterName(stat)[1]))
    const marked = SIDES.find(side => environment.includes(`${MARKER}=${this.id}-${side}\0`))
    // One that is just being started has no environment yet: the next look tells.
    if (marked === undefined && parent === undefined && environment !== '') this.foreign.add(pid)
    return marked ?? parent?.side
  }
}

let runs = 0

function processIds(): number[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc').map(Number).filter(Number.isInteger)
}

/** The program, and for Node the script that it runs. */
function nameOf(pid: number): string {
  const [program = '', ...args] = readProc(pid, 'cmdline').split('\0')
  const script = args.find(arg => /\.[cm]?js$/.test(arg))
  return basename(script ?? program.split(' ')[0] ?? '')
}

function peakOf(pid: number): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB/m.exec(readProc(pid, 'status')) ?? []
  return Number(kilobytes ?? 0) * 1024
}

/** The fields of /proc/<pid>/stat from the state on; the name before them may hold anything. */
function fieldsAfterName(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

/** '' for a process that is gone or not ours to look at. */
function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return '' // it ended meanwhile, or belongs to somebody else
  }
}
