/**
 * Progress with cancel, for what takes longer than a moment: a toast that comes and goes at once tells nothing, and
 * hides the message that follows it.
 */
import * as vscode from 'vscode'
import { toastText } from './names'

/** Milliseconds before anything shows, unless said otherwise. */
const PATIENCE = 700

export interface SlowWork<T> {
  readonly title: string
  /** Milliseconds before anything shows. */
  readonly patience?: number
  /** True unless said otherwise. */
  readonly cancellable?: boolean
  readonly work: (token: vscode.CancellationToken) => Promise<T>
  /** Reports whole texts in place of the title while progress shows, until what it returns is disposed. */
  readonly follow?: (
    progress: vscode.Progress<{ message?: string; increment?: number }>,
    token: vscode.CancellationToken,
  ) => vscode.Disposable
}

export async function progressIfSlow<T>({
  title,
  work,
  follow,
  patience = PATIENCE,
  cancellable = true,
}: SlowWork<T>): Promise<T> {
  const source = new vscode.CancellationTokenSource()
  const result = work(source.token)
  try {
    if (await settles(result, patience)) return await result
    const location = vscode.ProgressLocation.Notification
    return await vscode.window.withProgress({ location, cancellable }, async (progress, token) => {
      // Not as the title of VS Code, which would stand before every message.
      progress.report({ message: toastText(title) })
      const subscription = token.onCancellationRequested(() => source.cancel())
      const following = follow?.(progress, token)
      try {
        return await result
      } finally {
        following?.dispose()
        subscription.dispose()
      }
    })
  } finally {
    source.dispose()
  }
}

/** True when it settles within `patience` milliseconds. */
function settles(result: Promise<unknown>, patience: number): Promise<boolean> {
  return new Promise(resolve => {
    const timer = setTimeout(() => resolve(false), patience)
    const settled = () => {
      clearTimeout(timer)
      resolve(true)
    }
    result.then(settled, settled)
  })
}
