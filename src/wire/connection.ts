/**
 * One end of the local socket, typed by the contract in common/protocol.ts: requests one way, answers and notifications
 * the other. Both ends use this class; clients call `request`, the peer process calls `handle` and `notify`.
 *
 * Errors cross as `UserError` in the response's data and are thrown on the other side as `PeerfoldError` with the
 * same code and message. Neither end sends a message longer than `LONGEST_MESSAGE`; the peer process refuses a request
 * that is longer. Listening begins at once: register handlers and listeners in the turn that opens the connection.
 */
import type { Socket } from 'node:net'
import {
  type CancellationToken,
  CancellationTokenSource,
  createMessageConnection,
  ErrorCodes,
  type Logger,
  type MessageConnection,
  ResponseError,
} from 'vscode-jsonrpc/node'
import { PeerfoldError, toUserError, type UserError } from '../common/errors'
import { formatBytes } from '../common/format'
import type { Method, Notifications, Params, Result } from '../common/protocol'
import { FrameReader, FrameWriter, LONGEST_MESSAGE, MAX_FIRST_MESSAGE, type Refusal } from './frames'

/** Longest delay a timer can take; about 24 days. */
const MAX_TIMER = 2 ** 31 - 1
/** The code of every error that carries a `UserError`. */
const USER_ERROR = 1

export interface RequestOptions {
  /** Milliseconds until `peer-unreachable`; `Infinity` only where waiting has no end by nature. */
  readonly timeout: number
  readonly signal?: AbortSignal | undefined
}

/** What the peer process answers. Parameters come from a local client: check them before use. */
export type Handlers = {
  readonly [M in Method]: (params: Params<M>, signal: AbortSignal) => Promise<Result<M>>
}

/** Ends a subscription. */
export type Unsubscribe = () => void

/**
 * Speaks the contract over a connected socket, which it owns from now on, as a client. It takes only short messages
 * until `trust()`: a socket may be anybody's.
 */
export function openConnection(socket: Socket): Connection {
  return new Connection(socket)
}

/** The same for the peer process, which answers. The other end can send only short messages until `trust()`. */
export function acceptConnection(socket: Socket): Connection {
  return new Connection(socket, { answers: true })
}

export interface ConnectionOptions {
  /** This end is the peer process. It answers a request that is too long with an error. */
  readonly answers?: boolean
  /** Bytes of the longest message that is sent and taken. */
  readonly longest?: number
}

export class Connection {
  private readonly rpc: MessageConnection
  private readonly closeListeners = new Set<() => void>()
  private isClosed = false
  private isTrusted = false

  constructor(
    private readonly socket: Socket,
    { answers = false, longest = LONGEST_MESSAGE }: ConnectionOptions = {},
  ) {
    socket.on('error', becauseCloseFollows)
    const taken = () => (this.isTrusted ? longest : MAX_FIRST_MESSAGE)
    const tooLong = (length: number) => toRemote(beyondLimit(length, longest))
    const writer = new FrameWriter(socket, longest, tooLong)
    const refuse: Refusal = (id, length) => {
      const refusal = { jsonrpc: '2.0', id, error: tooLong(length).toJson() }
      writer.write(refusal).catch(becauseCloseFollows) // it is short
    }
    const refusal = () => (this.isTrusted && answers ? refuse : undefined)
    this.rpc = createMessageConnection(new FrameReader(socket, taken, refusal), writer, silent)
    socket.once('close', () => this.end())
    this.rpc.listen()
  }

  /** The other end has proven itself: long messages are taken from now on. */
  trust(): void {
    this.isTrusted = true
  }

  get closed(): boolean {
    return this.isClosed
  }

