/**
 * A command's relation to the peer process: find or start it, work, let it go. When the process crashes meanwhile, it is
 * started again. When it makes way for a newer version, the process of that version is joined. Either way the work is
 * done again from the start: every request of a command can be repeated without harm. A command that prints remembers
 * outside the work what it has printed.
 */
import type { AttachedPeer } from '../client/attach'
import { connectToPeer } from '../client/connect'
import { endedInOrder } from '../client/ended'
import { attachToSuccessor } from '../client/successor'
import { PeerfoldError } from '../common/errors'
import type { PeerState } from '../common/model'
import type { Method, Notifications, Params, Result } from '../common/protocol'
import type { Context } from './context'
import { PeerStopped } from './peerStopped'

/** Milliseconds for requests that do no long work. */
const QUICK = 30_000
/** The work is given up after more crashes than this within this many milliseconds. */
const MAX_CRASHES = 4
const CRASH_WINDOW = 60_000

/** Does the work with a peer process. Throws `PeerfoldError`, or `PeerStopped`. */
export async function withPeer<T>(context: Context, work: (peer: CommandPeer) => Promise<T>): Promise<T> {
  const crashes: number[] = []
  let attached: AttachedPeer | undefined
  for (;;) {
    attached ??= await connectToPeer(context.connect)
    const peer = new CommandPeer(attached, context.signal)
    try {
      return await work(peer)
    } catch (error) {
      if (!peer.isLost || context.signal.aborted) throw error
      attached = undefined
      if (peer.isReplaced) {
        context.output.note('A newer Peerfold takes over. The work continues there.')
        attached = await attachToSuccessor(context.connect)
        continue
      }
      if (await endedInOrder(context.connect.storage, peer.pid)) throw new PeerStopped()
      crashes.push(performance.now())
      if (crashes.filter(at => performance.now() - at < CRASH_WINDOW).length > MAX_CRASHES) {
        throw new PeerfoldError('internal', 'the peer process ended unexpectedly again and again')
      }
      context.output.note('The peer process ended unexpectedly. It is started again and continues.')
    } finally {
      peer.letGo()
    }
  }
}

export class CommandPeer {
  /** The process makes way for a newer version. */
  isReplaced = false
  private latest: PeerState
  private readonly listeners = new Set<(state: PeerState) => void>()

  constructor(
    private readonly attached: AttachedPeer,
    private readonly signal: AbortSignal,
  ) {
    this.latest = attached.hello.state
    attached.connection.onNotification('state', state => {
      this.latest = state
      for (const listener of this.listeners) listener(state)
    })
    attached.connection.onNotification('replaced', () => {
      this.isReplaced = true
    })
  }

  /** Calls `listener` with all that live copies do, from now on. */
  onLive(listener: (did: Notifications['live']) => void): () => void {
    return this.attached.connection.onNotification('live', listener)
  }

  get pid(): number {
    return this.attached.hello.pid
  }

  /** The connection ended although nobody here ended it. */
  get isLost(): boolean {
    return this.attached.connection.closed
  }

  get state(): PeerState {
    return this.latest
  }

  /** @param timeout milliseconds; `Infinity` for work of unknown length. Ctrl-C ends the wait. */
  request<M extends Method>(method: M, params: Params<M>, timeout = QUICK): Promise<Result<M>> {
    return this.attached.connection.request(method, params, { timeout, signal: this.signal })
  }

  /** Tells the peer process something at the end, after Ctrl-C was pressed. A failure does not matter then. */
  async lastRequest<M extends Method>(method: M, params: Params<M>): Promise<void> {
    await this.attached.connection.request(method, params, { timeout: 2_000 }).catch(ignored)
  }

  /** Calls `listener` with this state and all to come while `work` is done. */
  async watching<T>(listener: (state: PeerState) => void, work: () => Promise<T>): Promise<T> {
    this.listeners.add(listener)
    listener(this.latest)
    try {
      return await work()
    } finally {
      this.listeners.delete(listener)
    }
  }

  /**
   * Waits for a state that `isOver` says yes to. Rejects with `peer-unreachable` when the connection ends and
   * with `cancelled` on Ctrl-C.
   */
  async until(isOver: (state: PeerState) => boolean): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const onState = (state: PeerState) => {
        if (isOver(state)) settle(resolve)
      }
      const onAbort = () => settle(() => reject(new PeerfoldError('cancelled')))
      const stopClose = this.attached.connection.onClose(() =>
        settle(() => reject(new PeerfoldError('peer-unreachable'))),
      )
      const settle = (end: () => void) => {
        this.listeners.delete(onState)
        this.signal.removeEventListener('abort', onAbort)
        stopClose?.()
        end()
      }
      this.listeners.add(onState)
      this.signal.addEventListener('abort', onAbort)
      if (this.signal.aborted) onAbort()
      else onState(this.latest)
    })
  }

  letGo(): void {
    this.attached.connection.close()
  }
}

function ignored(): void {}
