/**
 * Shares and opened shares come back after a restart of VS Code: when the data folder holds any, the peer process is
 * started, once the window is up. Only the file system is asked, so a window of somebody who never shared starts
 * nothing. What the last state showed is remembered, so that neither does one where everything was removed.
 *
 * A window that started nothing joins when another window or a command does: all show the same.
 */
import { access } from 'node:fs/promises'
import type * as vscode from 'vscode'
import { Disposable } from './dispose'
import type { PeerModel } from './peerModel'
import type { PeerProcess } from './peerProcess'

/** In globalState: data folder → whether there was anything to come back to. */
const MEMORY = 'peerfold.somethingKnown'
/** Milliseconds between two looks at whether a peer process runs that this window has no part in. */
const LOOK_EVERY = 2_000

export class Resume extends Disposable {
  private last: boolean | undefined

  constructor(
    private readonly memory: vscode.Memento,
    private readonly peer: PeerProcess,
    private readonly model: PeerModel,
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
    if (this.peer.status.kind !== 'off' || !(await exists(this.peer.catalogPath))) return
    await this.peer.start()
  }

  private async joinIfRunning(): Promise<void> {
    const isApart = () => this.peer.status.kind === 'off' || this.peer.status.kind === 'ended'
    if (!isApart() || !(await exists(this.peer.endpointPath)) || !isApart()) return
    await this.peer.start().catch(shownByStatus)
  }

  private remember(): void {
    const { state } = this.model
    if (state === undefined) return
    const something = state.shares.length + state.opened.length + state.transfers.length > 0
    if (something === this.last) return
    this.last = something
    void this.memory.update(MEMORY, { ...this.recall(), [this.peer.dataFolder]: something })
  }

  private recall(): Readonly<Record<string, unknown>> {
    const value: unknown = this.memory.get(MEMORY)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  }
}

/** Views and status bar tell the state of the peer process, and why it cannot be used. */
function shownByStatus(): void {}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
