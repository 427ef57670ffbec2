/**
 * Where the peer process listens and what proves it. The peer process, holding the lock, listens on its socket and then
 * writes endpoint.json, with a new key each time (see challenge.ts); clients read it.
 *
 * - A Unix socket has a short path, hashed from the data folder's, since systems cut it off silently at about 100 bytes.
 *   It lies in a folder of its owner.
 * - A Windows pipe has a random name, another one at each start. Pipes have no file permissions, and whoever makes one
 *   first has its name.
 */
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readlinkSync, realpathSync } from 'node:fs'
import { open, rename, rm, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'
import { PeerfoldError } from '../common/errors'
import { systemCode } from '../common/fileErrors'
import { dataFolderPaths } from './dataFolder'
import { isKeptInPlace, isPrivateFolder, readOwnText } from './ownership'

export interface Endpoint {
  /** Path of the Unix socket, or name of the Windows pipe. */
  readonly socket: string
  readonly pid: number
  /** Version of the program that runs there. */
  readonly version: string
  /** Its `PROTOCOL_VERSION`. Peerfold 0.3.0 does not say: 1. */
  readonly protocol: number
  /** What both ends prove that they know, 64 hex digits. Peerfold 0.3.0 has none. */
  readonly key?: string
  /** Linux: among which processes `pid` is one (the PID namespace); containers count their own. */
  readonly processes?: string
}

/** The shortest limit of the systems we run on (macOS: 104 with the final zero). */
const MAX_SOCKET_PATH = 103
/** Peerfold 0.3.0 takes this for the token and sends it to the socket, where it is told that it is too old. */
const TOKEN_FOR_EARLIER = 'Peerfold 0.3.0 sends this; it admits to nothing'

/**
 * The socket or pipe for a data folder; makes the folder that a Unix socket lies in. A pipe has another name each time.
 * A socket has the same path for every name of one folder, so that a stale one is replaced.
 *
 * @throws PeerfoldError `no-socket-folder`
 */
export function socketPath(
  root: string,
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  if (platform === 'win32') return `\\\\.\\pipe\\peerfold-${randomBytes(16).toString('hex')}`
  const user = process.geteuid?.() ?? 0
  const folder = realPath(root)
  const id = createHash('sha256').update(`${user}\0${folder}`).digest('hex').slice(0, 16)
  const runtime = env.XDG_RUNTIME_DIR
  const ownTemporary = join(tmpdir(), `peerfold-${user}`)
  const folders = [
    ...(runtime && isAbsolute(runtime) && isPrivateFolder(runtime) ? [join(runtime, 'peerfold')] : []),
    ...(isKeptInPlace(ownTemporary) ? [ownTemporary] : []),
    folder,
  ]
  const found = folders.map(parent => ({ parent, path: join(parent, `${id}.sock`) })).find(isUsable)
  if (found !== undefined) return found.path
  // Another user made the usual folder first, and the data folder's own path is too long.
  const path = join(mkdtempSync(`${ownTemporary}-`), `${id}.sock`)
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH) throw new PeerfoldError('no-socket-folder', root)
  return path
}

function isUsable({ parent, path }: { parent: string; path: string }): boolean {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH) return false
  try {
    mkdirSync(parent, { mode: 0o700 })
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') return false
  }
  return isPrivateFolder(parent)
}

/** Removes a folder that was made for this socket alone. For an orderly end. */
export async function removeSocketFolder(socket: string): Promise<void> {
  const folder = dirname(socket)
  if (/^peerfold-\d+-.{6}$/.test(basename(folder))) await rmdir(folder).catch(() => {}) // empty, or left
}

/** Linux: which PID namespace this process is in; undefined elsewhere. */
export function processSpace(): string | undefined {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return undefined
  }
}

function realPath(root: string): string {
  try {
    return realpathSync.native(root)
  } catch {
    return resolve(root) // not there yet
  }
}

/** Undefined when no peer process has written one, or it is not whole, or another user may have written it. */
export async function readEndpoint(root: string): Promise<Endpoint | undefined> {
  const text = await readOwnText(dataFolderPaths(root).endpoint)
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return isEndpoint(value) ? { ...value, protocol: value.protocol ?? 1 } : undefined
  } catch {
    return undefined // not JSON: as good as absent, its writer replaces it
  }
}

type WrittenEndpoint = Omit<Endpoint, 'protocol'> & { readonly protocol?: number }

function isEndpoint(value: unknown): value is WrittenEndpoint {
  if (typeof value !== 'object' || value === null) return false
  if (!('socket' in value) || typeof value.socket !== 'string') return false
  if (!('version' in value) || typeof value.version !== 'string') return false
  if (!('pid' in value) || !isCount(value.pid)) return false
  if ('protocol' in value && !isCount(value.protocol)) return false
  if ('key' in value && !(typeof value.key === 'string' && /^[0-9a-f]{64}$/.test(value.key))) return false
  return !('processes' in value) || typeof value.processes === 'string'
}

/** A process id of 0 or less would mean a whole group of processes. */
function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}

export async function writeEndpoint(root: string, endpoint: Endpoint): Promise<void> {
  await writePrivately(dataFolderPaths(root).endpoint, `${JSON.stringify(endpoint)}\n`)
}

/** For an orderly end. Nothing happens when it is gone already. */
export async function removeEndpoint(root: string): Promise<void> {
  await rm(dataFolderPaths(root).endpoint, { force: true })
}

/** Replaces the token of Peerfold 0.3.0. Only for the peer process that holds the lock. */
export async function writeTokenForEarlier(root: string): Promise<void> {
  await writePrivately(dataFolderPaths(root).token, `${TOKEN_FOR_EARLIER}\n`)
}

/** Readers see the old content or the new, never a part; nobody else sees either. */
async function writePrivately(path: string, text: string): Promise<void> {
  const unfinished = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
  const file = await open(unfinished, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(unfinished, path)
}
