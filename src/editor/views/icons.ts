/** Icons of rows. The shape says what it is. The colour says how it is, as the words beside it do. */
import * as vscode from 'vscode'
import type {
  LiveCopyState,
  OpenedShareState,
  RemotePeer,
  ShareState,
  TransferState,
} from '../../common/model'

const bad = new vscode.ThemeColor('list.errorForeground')
const waiting = new vscode.ThemeColor('list.warningForeground')
const good = new vscode.ThemeColor('charts.green')
const quiet = new vscode.ThemeColor('disabledForeground')

export function shareIcon({ status, isFile }: ShareState): vscode.ThemeIcon {
  switch (status.kind) {
    case 'publishing':
      return new vscode.ThemeIcon('sync~spin')
    case 'failed':
      return new vscode.ThemeIcon('error', bad)
    case 'stopped':
      return new vscode.ThemeIcon('circle-slash', quiet)
    case 'sharing':
      return isFile ? new vscode.ThemeIcon('file') : new vscode.ThemeIcon('broadcast', good)
  }
}

export function openedIcon({ status, stopped, isFile }: OpenedShareState): vscode.ThemeIcon {
  const shape = isFile ? 'symbol-file' : 'folder-library' // “file” would have no colour
  if (stopped) return new vscode.ThemeIcon('debug-disconnect', quiet)
  switch (status.kind) {
    case 'connected':
      return new vscode.ThemeIcon(shape, good)
    case 'searching':
      return status.why === 'just-started'
        ? new vscode.ThemeIcon('sync~spin')
        : new vscode.ThemeIcon('search', waiting)
    case 'offline':
      return new vscode.ThemeIcon(shape, quiet)
    case 'failed':
      return new vscode.ThemeIcon('error', bad)
  }
}

export function peerIcon({ blocked }: RemotePeer): vscode.ThemeIcon {
  return blocked ? new vscode.ThemeIcon('circle-slash', quiet) : new vscode.ThemeIcon('person')
}

export function transferIcon({ status, kind }: TransferState): vscode.ThemeIcon {
  switch (status.kind) {
    case 'running':
      return new vscode.ThemeIcon(kind === 'import' ? 'cloud-upload' : 'cloud-download')
    case 'paused':
      return new vscode.ThemeIcon('debug-pause', waiting)
    case 'done':
      return status.result.conflicts.length + status.result.skippedCount > 0
        ? new vscode.ThemeIcon('warning', waiting)
        : new vscode.ThemeIcon('check', good)
    case 'cancelled':
      return new vscode.ThemeIcon('circle-slash', quiet)
    case 'failed':
      return new vscode.ThemeIcon('error', bad)
  }
}

export function liveIcon({ status, conflictCount }: LiveCopyState): vscode.ThemeIcon {
  switch (status.kind) {
    case 'in-step':
      return conflictCount > 0 ? new vscode.ThemeIcon('warning', waiting) : new vscode.ThemeIcon('sync', good)
    case 'updating':
      return new vscode.ThemeIcon('sync~spin')
    case 'paused':
      return new vscode.ThemeIcon('debug-pause', quiet)
    case 'waiting':
      return new vscode.ThemeIcon('debug-pause', waiting)
    case 'asking':
      return new vscode.ThemeIcon('question', waiting)
  }
}
