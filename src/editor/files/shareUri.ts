/**
 * Addresses of entries in the editor: `peerfold://<share id>/path`. The share id tells nothing of the key that reads,
 * so these may stand in window titles, recent lists and logs.
 */
import * as vscode from 'vscode'
import type { DrivePath, ShareId } from '../../common/brand'
import { isShareId } from '../../common/link'
import { EXTENSION_SCHEME } from '../contributions'

export interface ShareAddress {
  readonly id: ShareId
  /** `/` for the share itself. */
  readonly path: DrivePath
}

export const ROOT = '/' as DrivePath

export function toShareUri({ id, path }: ShareAddress): vscode.Uri {
  return vscode.Uri.from({ scheme: EXTENSION_SCHEME, authority: id, path })
}

/** Undefined for other schemes, malformed ids, and paths with empty, `.` or `..` components. */
export function fromShareUri(uri: vscode.Uri): ShareAddress | undefined {
  const id = uri.authority
  if (uri.scheme !== EXTENSION_SCHEME || !isShareId(id)) return undefined
  const path = uri.path === '' ? '/' : uri.path
  if (!isEntryPath(path)) return undefined
  return { id, path: path.length > 1 && path.endsWith('/') ? (path.slice(0, -1) as DrivePath) : path }
}

/** True for `/` and for `/a/b`, also with one slash at the end. */
function isEntryPath(path: string): path is DrivePath {
  if (path === '/') return true
  if (!path.startsWith('/') || path.includes('\0')) return false
  const parts = path.slice(1).replace(/\/$/, '').split('/')
  return parts.every(part => part !== '' && part !== '.' && part !== '..')
}
