/**
 * Peerfold as a person uses it: `share --once` on one data folder, `get` on another, `cat` and `ls` on new ones. Every
 * command starts its peer process, and its time ends with its own end or, for `share`, with the link.
 */
import { mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { attachToPeer } from '../../src/client/attach'
import { waitForEnd } from '../../src/client/ended'
import { PEER_ENV, PEER_FLAGS } from '../../src/client/startPeer'
import type { DrivePath, ShareId } from '../../src/common/brand'
import type { Connection } from '../../src/wire/connection'
import { readEndpoint } from '../../src/wire/endpoint'
import type { OwnedProcess } from '../support/ownedProcess'
import { type PeerfoldProcess, startPeerfold } from '../support/processes'
import { built } from '../support/projectRoot'
import { sharedAgain } from '../support/sharedAgain'
import type { Side } from './meter'
import type { RunContext, Tool } from './run'

const LIMIT = 600_000
const END_LIMIT = 20_000

interface Variant {
  readonly name: string
  readonly isPublic?: boolean
  /** The share follows its file, so that large ones stay in place and are not stored a second time. */
  readonly follows?: boolean
  /** Bytes go over UDX although TCP could be had. */
  readonly noTcp?: boolean
  readonly workloads?: readonly string[]
}

const VARIANTS: readonly Variant[] = [
  { name: 'peerfold' },
  { name: 'peerfold --public', isPublic: true, workloads: ['W1', 'W2', 'W3'] },
  { name: 'peerfold over UDX', noTcp: true, workloads: ['W1'] },
  { name: 'peerfold following', follows: true, workloads: ['W1', 'W10'] },
  { name: 'peerfold following over UDX', follows: true, noTcp: true, workloads: ['W1', 'W10'] },
]

export const peerfoldTools: readonly Tool[] = VARIANTS.map(variant => ({
  name: variant.name,
  missing: () => undefined,
  ...(variant.workloads === undefined ? {} : { workloads: variant.workloads }),
  run: async context => {
    const bench = await PeerfoldBench.start(context, variant)
    try {
      await bench.moveAll()
    } finally {
      await bench.stop()
    }
  },
}))

/** The commands of one run. Its people are data folders; a person's peer process ends with their last command. */
export class PeerfoldBench {
  private readonly started = new Set<OwnedProcess>()

  private constructor(
    readonly context: RunContext,
    private readonly bootstrap: string,
    private readonly variant: Variant,
  ) {}

  static async start(context: RunContext, variant: Variant = { name: 'peerfold' }): Promise<PeerfoldBench> {
    return new PeerfoldBench(context, await context.dht(), variant)
  }

  /** There and back: publish, fetch, fetch again, one file by somebody new, publish again. */
  async moveAll(): Promise<void> {
    const { context } = this
    const { source, workload } = context
    const target = join(context.folder, 'target')
    const sharing = await context.time('prepare', () => this.share())
    await context.time('fetch', () => this.get(sharing.link, target))
    context.check(workload.isFile ? join(target, basename(source)) : target)
    await this.ended('receiver')
    const again = await context.time('fetch again', () => this.get(sharing.link, target))
    if (again.fetched !== 0) throw new Error(`fetching again fetched ${again.fetched} bytes`)
    if (workload.oneFile !== undefined) {
      await context.time('first byte', () => this.firstByte(sharing.link, workload.oneFile ?? ''))
      await this.ended('reader')
      await this.firstByteWhenFound(sharing.link, workload.oneFile)
    }
    await sharing.command.stop()
    await this.ended('sender')
    await context.time('prepare again', () => this.share())
  }

  /** Resolves with the link; the command goes on serving. */
  async share(
    given = this.variant.follows === true ? [] : ['--once'],
  ): Promise<{ link: string; command: PeerfoldProcess }> {
    const flags = this.variant.isPublic ? [...given, '--public'] : given
    const command = await this.command('sender', 'sender', ['share', this.context.source, ...flags, '--json'])
    const { link } = await command.event('sharing', { timeout: LIMIT })
    return { link: String(link), command }
  }

  async get(link: string, target: string): Promise<{ fetched: number }> {
    const command = await this.command('receiver', 'receiver', ['get', link, target, '--json'])
    const done = await command.event('done', { timeout: LIMIT })
    const { code } = await command.ended
    if (code !== 0 || done.skippedCount !== 0)
      throw new Error(`get ended with ${code}: ${JSON.stringify(done)}`)
    return { fetched: Number(done.fetched) }
  }

  /** Starts a command of a person. */
  async command(person: string, side: Side, args: readonly string[]): Promise<PeerfoldProcess> {
    const storage = this.storage(person)
    const env = this.context.meter.env(side)
    await this.startPeerByHand(storage, side)
    const command = startPeerfold(args, { storage, bootstrap: this.bootstrap, env })
    this.started.add(command)
    return command
  }

  /** Resolves when a person's peer process has ended, so that the next command starts one. */
  async ended(person: string): Promise<void> {
    const endpoint = await readEndpoint(this.storage(person))
    if (endpoint !== undefined && !(await waitForEnd(endpoint.pid, END_LIMIT)))
      throw new Error(`the peer process of the ${person} did not end`)
  }

  /** A connection of our own to a person's running peer process. */
  async attach(person: string) {
    const deadline = Date.now() + END_LIMIT
    for (;;) {
      const attached = await attachToPeer({ storage: this.storage(person), client: 'command' })
      if (attached !== undefined) return attached.connection
      if (Date.now() > deadline) throw new Error(`the peer process of the ${person} cannot be reached`)
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }

  /** The process id of a person's running peer process. */
  async pid(person: string): Promise<number> {
    const endpoint = await readEndpoint(this.storage(person))
    if (endpoint === undefined) throw new Error(`the ${person} has no peer process`)
    return endpoint.pid
  }

  async stop(): Promise<void> {
    await Promise.all([...this.started].map(command => command.stop()))
    for (const person of ['sender', 'receiver', 'reader']) await this.ended(person)
  }

  private async firstByte(link: string, path: string): Promise<void> {
    const command = await this.command('reader', 'receiver', ['cat', link, path])
    await new Promise<void>((resolve, reject) => {
      command.child.stdout?.once('data', () => resolve())
      command.ended.then(() => reject(new Error(`cat: ${command.stderr.join('\n')}`)), reject)
    })
    await command.ended
  }

  /** The reader's peer process runs and has found the share; the file was never asked for. */
  private async firstByteWhenFound(link: string, path: string): Promise<void> {
    const other = await this.command('reader', 'receiver', ['ls', link])
    const connection = await this.attach('reader')
    try {
      const { id } = await connection.request('open.add', { link, keep: false }, { timeout: LIMIT })
      await connection.request('open.ready', { id, newest: true, timeout: LIMIT }, { timeout: LIMIT })
      await other.ended
      const folder = path.slice(0, path.lastIndexOf('/'))
      const [neighbour] = await connection.request(
        'fs.list',
        { id, path: drivePath(folder) },
        { timeout: LIMIT },
      )
      const wanted = neighbour === undefined ? path : `${folder}/${neighbour.name}`
      await this.context.time('first byte, found', () => this.firstByte(link, wanted))
    } finally {
      connection.close()
    }
  }

  /**
   * A peer process that needs options the command does not pass on. The command finds it running; the time it takes
   * counts all the same.
   */
  private async startPeerByHand(storage: string, side: Side): Promise<void> {
    const { profiles } = this.context
    const noTcp = this.variant.noTcp === true && side === 'receiver'
    if (!noTcp && profiles === undefined) return
    if ((await readEndpoint(storage)) !== undefined) return
    const profile = profiles === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profiles]
    const args = [
      ...PEER_FLAGS,
      ...profile,
      built('peer.js'),
      '--storage',
      storage,
      '--bootstrap',
      this.bootstrap,
    ]
    const given = noTcp ? [...args, '--no-tcp'] : args
    const peer = this.context.start(side, process.execPath, given, { env: PEER_ENV })
    await peer.line(line => line.includes('listening'), { timeout: END_LIMIT })
  }

  private storage(person: string): string {
    const storage = join(this.context.folder, `storage-${person}`)
    mkdirSync(storage, { recursive: true, mode: 0o700 })
    return storage
  }
}

export function drivePath(path: string): DrivePath {
  return `/${path}` as DrivePath
}

/** Publishes what a folder that is shared until its command ends holds now. */
export async function publishAgain(sender: Connection, id: ShareId): Promise<void> {
  const state = await sender.request('state.get', {}, { timeout: LIMIT })
  const params = { ...sharedAgain(state, id), keep: false, once: false }
  await sender.request('share.add', params, { timeout: LIMIT })
}
