/**
 * Joins the peer process that runs on a data folder, when there is one. Its endpoint file may be left over from a
 * process that was killed, so only an answer to `hello` counts.
 */
import { connect as connectSocket, type Socket } from 'node:net'
import { PeerfoldError } from '../common/errors'
import { PROTOCOL_VERSION, type Result } from '../common/protocol'
import { type Connection, openConnection } from '../wire/connection'
import { readEndpoint, readToken } from '../wire/endpoint'

/** Milliseconds for a running process to take the connection and to answer `hello`. */
const CONNECT_LIMIT = 2_000
const HELLO_LIMIT = 10_000

export interface AttachOptions {
  /** The data folder. */
  readonly storage: string
  /** A window leaves a grace period when it goes; a command does not. */
  readonly client: 'window' | 'command'
  /** Bootstrap nodes, `host:port`; absent: whatever the running process uses, or the public ones. */
  readonly bootstrap?: readonly string[] | undefined
  readonly signal?: AbortSignal | undefined
}

/** A connection that said hello, and what was answered. */
export interface AttachedPeer {
  readonly connection: Connection
  readonly hello: Result<'hello'>
}

/**
 * Undefined when no peer process listens there. Throws `peer-newer` and `bootstrap-differs` as they come,
 * `store-locked` when one listens and does not answer, `cancelled`.
 */
export async function attachToPeer(options: AttachOptions): Promise<AttachedPeer | undefined> {
  const [endpoint, token] = await Promise.all([readEndpoint(options.storage), readToken(options.storage)])
  if (endpoint === undefined || token === undefined) return undefined
  const socket = await openSocket(endpoint.socket)
  if (socket === undefined) return undefined
  const connection = openConnection(socket)
  try {
    const hello = await sayHello(connection, token, options)
    return { connection, hello }
  } catch (error) {
    const endedByItself = connection.closed
    connection.close()
    const code = error instanceof PeerfoldError ? error.code : undefined
    // On its way out, or just come up with a new token: another look will tell.
    if ((code === 'peer-unreachable' && endedByItself) || code === 'bad-request') return undefined
    throw code === 'peer-unreachable' ? new PeerfoldError('store-locked', options.storage) : error
  }
}

async function sayHello(
  connection: Connection,
  token: string,
  { client, bootstrap, signal }: AttachOptions,
): Promise<Result<'hello'>> {
  const params = { protocol: PROTOCOL_VERSION, token, client, ...(bootstrap ? { bootstrap } : {}) }
  const hello = await connection.request('hello', params, { timeout: HELLO_LIMIT, signal })
  if (hello.protocol > PROTOCOL_VERSION) throw new PeerfoldError('peer-newer')
  if (hello.longestMessage !== undefined) connection.sendAtMost(hello.longestMessage)
  connection.onNotification('longestMessage', ({ bytes }) => connection.sendAtMost(bytes))
  return hello
}

/** Undefined when nobody listens, whatever the reason. */
function openSocket(path: string): Promise<Socket | undefined> {
  return new Promise(resolve => {
    const socket = connectSocket(path)
    const settle = (result: Socket | undefined) => {
      clearTimeout(timer)
      if (result === undefined) socket.destroy()
      else socket.off('error', refused)
      resolve(result)
    }
    const refused = () => settle(undefined)
    const timer = setTimeout(refused, CONNECT_LIMIT)
    socket.on('error', refused)
    socket.once('connect', () => settle(socket))
  })
}
