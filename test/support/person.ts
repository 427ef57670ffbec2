/**
 * A person as tests see one: a data folder, the peer process on it, and a client that follows its state, as a window or a
 * command would. Every person starts from the bootstrap node they were given and never from the internet.
 */
import { randomUUID } from 'node:crypto'
import { waitForEnd } from '../../src/client/ended'
import { PeerClient } from '../../src/client/peerClient'
import type { DrivePath, ShareId } from '../../src/common/brand'
import type { OpenedShareState, PeerState, ShareState, TransferResult } from '../../src/common/model'
import type { Method, Notifications, Params, Result, ShareAdded } from '../../src/common/protocol'
import { readEndpoint } from '../../src/wire/endpoint'
import { eventually, PATIENCE } from './eventually'
import { temporaryFolder } from './folders'
import { type OwnedProcess, startProcess } from './ownedProcess'
import { built } from './projectRoot'
import { sharedAgain } from './sharedAgain'

export interface PersonOptions {
  /** `host:port` of a local DHT, or of nothing. */
  readonly bootstrap: string
  /** A data folder that exists already; a new one when absent. */
  readonly storage?: string
  /** Windows leave the peer process ten seconds when they go; the default is a command, which leaves none. */
  readonly client?: 'window' | 'command'
  /** False: the peer process never uses TCP. */
  readonly tcp?: boolean
  /** Seconds that many vanished files are held. */
  readonly hold?: number
  /** Seconds that superseded bytes stay; former versions are not kept then. */
  readonly grace?: number
}

const END_LIMIT = 15_000

export class Person {
  readonly storage: string
  /** Everything the peer process said so far, in order. */
  readonly states: PeerState[] = []
  /** When each state arrived, milliseconds. */
  readonly stateTimes: number[] = []
  readonly changes: Notifications['changed'][] = []
  readonly notices: Notifications['notice'][] = []
  restarts = 0
  readonly client: PeerClient
  private readonly waiting = new Set<() => void>()

  private constructor(
    readonly options: PersonOptions,
    private readonly process: OwnedProcess | undefined,
    storage: string,
  ) {
    this.storage = storage
    this.client = new PeerClient({
      storage,
      client: options.client ?? 'command',
      bootstrap: [options.bootstrap],
      peerProgram: built('peer.js'),
    })
    this.client.on('state', state => {
      this.states.push(state)
      this.stateTimes.push(performance.now())
      this.look()
    })
    this.client.on('changed', change => {
      this.changes.push(change)
      this.look()
    })
    this.client.on('notice', notice => {
      this.notices.push(notice)
      this.look()
    })
    this.client.on('restarted', () => {
      this.restarts++
      this.look()
    })
  }

  /** Starts the peer process, or joins the one that runs on the data folder. */
  static async start(options: PersonOptions): Promise<Person> {
    const storage = options.storage ?? temporaryFolder('person')
    const more = [
      ...(options.tcp === false ? ['--no-tcp'] : []),
      ...(options.hold === undefined ? [] : ['--hold', String(options.hold)]),
      ...(options.grace === undefined ? [] : ['--grace', String(options.grace), '--keep-no-versions']),
    ]
    const own = more.length > 0 ? await startWith(more, storage, options.bootstrap) : undefined
    const person = new Person(options, own, storage)
    await person.client.connect()
    return person
  }

  /** The newest state. */
  get state(): PeerState {
    const state = this.states.at(-1)
    if (state === undefined) throw new Error('no state has come yet')
    return state
  }

  share(id: ShareId): ShareState | undefined {
    return this.state.shares.find(share => share.id === id)
  }

  opened(id: ShareId): OpenedShareState | undefined {
    return this.state.opened.find(share => share.id === id)
  }

  request<M extends Method>(method: M, params: Params<M>, timeout = PATIENCE): Promise<Result<M>> {
    return this.client.request(method, params, { timeout })
  }

