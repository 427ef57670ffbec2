/**
 * What a command was given. Menus of views pass a row, the Explorer an address, the dashboard and scripts an id or an
 * object; all are checked here, for any extension and any keybinding may pass anything.
 *
 * Scripts pass an object with `ask: false`: nothing is asked then, and failures are thrown instead of shown.
 */
import * as vscode from 'vscode'
import type { DrivePath, PeerId, ShareId } from '../../common/brand'
import { isShareId } from '../../common/link'
import { fromShareUri, ROOT, type ShareAddress, toShareUri } from '../files/shareUri'

/** True when a script wants the command to ask nothing. */
export function isScripted(args: readonly unknown[]): boolean {
  return args.some(arg => field(arg, 'ask') === false)
}

/** The share a command was given, by row, address, id, or `{ id }`. */
export function givenShare(given: unknown): ShareId | undefined {
  return givenAddress(given)?.id
}

/** The entry a command was given; the whole share where no path is named. */
export function givenAddress(given: unknown): ShareAddress | undefined {
  if (given instanceof vscode.Uri) return fromShareUri(given)
  const id = typeof given === 'string' ? given : field(given, 'id')
  if (typeof id !== 'string' || !isShareId(id)) return undefined
  const path = field(given, 'path') ?? ROOT
  const version = field(given, 'version')
  const at = typeof version === 'number' && Number.isSafeInteger(version) && version > 0 ? { version } : {}
  return typeof path === 'string' ? fromShareUri(toShareUri({ id, path: rooted(path), ...at })) : undefined
}

/** A transfer's or peer's id, by row or alone. */
export function givenId(given: unknown): string | undefined {
  const id = typeof given === 'string' ? given : field(given, 'id')
  return typeof id === 'string' && /^[\w-]{1,64}$/.test(id) ? id : undefined
}

export function givenPeer(given: unknown): PeerId | undefined {
  return givenId(given) as PeerId | undefined
}

/** A folder or file on disk: an address, or an absolute path in `{ source }`. */
export function givenSource(given: unknown): vscode.Uri | undefined {
  if (given instanceof vscode.Uri) return given
  const source = field(given, 'source')
  if (source instanceof vscode.Uri) return source
  return typeof source === 'string' ? vscode.Uri.file(source) : undefined
}

export function givenText(given: unknown, name: string): string | undefined {
  const value = field(given, name)
  return typeof value === 'string' ? value : undefined
}

export function givenFlag(given: unknown, name: string): boolean | undefined {
  const value = field(given, name)
  return typeof value === 'boolean' ? value : undefined
}

/** Texts in a list. */
export function givenTexts(given: unknown, name: string): readonly string[] {
  const value = field(given, name)
  return Array.isArray(value) ? value.filter(text => typeof text === 'string') : []
}

/** Drive paths in a list, with or without a leading slash. */
export function givenPaths(given: unknown, name: string): readonly DrivePath[] {
  const value = field(given, name)
  return Array.isArray(value) ? value.filter(path => typeof path === 'string').map(rooted) : []
}

function rooted(path: string): DrivePath {
  return (path.startsWith('/') ? path : `/${path}`) as DrivePath
}

function field(given: unknown, name: string): unknown {
  if (typeof given !== 'object' || given === null) return undefined
  return new Map<string, unknown>(Object.entries(given)).get(name)
}
