/**
 * A network of its own for some processes of a test (Linux), with nothing but a loopback device, which the test takes
 * down and up again. To the processes that is like a pulled cable: nothing arrives, and nobody says so.
 */
import { spawnSync } from 'node:child_process'
import { type OwnedProcess, startProcess } from './ownedProcess'
import { prepareIp } from './tools'

export class NetworkNamespace {
  private constructor(private readonly holder: OwnedProcess) {}

  /** → the namespace, or a sentence that says why there can be none here */
  static async start(): Promise<NetworkNamespace | string> {
    const ip = await prepareIp()
    if (ip !== true) return ip.reason
    // The namespace lasts as long as a process in it.
    const script = 'ip link set lo up && echo ready && exec sleep 3600'
    const holder = startProcess('unshare', ['--user', '--map-root-user', '--net', 'sh', '-c', script])
    try {
      await holder.line(line => line === 'ready', { timeout: 10_000 })
      return new NetworkNamespace(holder)
    } catch {
      await holder.stop()
      return `no network namespace can be made here: ${holder.stderr.join(' ') || 'unshare failed'}`
    }
  }

  /** What to write before a command for it to run in this network. */
  get launcher(): readonly string[] {
    const { pid } = this.holder
    return ['nsenter', '--target', String(pid), '--user', '--net', '--preserve-credentials']
  }

  /** Pulls the cable. */
  down(): void {
    this.run('ip', 'link', 'set', 'lo', 'down')
  }

  up(): void {
    this.run('ip', 'link', 'set', 'lo', 'up')
  }

  async stop(): Promise<void> {
    await this.holder.stop()
  }

  private run(...command: string[]): void {
    const [program = '', ...args] = [...this.launcher, ...command]
    const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`)
  }
}
