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
  private chunks: Buffer[] = []
  private held = 0

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
        this.chunks = []
        this.held = 0
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
    this.chunks.push(chunk)
    this.held += chunk.length
    while (this.held >= HEAD) {
      const length = this.head().readUInt32BE(0)
      if (length > this.longest()) throw new Error(`a message of ${length} bytes is too long`)
      if (this.held < HEAD + length) return
      const all = this.chunks.length === 1 ? this.head() : Buffer.concat(this.chunks)
      const rest = all.subarray(HEAD + length)
      this.chunks = rest.length === 0 ? [] : [rest]
      this.held = rest.length
      // An array is made as long as it claims to be before its first element is looked at.
      const limits = { maxArrayLength: length, maxMapLength: length }
      const message = decode(all.subarray(HEAD, HEAD + length), limits)
      if (!isMessage(message)) throw new Error('what came is not a message')
      callback(message)
    }
  }

  /** The first chunk, made long enough to hold the length. */
  private head(): Buffer {
    const first = this.chunks[0]
    if (first !== undefined && first.length >= HEAD) return first
    const joined = Buffer.concat(this.chunks)
    this.chunks = [joined]
    return joined
  }
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
