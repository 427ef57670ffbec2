/**
 * Shares and opened shares come back after a restart of VS Code: when the data folder holds any, the peer process is
 * started, once the window is up. Only the file system is asked, so a window of somebody who never shared starts
 * nothing. Whether the last state showed any is remembered, so that a window also starts nothing after all were removed.
 *
 * A window that started nothing joins the process that another window or a command started, so that all windows show the
 * same. A window that is not admitted, for instance because its settings name other bootstrap nodes, stays as it was.
 */
import { stat } from 'node:fs/promises'
import type * as vscode from 'vscode'
import { PeerfoldError } from '../common/errors'
import { Disposable } from './dispose'
import type { PeerModel } from './peerModel'
import type { PeerProcess } from './peerProcess'

/** In globalState: data folder → whether there was anything to come back to. */
const MEMORY = 'peerfold.somethingKnown'
/** Milliseconds between two looks at whether a peer process runs that this window has no part in. */
const LOOK_EVERY = 2_000

type Peer = Pick<PeerProcess, 'status' | 'dataFolder' | 'catalogPath' | 'endpointPath' | 'start' | 'join'>

export class Resume extends Disposable {
  private last: boolean | undefined
  private isJoining = false
  /** Write time of an endpoint file that led nowhere, or to a process that did not admit this window. */
  private notForUs: number | undefined

  constructor(
    private readonly memory: vscode.Memento,
    private readonly peer: Peer,
    private readonly model: Pick<PeerModel, 'state' | 'onDidChange'>,
  ) {
    super()
    this.own(model.onDidChange(() => this.remember()))
    const timer = setInterval(() => void this.joinIfRunning(), LOOK_EVERY)
    this.own({ dispose: () => clearInterval(timer) })
  }

  /** At start-up. */
  async resume(): Promise<void> {
    if (this.recall()[this.peer.dataFolder] === false) return
    await this.startIfAnythingWas()
  }

  /** When a view is looked at. */
  async startIfAnythingWas(): Promise<void> {
    if (this.peer.status.kind !== 'off' || (await writtenAt(this.peer.catalogPath)) === undefined) return
    await this.peer.start()
  }

  /** Joins what another window or a command started. Never rejects. */
  async joinIfRunning(): Promise<void> {
    const isApart = () => this.peer.status.kind === 'off' || this.peer.status.kind === 'ended'
    if (this.isJoining || !isApart()) return
    this.isJoining = true
    try {
      const written = await writtenAt(this.peer.endpointPath)
      if (written === undefined || written === this.notForUs || !isApart()) return
      if (!(await this.peer.join())) this.notForUs = written
    } catch (error) {
      const mayAnswerLater = error instanceof PeerfoldError && error.code === 'store-locked'
      if (!mayAnswerLater) this.notForUs = await writtenAt(this.peer.endpointPath)
    } finally {
      this.isJoining = false
    }
  }

  private remember(): void {
    const { state } = this.model
    if (state === undefined) return
    const something = state.shares.length + state.opened.length + state.transfers.length > 0
    if (something === this.last) return
    this.last = something
    this.memory
      .update(MEMORY, { ...this.recall(), [this.peer.dataFolder]: something })
      .then(undefined, notKept)
  }

  private recall(): Readonly<Record<string, unknown>> {
    const value: unknown = this.memory.get(MEMORY)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  }
}

/** If it is not kept, the next start asks the disk alone, and may start the peer process without need. */
function notKept(): void {}

/** Milliseconds since 1970; undefined where there is no such file. */
async function writtenAt(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  )
}
