/**
 * The settings of Peerfold as the user chose them. All have machine scope, so that a workspace cannot bring its own;
 * values of the wrong type (settings.json is edited by hand) count as not set.
 */
import * as os from 'node:os'
import * as path from 'node:path'
import * as vscode from 'vscode'
import type { Params } from '../common/protocol'
import { SETTING_LIMITS } from '../common/settingLimits'
import { EXTENSION_SCHEME, SETTINGS, type SettingName } from './contributions'

export interface EditorSettings {
  readonly displayName: string
  readonly ignore: readonly string[]
  readonly directTcp: boolean
  /** Bytes. */
  readonly maxEditorFileSize: number
  /** Limits, where the user chose other than the usual. Bytes, but for entries, connections and open requests. */
  readonly limits: NonNullable<Params<'settings.set'>['limits']>
  /** `host:port` each; empty: the public ones. */
  readonly bootstrap: readonly string[]
  /** Absolute; undefined: the data folder of this user. */
  readonly storageFolder: string | undefined
}

const MEGABYTE = 1_000_000
const GIGABYTE = 1_000_000_000
/** A whole file travels in one message of the local socket. */
const MAX_FILE_MEGABYTES = SETTING_LIMITS.request.most / MEGABYTE

export function readSettings(): EditorSettings {
  const configuration = vscode.workspace.getConfiguration(EXTENSION_SCHEME)
  const get = (name: SettingName): unknown => configuration.get(name)
  const megabytes = get('maxEditorFileSize')
  const { connections, openRequests, peerMessage, request } = SETTING_LIMITS
  return {
    displayName: text(get('displayName')),
    ignore: texts(get('ignore')),
    directTcp: get('directTcp') !== false,
    maxEditorFileSize: clamp(megabytes, 1, MAX_FILE_MEGABYTES, SETTINGS.maxEditorFileSize) * 1_000_000,
    limits: {
      ...chosen('entries', get('maxShareEntries'), SETTINGS.maxShareEntries, 1),
      ...chosen('pathLogBytes', get('maxShareListSize'), SETTINGS.maxShareListSize, MEGABYTE),
      ...chosen('bytes', get('maxShareSize'), SETTINGS.maxShareSize, GIGABYTE),
      ...chosen('storeBytes', get('maxStoreSize'), SETTINGS.maxStoreSize, GIGABYTE),
      ...chosen('connections', get('maxConnections'), SETTINGS.maxConnections, 1, {
        least: 1,
        most: connections,
      }),
      ...chosen('openRequests', get('maxOpenRequests'), SETTINGS.maxOpenRequests, 1, openRequests),
      ...chosen('peerMessageBytes', get('maxPeerMessage'), SETTINGS.maxPeerMessage, MEGABYTE, peerMessage),
      ...chosen('requestBytes', get('maxRequestSize'), SETTINGS.maxRequestSize, MEGABYTE, request),
    },
    bootstrap: texts(get('bootstrap')),
    storageFolder: folder(text(get('storageFolder'))),
  }
}

/** Fires when one of the named settings changed. */
export function onSettingsChange(names: readonly SettingName[], listener: () => void): vscode.Disposable {
  return vscode.workspace.onDidChangeConfiguration(event => {
    if (names.some(name => event.affectsConfiguration(`${EXTENSION_SCHEME}.${name}`))) listener()
  })
}

function text(value: unknown): string {
  return typeof value === 'string' ? value.trim() : ''
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(text).filter(entry => entry !== '') : []
}

function clamp(value: unknown, low: number, high: number, otherwise: number): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) return otherwise
  return Math.min(high, Math.max(low, value))
}

/** Nothing for the usual value: the peer process knows it. `range`: what it takes. */
function chosen<Name extends string>(
  name: Name,
  value: unknown,
  usual: number,
  unit: number,
  range = { least: unit, most: Number.MAX_SAFE_INTEGER },
): { readonly [N in Name]?: number } {
  const count = clamp(value, range.least / unit, range.most / unit, usual)
  if (count === usual) return {}
  const limit: { [N in Name]?: number } = {}
  limit[name] = Math.floor(count * unit)
  return limit
}

function folder(given: string): string | undefined {
  if (given === '') return undefined
  return path.resolve(os.homedir(), given.replace(/^~(?=$|[/\\])/, os.homedir()))
}
