/**
 * What every view, the status bar, the dashboard and the context keys are drawn from: a mirror of the peer process's
 * last state, and whether it runs at all. While it restarts the last state stays, so that nothing flickers; when it
 * is off there is none.
 */
import * as vscode from 'vscode'
import type { PeerId, ShareId } from '../common/brand'
import type {
  LiveCopyState,
  OpenedShareState,
  PeerState,
  RemotePeer,
  ShareState,
  TransferState,
} from '../common/model'
import { ContextKeySetter } from './contextKeys'
import { Disposable } from './dispose'
import type { PeerProcess, PeerProcessStatus } from './peerProcess'

/** Milliseconds; the state comes four times a second. */
const STATE_LIMIT = 2_000
/** Milliseconds. Long, since an address that is shown before its share's name is known stays without the name. */
const NAME_LIMIT = 10_000

export class PeerModel extends Disposable {
  private readonly changed = this.own(new vscode.EventEmitter<void>())
  /** At most four times a second, and when the status of the peer process changes. */
  readonly onDidChange = this.changed.event
  private readonly contextKeys = new ContextKeySetter()
  private lastState: PeerState | undefined

  constructor(private readonly peer: PeerProcess) {
    super()
    this.own(peer.onDidReceiveState(state => this.update(state)))
    this.own(peer.onDidChangeStatus(() => this.update(this.lastState)))
    this.setContextKeys()
  }

  get status(): PeerProcessStatus {
    return this.peer.status
  }

  /** Undefined while no peer process runs. */
  get state(): PeerState | undefined {
    return this.lastState
  }

  share(id: ShareId): ShareState | undefined {
    return this.lastState?.shares.find(share => share.id === id)
  }

  opened(id: ShareId): OpenedShareState | undefined {
    return this.lastState?.opened.find(share => share.id === id)
  }

  /** A folder that is kept in sync. */
  live(id: string): LiveCopyState | undefined {
    return this.lastState?.live?.find(copy => copy.id === id)
  }

  remotePeer(id: PeerId): RemotePeer | undefined {
    return this.lastState?.peers.find(peer => peer.id === id)
  }

  transfer(id: string): TransferState | undefined {
    return this.lastState?.transfers.find(transfer => transfer.id === id)
  }

  /** The name of a share, own or opened. That of an opened one is a stranger's text: show it by names.ts. */
  nameOf(id: ShareId): string {
    return (this.share(id) ?? this.opened(id))?.name ?? id.slice(0, 8)
  }

  /** Resolves when the state shows a share that a request has just added, and so tells its name, or after a while. */
  async untilKnown(id: ShareId): Promise<void> {
    await this.until(() => this.share(id) !== undefined || this.opened(id) !== undefined, NAME_LIMIT)
  }

  /** Resolves when the state shows what a request has just done; false when it still does not after `limit` ms. */
  until(holds: () => boolean, limit = STATE_LIMIT): Promise<boolean> {
    if (holds()) return Promise.resolve(true)
    return new Promise(resolve => {
      const settle = (held: boolean) => {
        clearTimeout(timer)
        subscription.dispose()
        resolve(held)
      }
      const timer = setTimeout(() => settle(false), limit)
      const subscription = this.onDidChange(() => {
        if (holds()) settle(true)
      })
    })
  }

  private update(state: PeerState | undefined): void {
    const { kind } = this.peer.status
    this.lastState = kind === 'running' || kind === 'starting' ? state : undefined
    this.setContextKeys()
    this.changed.fire()
  }

  private setContextKeys(): void {
    const state = this.lastState
    this.contextKeys.set('peerfold.status', this.peer.status.kind)
    this.contextKeys.set('peerfold.network', state?.network.kind ?? 'idle')
    this.contextKeys.set('peerfold.hasShares', (state?.shares.length ?? 0) > 0)
    this.contextKeys.set('peerfold.hasOpened', (state?.opened.length ?? 0) > 0)
    this.contextKeys.set('peerfold.hasFinishedTransfers', state?.transfers.some(isFinished) ?? false)
    this.contextKeys.set('peerfold.hasLive', (state?.live?.length ?? 0) > 0)
    const isConflicting = state?.live?.some(({ conflictCount }) => conflictCount > 0) === true
    this.contextKeys.set(
      'peerfold.hasConflicts',
      isConflicting || state?.transfers.some(hasConflicts) === true,
    )
    this.contextKeys.set('peerfold.keepRunning', state?.keepRunning ?? false)
  }
}

/** A copy that left files beside files that were changed here. */
export function hasConflicts({ status }: TransferState): boolean {
  return status.kind === 'done' && status.result.conflicts.length > 0
}

export function isFinished({ status }: TransferState): boolean {
  return status.kind === 'done' || status.kind === 'cancelled' || status.kind === 'failed'
}
