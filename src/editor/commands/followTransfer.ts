/**
 * Shows a transfer as a notification with progress and cancel while something waits for it. The numbers come from the
 * model, like everywhere else; cancelling ends the transfer, not only the waiting.
 */
import { randomBytes } from 'node:crypto'
import * as vscode from 'vscode'
import { toUserError } from '../../common/errors'
import { percent } from '../../common/format'
import { describeTransfer } from '../views/describe'
import type { CommandParts } from './parts'

/** An id for long work, as protocol.ts wants it. */
export function newJob(): string {
  return randomBytes(12).toString('hex')
}

export async function followTransfer<T>(
  { model, peer, log }: CommandParts,
  { title, job }: { readonly title: string; readonly job: string },
  work: (token: vscode.CancellationToken) => Promise<T>,
): Promise<T> {
  const location = vscode.ProgressLocation.Notification
  return vscode.window.withProgress({ location, title, cancellable: true }, async (progress, token) => {
    let shown = 0
    const report = () => {
      const transfer = model.transfer(job)
      if (transfer === undefined) return
      const part = percent(transfer.bytes.done, transfer.bytes.total) ?? 0
      progress.report({
        message: describeTransfer(transfer, vscode.l10n),
        increment: Math.max(0, part - shown),
      })
      shown = Math.max(shown, part)
    }
    const subscriptions = [
      model.onDidChange(report),
      token.onCancellationRequested(() => {
        peer.request('transfer.cancel', { job }).catch((error: unknown) => {
          // It may have ended meanwhile: then there is nothing left to cancel.
          log.debug(`cancelling: ${toUserError(error).message}`)
        })
      }),
    ]
    try {
      return await work(token)
    } finally {
      for (const subscription of subscriptions) subscription.dispose()
    }
  })
}
