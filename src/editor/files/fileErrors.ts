/**
 * Errors of the peer process as errors of a file system. A file out of reach is `Unavailable`, never `FileNotFound`: an
 * editor takes the latter for a deletion.
 */
import * as vscode from 'vscode'
import { type ErrorCode, PeerfoldError, toUserError } from '../../common/errors'

export function toFileSystemError(error: unknown, uri: vscode.Uri): vscode.FileSystemError {
  const { code, message } = toUserError(error)
  return (byCode[code] ?? vscode.FileSystemError.Unavailable)(byUri.has(code) ? uri : message)
}

const byCode: Partial<Record<ErrorCode, (what: string | vscode.Uri) => vscode.FileSystemError>> = {
  'file-not-found': vscode.FileSystemError.FileNotFound,
  'is-a-folder': vscode.FileSystemError.FileIsADirectory,
  'not-a-folder-entry': vscode.FileSystemError.FileNotADirectory,
  'target-missing': vscode.FileSystemError.FileNotFound,
  'target-outside': vscode.FileSystemError.FileNotFound,
  'target-circle': vscode.FileSystemError.FileNotFound,
}

/** Whether the error says that nothing is at a path. What cannot be reached now may be there. */
export function saysAbsent(error: unknown): boolean {
  return error instanceof PeerfoldError && byCode[error.code] === vscode.FileSystemError.FileNotFound
}

/** VS Code words these itself, given the address. */
const byUri: ReadonlySet<ErrorCode> = new Set(['file-not-found', 'is-a-folder', 'not-a-folder-entry'])
