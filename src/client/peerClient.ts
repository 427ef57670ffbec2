/**
 * A window's lasting relation to the peer process. It starts or joins the process when it is first needed, and passes on
 * its notifications. When the process crashes, it is started again, after ever longer pauses. A process that was ended
 * in order (`peerfold stop`) is left alone until somebody asks for something: it removes its endpoint file, which a
 * crash does not. When it made way for a newer version, the process of that version is joined.
 */
import { EventEmitter } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { PeerfoldError, toUserError, type UserError } from '../common/errors'
import type { PeerState } from '../common/model'
import type { Method, Notifications, Params, Result } from '../common/protocol'
import { isEarlierVersion, VERSION } from '../common/version'
import type { RequestOptions } from '../wire/connection'
import { type AttachedPeer, attachToPeer } from './attach'
import { type ConnectOptions, connectToPeer } from './connect'
import { endedInOrder } from './ended'
import { attachToSuccessor } from './successor'

export type PeerStatus =
  /** Not needed yet, or ended in order. */
  | { readonly kind: 'idle' }
  | { readonly kind: 'starting' }
  | { readonly kind: 'running'; readonly pid: number; readonly version: string }
  /** It crashed; the next attempt comes in `retryIn` milliseconds. */
  | { readonly kind: 'restarting'; readonly error: UserError; readonly retryIn: number }
  /** It cannot be used; nothing happens until somebody asks again. */
  | { readonly kind: 'failed'; readonly error: UserError }

export interface PeerClientEvents {
  status: [PeerStatus]
  /** The peer process crashed and runs again; everything resumed by itself. */
  restarted: []
  state: [PeerState]
  changed: [Notifications['changed']]
  notice: [Notifications['notice']]
}

/** Milliseconds before the attempts to restart; the last one is repeated. */
const BACKOFF = [200, 1_000, 5_000, 30_000]
/** Milliseconds of life after which the next crash is a first one again. */
const STABLE = 60_000
/** Errors that trying again does not cure. */
const FINAL: readonly string[] = [
  'peer-newer',
  'peer-older',
  'bootstrap-differs',
  'storage-newer',
  'storage-foreign',
  'storage-not-yours',
  'cancelled',
]

export class PeerClient extends EventEmitter<PeerClientEvents> {
  private peer: AttachedPeer | undefined
  private connecting: Promise<AttachedPeer> | undefined
  private restarting: Promise<void> | undefined
  private judging: Promise<boolean> | undefined
  /** The process that was joined last made way for a newer version. */
  private isReplaced = false
  private crashes = 0
  private current: PeerStatus = { kind: 'idle' }
  private readonly disposed = new AbortController()
  /** How often a connection ended that was not closed by `dispose`. */
  losses = 0

  constructor(private readonly options: Omit<ConnectOptions, 'signal'>) {
    super()
  }

  get status(): PeerStatus {
    return this.current
  }

  /** Starts or joins the peer process. Throws `PeerfoldError`; may be called again after that. */
  async connect(): Promise<AttachedPeer> {
    if (this.disposed.signal.aborted) throw new PeerfoldError('cancelled')
    if (this.peer !== undefined) return this.peer
    this.connecting ??= this.open().finally(() => {
      this.connecting = undefined
    })
    return this.connecting
  }

  /**
   * Joins the peer process when one runs; starts none, but for taking over from an earlier version. → false when none
   * runs. Throws what `attachToPeer` throws, and the status stays what it was.
   */
  async join(): Promise<boolean> {
    if (this.disposed.signal.aborted) throw new PeerfoldError('cancelled')
    if (this.peer !== undefined || this.connecting !== undefined) return true
    const peer = await attachToPeer({ ...this.options, signal: this.disposed.signal })
    if (peer === undefined) return false
    if (this.peer !== undefined || this.connecting !== undefined || this.disposed.signal.aborted) {
      peer.connection.close() // somebody asked for something meanwhile, which connects by itself
    } else if (isEarlierVersion(peer.hello.version, this.options.version ?? VERSION)) {
      peer.connection.close()
      await this.connect()
    } else this.adopt(peer)
    return true
  }

