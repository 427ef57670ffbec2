/**
 * How an entry of a share is written as an address: `peerfold://<share id>.<check>/<name>/path`.
 *
 * VS Code makes tabs, breadcrumbs and tooltips of an address's path and shows nothing else of it. So the path begins
 * with the share's name, as if the share were a folder of that name, and two README.md can be told apart.
 *
 * Only the id says which share is meant. The check is a hash of the name. It tells `/garden/README.md` from what editors
 * look for beside the share (`/.git`, `/tsconfig.json`), without knowing the share's name. So an address stays good when
 * the share is renamed. `peerfold://<share id>/path` is how earlier versions wrote it.
 *
 * `?at=<n>` makes it the address of the entry as it was in version n. The name says so as well, so that a tab shows which
 * version it is. The query is not `?version=`, which VS Code's viewer of pictures adds to addresses, with a time.
 *
 * Pure; shareUri.ts has the same for `vscode.Uri`.
 */
import { createHash } from 'node:crypto'
import type { Brand, DrivePath, ShareId } from '../../common/brand'
import { isShareId } from '../../common/link'
import { folderName } from '../folderName'

export interface ShareAddress {
  readonly id: ShareId
  /** `/` for the share itself. */
  readonly path: DrivePath
  /** A former version; absent: the newest. */
  readonly version?: number
}

/** The name of a share as the first component of a path: not empty, no slash, nothing invisible. */
export type ShownName = Brand<string, 'ShownName'>

/** The parts of an address, decoded. */
export interface UriParts {
  readonly authority: string
  readonly path: string
  readonly query?: string
}

export interface ReadAddress extends ShareAddress {
  /** Undefined in the form of earlier versions. */
  readonly name: ShownName | undefined
}

export const ROOT = '/' as DrivePath

/** A stranger's name for a share, made safe. `suffix` tells it from another share of that name. */
export function shownName(name: string, suffix = ''): ShownName {
  return `${folderName(name)}${suffix}` as ShownName
}

/** Without a name: in the form of earlier versions. */
export function writeAddress({ id, path, version }: ShareAddress, name?: ShownName): UriParts {
  const at = version === undefined ? {} : { query: `at=${version}` }
  if (name === undefined) return { authority: id, path, ...at }
  return { authority: `${id}.${checkOf(name)}`, path: path === ROOT ? `/${name}` : `/${name}${path}`, ...at }
}

/** Undefined for malformed ids, names without their check, and paths with empty, `.` or `..` components. */
export function readAddress({ authority, path, query = '' }: UriParts): ReadAddress | undefined {
  const [, version] = /^at=(\d{1,15})$/.exec(query) ?? []
  const at = version === undefined ? {} : { version: Number(version) }
  const [id = '', check, ...more] = authority.split('.')
  if (!isShareId(id) || more.length > 0) return undefined
  const whole = path === '' ? '/' : path
  if (!isEntryPath(whole)) return undefined
  const trimmed = whole.length > 1 && whole.endsWith('/') ? (whole.slice(0, -1) as DrivePath) : whole
  if (check === undefined) return { id, path: trimmed, name: undefined, ...at }
  const end = trimmed.indexOf('/', 1)
  const name = trimmed.slice(1, end === -1 ? undefined : end) as ShownName
  if (checkOf(name) !== check) return undefined
  return { id, path: end === -1 ? ROOT : (trimmed.slice(end) as DrivePath), name, ...at }
}

/** The share whose folder is all that lies at this address: the one above the share. */
export function readAbove({ authority, path }: UriParts): ShareId | undefined {
  const [id = '', check, ...more] = authority.split('.')
  const isAbove = (path === '/' || path === '') && check !== undefined && more.length === 0
  return isAbove && isShareId(id) ? id : undefined
}

/** Eight hex digits: enough to tell a name from any other that is looked for. */
function checkOf(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 8)
}

/** True for `/` and for `/a/b`, also with one slash at the end. */
function isEntryPath(path: string): path is DrivePath {
  if (path === '/') return true
  if (!path.startsWith('/') || path.includes('\0')) return false
  const parts = path.slice(1).replace(/\/$/, '').split('/')
  return parts.every(part => part !== '' && part !== '.' && part !== '..')
}
