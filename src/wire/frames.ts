/**
 * Messages on the local socket: 4 bytes of length (big-endian), then that many bytes of MessagePack. File bytes stay
 * bytes this way, and the length is known before anything is kept, so that a sender of too much is cut off at
 * once. These two classes plug into vscode-jsonrpc, which does the rest: ids, responses, cancellation.
 */
import type { Socket } from 'node:net'
import { decode, encode } from '@msgpack/msgpack'
import {
  AbstractMessageReader,
  AbstractMessageWriter,
  type DataCallback,
  type Disposable,
  type Message,
  type MessageReader,
  type MessageWriter,
} from 'vscode-jsonrpc/node'

/** Bytes of the longest message; a longer one ends the connection. */
export const MAX_MESSAGE = 64 * 1024 * 1024
/** The same for whoever has not said yet who they are: what a few bytes can claim to hold is bounded by it, too. */
export const MAX_FIRST_MESSAGE = 8 * 1024
/** Bytes that may wait for the other end to read; more end the connection, for it hangs. */
const MAX_WAITING = 2 * MAX_MESSAGE
const HEAD = 4

export class FrameReader extends AbstractMessageReader implements MessageReader {
  private readonly head = Buffer.alloc(HEAD)
  private headHeld = 0
  /** Of a message that comes in several chunks: as long as it will be, filled as they come. Joined at its end, a file
   *  of 50 MB would hold up everything for as long as it takes to copy it. */
  private body: Buffer | undefined
  private bodyHeld = 0

  constructor(
    private readonly socket: Socket,
    /** Bytes of the longest message that is taken now. */
    private readonly longest: () => number = () => MAX_MESSAGE,
  ) {
    super()
  }

  listen(callback: DataCallback): Disposable {
    const onData = (chunk: Buffer) => {
      try {
        this.take(chunk, callback)
      } catch (error) {
        this.body = undefined
        this.headHeld = 0
        this.socket.destroy(error instanceof Error ? error : new Error(String(error)))
      }
    }
    const onClose = () => this.fireClose()
    this.socket.on('data', onData)
    this.socket.on('close', onClose)
    return {
      dispose: () => {
        this.socket.off('data', onData)
        this.socket.off('close', onClose)
      },
    }
  }

  private take(chunk: Buffer, callback: DataCallback): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.body === undefined) {
        const part = chunk.copy(this.head, this.headHeld, at)
        at += part
        this.headHeld += part
        if (this.headHeld < HEAD) return
        this.headHeld = 0
        const length = this.head.readUInt32BE(0)
        if (length > this.longest()) throw new Error(`a message of ${length} bytes is too long`)
        if (at + length <= chunk.length) {
          tell(chunk.subarray(at, at + length), callback)
          at += length
          continue
        }
        this.body = Buffer.allocUnsafe(length)
        this.bodyHeld = 0
      }
      const { body } = this
      const part = chunk.copy(body, this.bodyHeld, at)
      at += part
      this.bodyHeld += part
      if (this.bodyHeld < body.length) return
      this.body = undefined
      tell(body, callback)
    }
  }
}

function tell(body: Buffer, callback: DataCallback): void {
  // An array is made as long as it claims to be before its first element is looked at.
  const limits = { maxArrayLength: body.length, maxMapLength: body.length }
  const message = decode(body, limits)
  if (!isMessage(message)) throw new Error('what came is not a message')
  callback(message)
}

function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && 'jsonrpc' in value && value.jsonrpc === '2.0'
}

export class FrameWriter extends AbstractMessageWriter implements MessageWriter {
  constructor(private readonly socket: Socket) {
    super()
    socket.once('close', () => this.fireClose())
  }

  /** Resolves when the operating system took it, or when the connection is gone: its end is told by closing, once. */
  write(message: Message): Promise<void> {
    const body = encode(message, { ignoreUndefined: true })
    if (body.length > MAX_MESSAGE) return Promise.reject(new Error('the message is too long to be sent'))
    if (this.socket.writableLength > MAX_WAITING)
      this.socket.destroy(new Error('the other end does not read'))
    if (this.socket.destroyed || this.socket.writableEnded) return Promise.resolve()
    const head = Buffer.alloc(HEAD)
    head.writeUInt32BE(body.length)
    this.socket.cork()
    this.socket.write(head)
    const written = new Promise<void>(resolve => this.socket.write(body, () => resolve()))
    this.socket.uncork()
    return written
  }

  end(): void {
    this.socket.end()
  }
}
