/** A socket as anybody could make it: it keeps what it is sent, and answers as a test tells it to. */
import { rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { decode, encode } from '@msgpack/msgpack'

export interface ReceivedMessage {
  readonly id?: number | string
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
}

/** Undefined: silence. */
export type Reply = (message: ReceivedMessage) => object | undefined

export class RecordingSocket {
  /** How often somebody connected. */
  connections = 0
  private readonly parts: Buffer[] = []
  private readonly sockets = new Set<Socket>()

  private constructor(private readonly server: Server) {}

  /** Listens at `path`, in place of whoever did. */
  static async at(path: string, reply: Reply = () => undefined): Promise<RecordingSocket> {
    const made: RecordingSocket = new RecordingSocket(
      createServer(socket => {
        const answered: Buffer[] = []
        made.record(socket, part => {
          answered.push(part)
          for (const message of messagesOf(Buffer.concat(answered.splice(0)))) {
            const answer = reply(message)
            if (answer !== undefined) socket.write(frame({ jsonrpc: '2.0', id: message.id, ...answer }))
          }
        })
      }),
    )
    return made.listen(path)
  }

  /** Listens at `path` and passes everything on, both ways, to the socket at `to`. */
  static async relay(path: string, to: string): Promise<RecordingSocket> {
    const made: RecordingSocket = new RecordingSocket(
      createServer(socket => {
        const other = connect(to)
        made.record(socket, part => other.write(part))
        other.on('error', () => socket.destroy())
        other.on('data', part => socket.write(part))
        other.on('close', () => socket.destroy())
        socket.on('close', () => other.destroy())
      }),
    )
    return made.listen(path)
  }

  /** All that came, of all connections. */
  get received(): Buffer {
    return Buffer.concat(this.parts)
  }

  get messages(): readonly ReceivedMessage[] {
    return messagesOf(this.received)
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    await new Promise(resolve => this.server.close(resolve))
  }

  private async listen(path: string): Promise<this> {
    rmSync(path, { force: true })
    const mask = process.umask(0o077)
    this.server.listen(path)
    process.umask(mask) // the file is there as soon as `listen` returns
    await new Promise<void>((resolve, reject) => {
      this.server.once('listening', resolve)
      this.server.once('error', reject)
    })
    return this
  }

  private record(socket: Socket, onData: (part: Buffer) => void): void {
    this.connections++
    this.sockets.add(socket)
    socket.on('error', () => {}) // closing follows
    socket.on('close', () => this.sockets.delete(socket))
    socket.on('data', part => {
      this.parts.push(part)
      onData(part)
    })
  }
}

export function frame(message: object): Buffer {
  const body = encode(message, { ignoreUndefined: true })
  const head = Buffer.alloc(4)
  head.writeUInt32BE(body.length)
  return Buffer.concat([head, body])
}

/** The whole messages in these bytes. */
export function messagesOf(bytes: Buffer): ReceivedMessage[] {
  const messages: ReceivedMessage[] = []
  for (let at = 0; at + 4 <= bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at)
    if (end > bytes.length) break
    const message: unknown = decode(bytes.subarray(at + 4, end))
    if (typeof message === 'object' && message !== null) messages.push(message)
    at = end
  }
  return messages
}
