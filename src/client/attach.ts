/**
 * Joins the peer process that runs on a data folder, when there is one. The endpoint file may be left over from a
 * process that was killed, and the socket that it names may be another user's by now. So the socket is looked at before
 * it is connected to, and whoever listens there proves itself before it is told anything.
 */
import { connect as connectSocket, type Socket } from 'node:net'
import { PeerfoldError } from '../common/errors'
import { PROTOCOL_VERSION, type Result } from '../common/protocol'
import { type Connection, openConnection } from '../wire/connection'
import { type Endpoint, readEndpoint } from '../wire/endpoint'
import { isPrivateSocket } from '../wire/ownership'
import { introduce } from './introduce'
import { holdingOf } from './lockHolder'

/** Milliseconds for a running process to take the connection. */
const CONNECT_LIMIT = 2_000

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
 * Undefined when no peer process that proves itself listens there.
 *
 * @throws PeerfoldError `bootstrap-differs`; `peer-newer` or `peer-older` for a process of another age, which is told
 *   nothing; `store-locked` when one listens and does not answer; `cancelled`
 */
export async function attachToPeer(options: AttachOptions): Promise<AttachedPeer | undefined> {
  const endpoint = await readEndpoint(options.storage)
  if (endpoint === undefined) return undefined
  const holding = holdingOf(options.storage, endpoint)
  if (holding === 'not-held') return undefined // left over
  if (endpoint.protocol !== PROTOCOL_VERSION) {
    if (holding === 'unknown' && !(await isListening(endpoint))) return undefined
    throw ofAnotherAge(endpoint)
  }
  return meetPeer(endpoint, options)
}

/**
 * As `attachToPeer`, for the process that the endpoint names, in its own protocol: the messages that end a process are
 * the same in every protocol from 2 on.
 */
export async function meetPeer(
  endpoint: Endpoint,
  options: AttachOptions,
): Promise<AttachedPeer | undefined> {
  const socket = await openSocket(endpoint.socket)
  if (socket === undefined) return undefined
  const connection = openConnection(socket)
  try {
    const hello = await introduce(connection, endpoint, options)
    if (hello !== undefined) return { connection, hello }
    connection.close() // another user's socket, or a process that came up with a new key: another look will tell
    return undefined
  } catch (error) {
    const endedByItself = connection.closed
    connection.close()
    const code = error instanceof PeerfoldError ? error.code : undefined
    // The process is ending, or turned this client away as unproven: another look will tell.
    if ((code === 'peer-unreachable' && endedByItself) || code === 'bad-request') return undefined
    throw code === 'peer-unreachable' ? new PeerfoldError('store-locked', options.storage) : error
  }
}

function ofAnotherAge({ protocol, version }: Endpoint): PeerfoldError {
  return protocol > PROTOCOL_VERSION
    ? new PeerfoldError('peer-newer')
    : new PeerfoldError('peer-older', version)
}

/** Whether anybody takes a connection there; nothing is sent. */
async function isListening({ socket }: Endpoint): Promise<boolean> {
  const opened = await openSocket(socket)
  opened?.destroy()
  return opened !== undefined
}

/**
 * Undefined when nobody listens, whatever the reason, or the socket or its folder is not this user's alone. The
 * challenge finds out a folder that is exchanged after that look.
 */
async function openSocket(path: string): Promise<Socket | undefined> {
  if (!isPrivateSocket(path)) return undefined
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