  /** Waits until `isSo` holds; it is asked again whenever the peer process says something. */
  async until(what: string, isSo: () => boolean, timeout = PATIENCE): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const settle = (end: () => void) => {
        clearTimeout(timer)
        this.waiting.delete(look)
        end()
      }
      const look = () => {
        if (isSo()) settle(resolve)
      }
      const timer = setTimeout(() => {
        const { peers, shares, opened, transfers, network } = this.state
        const state = JSON.stringify({ network, peers, shares, opened, transfers }, undefined, 1)
        settle(() => reject(new Error(`not within ${timeout} ms: ${what}\n${state}`)))
      }, timeout)
      this.waiting.add(look)
      look()
    })
  }

  /** Asks for the state again and again, to catch one that may be over before the next is pushed. → that state */
  async caught(what: string, isSo: (state: PeerState) => boolean): Promise<PeerState> {
    let state = this.state
    const look = async () => {
      state = await this.request('state.get', {})
      return isSo(state)
    }
    await eventually(what, look, PATIENCE, 5)
    return state
  }

  /** Publishes a folder or file and serves it. */
  publish(source: string, options: Partial<Omit<Params<'share.add'>, 'source'>> = {}): Promise<ShareAdded> {
    const defaults = { isPublic: false, once: false, keep: false, allow: [], job: randomUUID() }
    return this.request('share.add', { source, ...defaults, ...options })
  }

  /** Publishes what is in the folder now. Throws what stopped it. → the version that has it */
  async rescan(id: ShareId): Promise<number> {
    await this.request('share.add', sharedAgain(await this.request('state.get', {}), id))
    const { shares } = await this.request('state.get', {})
    return shares.find(share => share.id === id)?.version ?? 0
  }

  /** Joins a share and waits until its newest version is known. */
  async open(link: string, options: { keep?: boolean; timeout?: number } = {}): Promise<ShareId> {
    const { keep = false, timeout = PATIENCE } = options
    const { id } = await this.request('open.add', { link, keep })
    await this.request('open.ready', { id, newest: true, timeout }, timeout + PATIENCE)
    return id
  }

  /** Writes a share into a folder. */
  async copy(id: ShareId, folder: string, path = '/'): Promise<TransferResult> {
    const { job } = await this.startCopy(id, folder, path)
    return this.request('copy.wait', { job, timeout: PATIENCE }, 2 * PATIENCE)
  }

  startCopy(id: ShareId, folder: string, path = '/'): Promise<Result<'copy.start'>> {
    return this.request('copy.start', { id, path: path as DrivePath, folder, job: randomUUID() })
  }

  /** Opens a link and writes all of it into a folder, as `peerfold get` does. */
  async get(link: string, folder: string): Promise<TransferResult> {
    return this.copy(await this.open(link), folder)
  }

  /** Fetches everything of an opened share. */
  async seed(id: ShareId): Promise<TransferResult> {
    return this.request('seed.wait', { id, job: randomUUID() })
  }

  /** Text of a file in a share, own or opened. */
  async read(id: ShareId, path: string, timeout = PATIENCE): Promise<string> {
    const params = { id, path: path as DrivePath, limit: 50_000_000, timeout }
    return Buffer.from(await this.request('fs.read', params, timeout + PATIENCE)).toString('utf8')
  }

  /** Names in a folder of a share. */
  async list(id: ShareId, path = '/'): Promise<string[]> {
    return (await this.request('fs.list', { id, path: path as DrivePath })).map(({ name }) => name).sort()
  }

  /** The peer process's id, as its endpoint file says. */
  async pid(): Promise<number> {
    const endpoint = await readEndpoint(this.storage)
    if (endpoint === undefined) throw new Error(`no peer process on ${this.storage}`)
    return endpoint.pid
  }

  /** Kills the peer process without warning; resolves when it is gone. The client starts it again by itself. */
  async crash(): Promise<void> {
    const pid = await this.pid()
    process.kill(pid, 'SIGKILL')
    await waitForEnd(pid, END_LIMIT)
  }

  /** Kills the peer process without warning, and has the client start it again at once. When this resolves, the state is
   *  that of the new process. */
  async restart(): Promise<void> {
    const { losses } = this.client
    await this.crash()
    await eventually('the client has noticed', () => this.client.losses > losses)
    await this.client.connect()
  }

  /** Kills the peer process, and it is not started again: this person is gone without a word. */
  async vanish(): Promise<void> {
    const pid = await this.pid()
    process.kill(pid, 'SIGKILL')
    this.client.dispose()
    await waitForEnd(pid, END_LIMIT)
  }

  /** Ends the peer process in order. May be called again. */
  async leave(): Promise<void> {
    const pid = (await readEndpoint(this.storage))?.pid
    if (this.client.status.kind === 'running') await this.request('process.stop', {}).catch(alreadyEnding)
    this.client.dispose()
    if (pid !== undefined && !(await waitForEnd(pid, END_LIMIT))) process.kill(pid, 'SIGKILL')
    await this.process?.stop()
  }

  private look(): void {
    for (const look of [...this.waiting]) look()
  }
}

async function startWith(more: readonly string[], storage: string, bootstrap: string): Promise<OwnedProcess> {
  const args = [built('peer.js'), '--storage', storage, '--bootstrap', bootstrap, ...more]
  const peer = startProcess(process.execPath, args)
  await peer.line(line => line.includes('listening'))
  return peer
}

/** It ended before it could answer, which is what was asked for. */
function alreadyEnding(): void {}
