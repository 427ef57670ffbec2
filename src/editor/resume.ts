/**
 * Shares and opened shares come back after a restart of VS Code: when the data folder holds any, the peer process is
 * started, once the window is up. Only the file system is asked, so a window of somebody who never shared starts
 * nothing. What the last state showed is remembered, so that neither does one where everything was removed.
 */
import { access } from 'node:fs/promises'
import type * as vscode from 'vscode'
import { Disposable } from './dispose'
import type { PeerModel } from './peerModel'
import type { PeerProcess } from './peerProcess'

/** In globalState: data folder → whether there was anything to come back to. */
const MEMORY = 'peerfold.somethingKnown'

export class Resume extends Disposable {
  private last: boolean | undefined

  constructor(
    private readonly memory: vscode.Memento,
    private readonly peer: PeerProcess,
    private readonly model: PeerModel,
  ) {
    super()
    this.own(model.onDidChange(() => this.remember()))
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

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
