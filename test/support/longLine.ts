/**
 * Two machines at the ends of a long line (Linux): a network namespace for each, and a program between them that delays,
 * loses and holds back packets (longLine.c). If this machine allows it, TCP runs with CUBIC, as on most people's systems.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from './folders'
import { type OwnedProcess, startProcess } from './ownedProcess'
import { projectRoot } from './projectRoot'
import { prepareIp } from './tools'

export interface LineProfile {
  /** Milliseconds of a round trip, and by how much trips differ. */
  readonly trip: number
  readonly jitter?: number
  /** Megabits a second, from the first end to the second and back. */
  readonly rate: number
  readonly rateBack?: number
  /** Percent of packets, each way. */
  readonly loss?: number
  /** Milliseconds that packets may wait for the line. */
  readonly queue?: number
}

const ALLOWED = '/proc/sys/net/ipv4/tcp_allowed_congestion_control'
const HOLD = 'ip link set lo up && echo ready && exec sleep 3600'

export class LongLine {
  /** The address of the first end. */
  readonly address = '10.77.1.1'

  private constructor(
    private readonly holders: readonly [OwnedProcess, OwnedProcess],
    private readonly carrier: OwnedProcess,
    /** TCP runs with CUBIC. */
    readonly isCubic: boolean,
  ) {}

  /** → the line, or a sentence that says why there can be none here */
  static async start(profile: LineProfile): Promise<LongLine | string> {
    const ip = await prepareIp()
    if (ip !== true) return ip.reason
    if (!existsSync('/dev/net/tun')) return 'there is no /dev/net/tun'
    const program = join(temporaryFolder('line'), 'longLine')
    const source = join(projectRoot, 'test', 'support', 'longLine.c')
    const { status, stderr } = spawnSync('cc', ['-O2', '-o', program, source], { encoding: 'utf8' })
    if (status !== 0) return `longLine.c cannot be compiled here: ${stderr ?? 'there is no cc'}`
    const started: OwnedProcess[] = []
    try {
      const first = startProcess('unshare', ['--user', '--map-root-user', '--net', 'sh', '-c', HOLD])
      started.push(first)
      await isReady(first, 'ready')
      const beside = ['--target', String(first.pid), '--user', '--preserve-credentials']
      const second = startProcess('nsenter', [...beside, 'unshare', '--net', 'sh', '-c', HOLD])
      started.push(second)
      await isReady(second, 'ready')
      const { trip, jitter = 0, rate, rateBack = rate, loss = 0, queue = 200 } = profile
      const figures = [trip, jitter, rate, rateBack, loss, queue].map(String)
      const places = [first, second].map(({ pid }) => `/proc/${pid}/ns/net`)
      const carrier = startProcess('nsenter', [...beside, program, ...places, ...figures])
      started.push(carrier)
      await isReady(carrier, 'up')
      const line = new LongLine([first, second], carrier, allowCubic())
      line.setUp()
      return line
    } catch (error) {
      for (const each of started) await each.stop()
      const words = started.flatMap(each => each.stderr).join(' ')
      return `no line can be made here: ${words || String(error)}`
    }
  }

  /** What to write before a command for it to run at one end. */
  launcher(end: 0 | 1): readonly string[] {
    const pid = String(this.holders[end].pid)
    return ['nsenter', '--target', pid, '--user', '--net', '--preserve-credentials']
  }

  /** Ends all of it. → what was carried, a sentence for each direction */
  async stop(): Promise<readonly string[]> {
    await this.carrier.stop()
    for (const holder of this.holders) await holder.stop()
    return this.carrier.stdout.filter(text => text.includes('packets'))
  }

  private setUp(): void {
    for (const [end, address] of [
      [0, `${this.address}/16`],
      [1, '10.77.2.1/16'],
    ] as const) {
      this.run(end, 'ip', 'addr', 'add', address, 'dev', 'line0')
      this.run(end, 'ip', 'link', 'set', 'line0', 'up')
      if (this.isCubic) this.run(end, 'sysctl', '-qw', 'net.ipv4.tcp_congestion_control=cubic')
    }
  }

  private run(end: 0 | 1, ...command: readonly string[]): void {
    const [program = '', ...args] = [...this.launcher(end), ...command]
    const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`)
  }
}

async function isReady(holder: OwnedProcess, word: string): Promise<void> {
  await holder.line(line => line === word, { timeout: 10_000 })
}

/** A namespace may choose only what the machine allows to everybody. */
function allowCubic(): boolean {
  try {
    const allowed = readFileSync(ALLOWED, 'utf8').trim().split(' ')
    if (!allowed.includes('cubic')) writeFileSync(ALLOWED, [...allowed, 'cubic'].join(' '))
    return true
  } catch {
    return false
  }
}
