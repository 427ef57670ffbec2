/**
 * Where the peer process listens and what admits to it. The peer process, holding the lock, makes a new token, listens
 * on its socket and then writes endpoint.json; clients read both files. A Unix socket's path is cut off silently
 * at about 100 bytes and lies in a folder of its owner, so it is short and hashed from the data folder's path. Windows
 * pipes have no file permissions: there the token alone keeps others out.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { lstatSync, mkdirSync, realpathSync, type Stats } from 'node:fs'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { PeerfoldError } from '../common/errors'
import { dataFolderPaths } from './dataFolder'

export interface Endpoint {
  /** Path of the Unix socket, or name of the Windows pipe. */
  readonly socket: string
  readonly pid: number
  /** Version of the program that runs there. */
  readonly version: string
}

/** The shortest limit of the systems we run on (macOS: 104 with the final zero). */
const MAX_SOCKET_PATH = 103

/** The socket or pipe for a data folder; makes the folder a Unix socket lies in. The same for every name of one folder. */
export function socketPath(root: string, env: NodeJS.ProcessEnv = process.env): string {
  const id = createHash('sha256')
    .update(`${userInfo().username}\0${realPath(root)}`)
    .digest('hex')
    .slice(0, 16)
  if (process.platform === 'win32') return `\\\\.\\pipe\\peerfold-${id}`
  const runtime = env.XDG_RUNTIME_DIR
  const folders = [
    ...(runtime && isAbsolute(runtime) && isPrivateFolder(runtime) ? [join(runtime, 'peerfold')] : []),
    join(tmpdir(), `peerfold-${process.getuid?.() ?? 0}`),
    resolve(root),
  ]
  const found = folders.map(folder => ({ folder, path: join(folder, `${id}.sock`) })).find(isUsable)
  if (found === undefined) throw new PeerfoldError('io-failed', `no folder for the socket of “${root}”`)
  return found.path
}

function isUsable({ folder, path }: { folder: string; path: string }): boolean {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH) return false
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') return false
  }
  return isPrivateFolder(folder)
}

/** True for a folder, not a link to one, that belongs to this user and is closed to all others. */
function isPrivateFolder(path: string): boolean {
  let found: Stats
  try {
    found = lstatSync(path)
  } catch {
    return false // cannot be looked at: not usable, whatever the reason
  }
  return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o077) === 0
}

function realPath(root: string): string {
  try {
    return realpathSync.native(root)
  } catch {
    return resolve(root) // not there yet
  }
}

/** Undefined when no peer process has announced itself, or the file is not whole. */
export async function readEndpoint(root: string): Promise<Endpoint | undefined> {
  const text = await readIfThere(dataFolderPaths(root).endpoint)
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return isEndpoint(value) ? value : undefined
  } catch {
    return undefined // not JSON: as good as absent, its writer replaces it
  }
}

function isEndpoint(value: unknown): value is Endpoint {
  return (
    typeof value === 'object' &&
    value !== null &&
    'socket' in value &&
    typeof value.socket === 'string' &&
    'pid' in value &&
    Number.isSafeInteger(value.pid) &&
    'version' in value &&
    typeof value.version === 'string'
  )
}

export async function writeEndpoint(root: string, endpoint: Endpoint): Promise<void> {
  await writePrivately(dataFolderPaths(root).endpoint, `${JSON.stringify(endpoint)}\n`)
}

/** For an orderly end. Nothing happens when it is gone already. */
export async function removeEndpoint(root: string): Promise<void> {
  await rm(dataFolderPaths(root).endpoint, { force: true })
}

/** Undefined when there is none. */
export async function readToken(root: string): Promise<string | undefined> {
  return (await readIfThere(dataFolderPaths(root).token))?.trim()
}

/** A new token, 64 hex digits, in place of the one before. Only for the peer process that holds the lock. */
export async function createToken(root: string): Promise<string> {
  const token = randomBytes(32).toString('hex')
  await writePrivately(dataFolderPaths(root).token, `${token}\n`)
  return token
}

/** Compares in constant time. */
export function tokensMatch(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(wanted))
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

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
