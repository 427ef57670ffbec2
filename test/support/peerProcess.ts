/** The peer process as tests use it: started by hand, asked over its socket, killed at will, started again. */
import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type AttachedPeer, attachToPeer } from '../../src/client/attach'
import { EXIT_DAMAGED } from '../../src/client/startPeer'
import type { DrivePath, ShareId } from '../../src/common/brand'
import type { PeerState, TransferResult } from '../../src/common/model'
import type { Method, Notifications, Params, Result } from '../../src/common/protocol'
import { dataFolderPaths } from '../../src/wire/dataFolder'
import { eventually, PATIENCE } from './eventually'
import { type OwnedProcess, startProcess } from './ownedProcess'
import { built } from './projectRoot'
import { sharedAgain } from './sharedAgain'

export interface PeerProcessOptions {
  /** The data folder. */
  readonly storage: string
  readonly bootstrap?: string
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly tcp?: boolean
  /** Seconds superseded bytes stay. */
  readonly grace?: number
  /** Former versions are kept. True unless `grace` is given, with which tests look at what leaves the store. */
  readonly keepVersions?: boolean
  /** Seconds many vanished files are held. */
  readonly hold?: number
  /** Seconds that files which newer rules leave out stay shared after the user was told. */
  readonly toldFor?: number
  /** Written before the command: a program that runs it elsewhere (see networkNamespace.ts). */
  readonly launcher?: readonly string[]
}

export class PeerProcess {
  readonly notices: Notifications['notice'][] = []

  private constructor(
    readonly process: OwnedProcess,
    private readonly attached: AttachedPeer,
    readonly options: PeerProcessOptions,
  ) {
    attached.connection.onNotification('notice', notice => this.notices.push(notice))
  }

  /** Resolves when it listens and this test has said hello as a window. A process that ends to set its store aside is
   *  started again, once. */
  static async start(options: PeerProcessOptions, attempt = 1): Promise<PeerProcess> {
    const started = startPeerProgram(options)
    const listening = started.line(line => line.includes('listening, pid'), { timeout: PATIENCE })
    const code = await listening.then(
      () => undefined,
      () => started.child.exitCode,
    )
    if (code === EXIT_DAMAGED && attempt === 1) return PeerProcess.start(options, 2)
    await listening
    // On a busy machine it may not take a connection at once; then a client looks again.
    let attached: AttachedPeer | undefined
    await eventually('the peer process answers', async () => {
      attached ??= await attachToPeer({ storage: options.storage, client: 'window' })
      return attached !== undefined
    })
    assert.ok(attached)
    return new PeerProcess(started, attached, options)
  }

  request<M extends Method>(method: M, params: Params<M>, timeout = PATIENCE): Promise<Result<M>> {
    return this.attached.connection.request(method, params, { timeout })
  }

  state(): Promise<PeerState> {
    return this.request('state.get', {})
  }

  /** Shares a folder; it stays when this test lets go. */
  async share(source: string, isPublic = false): Promise<Result<'share.add'>> {
    const params = { source, isPublic, once: false, keep: true, allow: [], job: newJob() }
    return this.request('share.add', params, 60_000)
  }

  /** Opens a link and waits until its newest version is known. */
  async open(link: string, keep = false): Promise<ShareId> {
    const { id } = await this.request('open.add', { link, keep })
    await this.request('open.ready', { id, newest: true, timeout: PATIENCE }, 2 * PATIENCE)
    return id
  }

  /** Copies an opened share into a folder. @param timeout milliseconds it may stall */
  async copy(id: ShareId, folder: string, timeout = PATIENCE): Promise<TransferResult> {
    const { job } = await this.request('copy.start', { id, path: '/' as never, folder, job: newJob() })
    return this.request('copy.wait', { job, timeout }, 2 * PATIENCE)
  }

  /** All bytes of a file of a share. */
  async read(id: ShareId, path: string, timeout = PATIENCE, version?: number): Promise<Buffer> {
    const at = version === undefined ? {} : { version }
    const params = { id, path: path as DrivePath, limit: 60_000_000, timeout, ...at }
    return Buffer.from(await this.request('fs.read', params))
  }

  /** Publishes what is in the folder now. Throws what stopped it. */
  async rescan(id: ShareId): Promise<void> {
    await this.request('share.add', sharedAgain(await this.state(), id), 60_000)
  }

  /** Bytes of all files of its store. */
  storeBytes(): number {
    const folder = join(dataFolderPaths(this.options.storage).store, 'db')
    return readdirSync(folder).reduce(
      (sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0),
      0,
    )
  }

  /** Ends it at once, as a crash does. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL')
    await this.process.ended
  }

  async stop(): Promise<void> {
    this.attached.connection.close()
    await this.process.stop()
  }
}

export function startPeerProgram({
  storage,
  bootstrap,
  env,
  tcp,
  grace,
  keepVersions = grace === undefined,
  hold,
  toldFor,
  launcher = [],
}: PeerProcessOptions): OwnedProcess {
  const [command = '', ...args] = [...launcher, process.execPath, built('peer.js'), '--storage', storage]
  if (bootstrap !== undefined) args.push('--bootstrap', bootstrap)
  if (tcp === false) args.push('--no-tcp')
  if (grace !== undefined) args.push('--grace', String(grace))
  if (!keepVersions) args.push('--keep-no-versions')
  if (hold !== undefined) args.push('--hold', String(hold))
  if (toldFor !== undefined) args.push('--told-for', String(toldFor))
  return startProcess(command, args, env === undefined ? {} : { env })
}

let jobs = 0

function newJob(): string {
  return `job-${process.pid}-${jobs++}`
}
