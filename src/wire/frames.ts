/**
 * Messages on the local socket: 4 bytes of length (big-endian), then that many bytes of MessagePack. File bytes stay
 * bytes this way, and the length is known before anything is kept. A request that is too long is dropped as it comes,
 * and answered with an error. Anything else that is too long ends the connection at once. These two classes plug into
 * vscode-jsonrpc, which does the rest: ids, responses, cancellation.
 */
import type { Socket } from 'node:net'
import { decode, decodeMulti, encode } from '@msgpack/msgpack'
import {
  AbstractMessageReader,
  AbstractMessageWriter,
  type DataCallback,
  type Disposable,
  type Message,
  type MessageReader,
  type MessageWriter,
} from 'vscode-jsonrpc/node'

/** Answers the request of that id, which has this many bytes. */
export type Refusal = (id: number | string, length: number) => void

/** Bytes of the longest message. Files of any size come in parts; both ends hold a message about twice meanwhile. */
export const LONGEST_MESSAGE = 64_000_000
/** Bytes of the longest message until the other end has proven itself. Bounds what a few bytes can claim to hold. */
export const MAX_FIRST_MESSAGE = 8 * 1024
/** Longest messages that may wait for the other end to read. With more, it hangs, and the connection ends. */
const MAX_WAITING = 2
const HEAD = 4
/** Bytes at the start of a message in which its id is found. */
const ID_WITHIN = 128

export class FrameReader extends AbstractMessageReader implements MessageReader {
  private readonly head = Buffer.alloc(HEAD)
  private headHeld = 0
  /** A message that comes in several chunks: as long as it will be, filled as they come. Joining the chunks at the end
   *  would hold up everything while, say, 50 MB are copied. */
  private body: Buffer | undefined
  private bodyHeld = 0
  /** Set while `body` is the start of a message that is refused: what answers it, and its whole length. */
  private refused: { readonly refuse: Refusal; readonly length: number } | undefined
  /** Bytes of a refused message that are still to come. */
  private passing = 0

  constructor(
    private readonly socket: Socket,
    /** Bytes of the longest message that is taken now. */
    private readonly longest: () => number,
    /** What answers a request that is too long, of which nothing is kept; undefined: the connection ends. */
    private readonly refusal: () => Refusal | undefined = () => undefined,
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
      if (this.passing > 0) {
        const part = Math.min(this.passing, chunk.length - at)
        at += part
        this.passing -= part
        continue
      }
      if (this.body === undefined) {
        const part = chunk.copy(this.head, this.headHeld, at)
        at += part
        this.headHeld += part
        if (this.headHeld < HEAD) return
        this.headHeld = 0
        const length = this.begin()
        if (this.refused === undefined && at + length <= chunk.length) {
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
      if (this.refused === undefined) tell(body, callback)
      else this.letPass(body)
    }
  }

  /** How much of the message whose head came is wanted: of one that is too long, as much as its id needs. */
  private begin(): number {
    const length = this.head.readUInt32BE(0)
    this.refused = undefined
    if (length <= this.longest()) return length
    const refuse = this.refusal()
    if (refuse === undefined) throw tooLong(length)
    this.refused = { refuse, length }
    return Math.min(length, ID_WITHIN)
  }

  /** Answers a request that is too long; the rest of it is dropped as it comes. */
  private letPass(start: Buffer): void {
    if (this.refused === undefined) return
    const { refuse, length } = this.refused
    const id = requestIdOf(start)
    if (id === undefined) throw tooLong(length)
    refuse(id, length)
    this.passing = length - start.length
    this.refused = undefined
  }
}

function tell(body: Buffer, callback: DataCallback): void {
  // The decoder makes an array as long as it claims to be before it reads the first element, so the claim is bounded.
  const limits = { maxArrayLength: body.length, maxMapLength: body.length }
  const message = decode(body, limits)
  if (!isMessage(message)) throw new Error('what came is not a message')
  callback(message)
}

function tooLong(length: number): Error {
  return new Error(`a message of ${length} bytes is too long`)
}

/**
 * The id of a request, from the first bytes of its message: a map whose first entries are plain values and, among them,
 * `id` and `method`. Undefined when these bytes are no such message.
 */
function requestIdOf(start: Uint8Array): number | string | undefined {
  const mark = start[0] ?? 0
  if (mark < 0x80 || mark > 0x8f) return undefined // a map of few entries
  const limits = { maxArrayLength: 0, maxMapLength: 0, maxBinLength: 0, maxStrLength: start.length }
  let id: unknown
  let key: unknown
  try {
    let isKey = true
    for (const part of decodeMulti(start.subarray(1), limits)) {
      if (isKey && part === 'method') return typeof id === 'number' || typeof id === 'string' ? id : undefined
      if (isKey) key = part
      else if (key === 'id') id = part
      isKey = !isKey
    }
  } catch {
    return undefined // these bytes end before the id and the method
  }
  return undefined
}

function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && 'jsonrpc' in value && value.jsonrpc === '2.0'
}

export class FrameWriter extends AbstractMessageWriter implements MessageWriter {
  constructor(
    private readonly socket: Socket,
    /** Bytes of the longest message that the other end takes. */
    private readonly longest: number,
    /** What to reject with when a message of this many bytes is too long. */
    private readonly tooLong: (length: number) => Error,
  ) {
    super()
    socket.once('close', () => this.fireClose())
  }

  /** Resolves when the operating system took it, or when the connection is gone: closing alone tells that end. */
  write(message: Message): Promise<void> {
    const body = encode(message, { ignoreUndefined: true })
    if (body.length > this.longest) return Promise.reject(this.tooLong(body.length))
    if (this.socket.writableLength > MAX_WAITING * this.longest)
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