  /**
   * Throws `PeerfoldError`: what the other end answered; `message-too-large` when this request or its answer is too
   * long, and the connection continues; `peer-unreachable` after the timeout or when the connection ends; `cancelled` as
   * soon as the signal is aborted. After a timeout or an abort the other end is told to give up.
   */
  async request<M extends Method>(
    method: M,
    params: Params<M>,
    { timeout, signal }: RequestOptions,
  ): Promise<Result<M>> {
    if (signal?.aborted) throw new PeerfoldError('cancelled')
    if (this.isClosed) throw new PeerfoldError('peer-unreachable')
    const source = new CancellationTokenSource()
    const answer: Promise<Result<M>> = this.rpc.sendRequest<Result<M>>(method, params, source.token)
    return new Promise<Result<M>>((resolve, reject) => {
      const giveUp = (code: 'cancelled' | 'peer-unreachable') => {
        finish()
        source.cancel()
        reject(new PeerfoldError(code))
      }
      const onAbort = () => giveUp('cancelled')
      const timer =
        timeout === Number.POSITIVE_INFINITY
          ? undefined
          : setTimeout(() => giveUp('peer-unreachable'), Math.min(timeout, MAX_TIMER))
      const finish = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
      }
      signal?.addEventListener('abort', onAbort)
      answer.then(
        result => {
          finish()
          resolve(result)
        },
        error => {
          finish()
          reject(fromRemote(error))
        },
      )
    })
  }

  /** Answers requests from now on. The signal is aborted when the client cancels or goes away. */
  handle(handlers: Handlers): void {
    const running = new Set<AbortController>()
    this.onClose(() => {
      for (const request of running) request.abort()
    })
    this.rpc.onRequest(async (method: string, params: unknown, token: CancellationToken) => {
      if (!Object.hasOwn(handlers, method)) throw toRemote(new PeerfoldError('bad-request', 'unknown method'))
      const request = new AbortController()
      running.add(request)
      const subscription = token.onCancellationRequested(() => request.abort())
      try {
        return await answer(handlers, method as Method, params, request.signal)
      } catch (error) {
        throw toRemote(error)
      } finally {
        running.delete(request)
        subscription.dispose()
      }
    })
  }

  /** Resolves when the operating system took it, so a sender that waits skips what is old by then. Never rejects. */
  async notify<N extends keyof Notifications>(name: N, value: Notifications[N]): Promise<void> {
    if (this.isClosed) return
    await this.rpc.sendNotification(name, value)
  }

  onNotification<N extends keyof Notifications>(
    name: N,
    listener: (value: Notifications[N]) => void,
  ): Unsubscribe {
    const subscription = this.rpc.onNotification(name, listener)
    return () => subscription.dispose()
  }

  /** Called once, whatever ended the connection; at once when it has ended. */
  onClose(listener: () => void): Unsubscribe {
    if (this.isClosed) {
      listener()
      return () => {}
    }
    this.closeListeners.add(listener)
    return () => this.closeListeners.delete(listener)
  }

  /** Ends the connection after what was sent has left. May be called again. */
  close(): void {
    this.socket.destroySoon()
  }

  private end(): void {
    this.isClosed = true
    this.rpc.dispose()
    const listeners = [...this.closeListeners]
    this.closeListeners.clear()
    for (const listener of listeners) listener()
  }
}

function answer<M extends Method>(
  handlers: Handlers,
  method: M,
  params: unknown,
  signal: AbortSignal,
): Promise<Result<M>> {
  // The one place where bytes from outside get a type: the handlers check what they use.
  return handlers[method](params as Params<M>, signal)
}

/** A message of this many bytes is not sent or not taken. */
export function beyondLimit(bytes: number, limit: number): PeerfoldError {
  return new PeerfoldError('message-too-large', `${formatBytes(bytes)}, of at most ${formatBytes(limit)}`)
}

function toRemote(error: unknown): ResponseError<UserError> {
  const data = toUserError(error)
  return new ResponseError(USER_ERROR, data.message, data)
}

function fromRemote(error: unknown): PeerfoldError {
  if (!(error instanceof ResponseError)) return new PeerfoldError('internal', String(error))
  if (error.code === USER_ERROR && isUserError(error.data)) return PeerfoldError.from(error.data)
  if (error.code === ErrorCodes.PendingResponseRejected) return new PeerfoldError('peer-unreachable')
  // The length is all that keeps a request from being written; of the writer's error only the message is left.
  if (error.code === ErrorCodes.MessageWriteError)
    return PeerfoldError.from({ code: 'message-too-large', message: error.message })
  return new PeerfoldError('internal', error.message)
}

function isUserError(value: unknown): value is UserError {
  return (
    typeof value === 'object' &&
    value !== null &&
    'code' in value &&
    typeof value.code === 'string' &&
    'message' in value &&
    typeof value.message === 'string'
  )
}

/** A broken socket always closes too, and that is what everyone listens to. */
function becauseCloseFollows(): void {}

/** Rejected requests and closing tell all that vscode-jsonrpc would print. */
const silent: Logger = { error() {}, warn() {}, info() {}, log() {} }