  /** Resolves when it is known whether the process of the last lost connection crashed. `idle`: it ended in order. */
  async judged(): Promise<void> {
    await this.judging?.catch(() => undefined) // disposed meanwhile: nothing follows
  }

  /** Connects when need be, then asks. See `Connection.request`. */
  async request<M extends Method>(method: M, params: Params<M>, options: RequestOptions): Promise<Result<M>> {
    const { connection } = await this.connect()
    return connection.request(method, params, options)
  }

  /** Closes the connection, after which the peer process may end, and never starts one again. */
  dispose(): void {
    this.disposed.abort()
    this.peer?.connection.close()
    this.peer = undefined
    this.removeAllListeners()
  }

  private async open(): Promise<AttachedPeer> {
    this.show({ kind: 'starting' })
    try {
      const options = { ...this.options, signal: this.disposed.signal }
      const follows = this.isReplaced
      this.isReplaced = false
      const peer = (follows ? await attachToSuccessor(options) : undefined) ?? (await connectToPeer(options))
      if (this.disposed.signal.aborted) {
        peer.connection.close()
        throw new PeerfoldError('cancelled')
      }
      this.adopt(peer)
      return peer
    } catch (error) {
      this.show({ kind: 'failed', error: toUserError(error) })
      throw error
    }
  }

  private adopt(peer: AttachedPeer): void {
    const { connection, hello } = peer
    this.peer = peer
    const since = performance.now()
    connection.onNotification('state', state => this.emit('state', state))
    connection.onNotification('changed', value => this.emit('changed', value))
    connection.onNotification('notice', value => this.emit('notice', value))
    connection.onNotification('replaced', () => {
      this.isReplaced = true
    })
    connection.onClose(() => {
      this.peer = undefined
      if (this.disposed.signal.aborted) return
      this.losses++
      if (performance.now() - since > STABLE) this.crashes = 0
      this.restarting ??= this.afterLoss(hello.pid).finally(() => {
        this.restarting = undefined
      })
    })
    this.show({ kind: 'running', pid: hello.pid, version: hello.version })
    this.emit('state', hello.state)
  }

  /**
   * The connection to the process `pid` ended: restarts what crashed, leaves what was ended in order, and joins what
   * takes over.
   */
  private async afterLoss(pid: number): Promise<void> {
    const { signal } = this.disposed
    try {
      if (this.isReplaced) {
        await this.connect()
        return
      }
      this.judging = this.judge(pid)
      const isOver = await this.judging
      if (isOver || this.peer !== undefined) return
      while (!signal.aborted) {
        const retryIn = BACKOFF[Math.min(this.crashes, BACKOFF.length - 1)] ?? 0
        this.crashes++
        this.show({ kind: 'restarting', error: new PeerfoldError('peer-unreachable').toUserError(), retryIn })
        await delay(retryIn, undefined, { signal })
        if (await this.comesBack()) return
      }
    } catch (error) {
      if (!signal.aborted) this.show({ kind: 'failed', error: toUserError(error) })
    }
  }

  /** True when there is nothing to start again: it ended in order, or somebody asked for something meanwhile. */
  private async judge(pid: number): Promise<boolean> {
    const wanted = await endedInOrder(this.options.storage, pid, this.disposed.signal)
    if (this.peer !== undefined) return true
    if (wanted) this.show({ kind: 'idle' })
    return wanted
  }

  /** True when there is nothing left to try. */
  private async comesBack(): Promise<boolean> {
    try {
      await this.connect()
    } catch (error) {
      return FINAL.includes(toUserError(error).code) // shown by open()
    }
    this.emit('restarted')
    return true
  }

  private show(status: PeerStatus): void {
    this.current = status
    this.emit('status', status)
  }
}
