/**
 * The settings of Peerfold as the user chose them. All have machine scope, so that a workspace cannot bring its own;
 * values of the wrong type (settings.json is edited by hand) count as not set.
 */
import * as os from 'node:os'
import * as path from 'node:path'
import * as vscode from 'vscode'
import type { Params } from '../common/protocol'
import { chosenLimits, clamp } from './chosenLimits'
import { EXTENSION_SCHEME, SETTINGS, type SettingName } from './contributions'

export interface EditorSettings {
  readonly displayName: string
  readonly ignore: readonly string[]
  readonly directTcp: boolean
  /** Bytes. */
  readonly maxEditorFileSize: number
  /** Limits that the user chose other than usual. In bytes, but for entries, connections and days. */
  readonly limits: NonNullable<Params<'settings.set'>['limits']>
  /** `host:port` each; empty: the public ones. */
  readonly bootstrap: readonly string[]
  /** Absolute; undefined: the data folder of this user. */
  readonly storageFolder: string | undefined
}

const MEGABYTE = 1_000_000
/** VS Code takes a file in one piece, and holds it several times while it passes it on. */
export const LARGEST_FILE = 1_000 * MEGABYTE

export function readSettings(): EditorSettings {
  const configuration = vscode.workspace.getConfiguration(EXTENSION_SCHEME)
  const get = (name: string): unknown => configuration.get(name)
  const megabytes = get('maxEditorFileSize')
  return {
    displayName: text(get('displayName')),
    ignore: texts(get('ignore')),
    directTcp: get('directTcp') !== false,
    maxEditorFileSize: clamp(megabytes, 1, LARGEST_FILE / MEGABYTE, SETTINGS.maxEditorFileSize) * MEGABYTE,
    limits: chosenLimits(get),
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

function folder(given: string): string | undefined {
  if (given === '') return undefined
  return path.resolve(os.homedir(), given.replace(/^~(?=$|[/\\])/, os.homedir()))
}
