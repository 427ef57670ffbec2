/**
 * Shows a transfer as a notification with progress and cancel while something waits for it. The numbers come from the
 * model, like everywhere else; cancelling ends the transfer, not only the waiting.
 */
import { randomBytes } from 'node:crypto'
import * as vscode from 'vscode'
import { toUserError } from '../../common/errors'
import { formatPercent, percent, safeText } from '../../common/format'
import type { TransferState } from '../../common/model'
import { toastText } from '../names'
import { progressIfSlow } from '../progressIfSlow'
import { describeTransfer } from '../views/describe'
import type { CommandParts } from './parts'

/** An id for long work, as protocol.ts wants it. */
export function newJob(): string {
  return randomBytes(12).toString('hex')
}

/** How far it is, or why it waits, in whole sentences: most waits ask nothing of the user. */
function progressText(title: string, transfer: TransferState): string {
  const { status, bytes, name } = transfer
  if (status.kind !== 'paused') return `${title}: ${describeTransfer(transfer, vscode.l10n)}`
  if (status.error.code !== 'stalled') return `${title}: ${status.error.message}`
  return vscode.l10n.t(
    '“{0}” is paused at {1}: nobody online has the rest. It resumes by itself.',
    safeText(name, 80),
    formatPercent(percent(bytes.done, bytes.total) ?? 0),
  )
}

export function followTransfer<T>(
  { model, peer, log }: CommandParts,
  { title, job }: { readonly title: string; readonly job: string },
  work: (token: vscode.CancellationToken) => Promise<T>,
): Promise<T> {
  return progressIfSlow({
    title,
    work,
    follow: (progress, token) => {
      let shown = 0
      const report = () => {
        const transfer = model.transfer(job)
        if (transfer === undefined) return
        const part = percent(transfer.bytes.done, transfer.bytes.total) ?? 0
        progress.report({
          message: toastText(progressText(title, transfer)),
          increment: Math.max(0, part - shown),
        })
        shown = Math.max(shown, part)
      }
      const cancel = () => {
        peer.request('transfer.cancel', { job }).catch((error: unknown) => {
          // It may have ended meanwhile: then there is nothing left to cancel.
          log.debug(`cancelling: ${toUserError(error).message}`)
        })
      }
      report()
      return vscode.Disposable.from(model.onDidChange(report), token.onCancellationRequested(cancel))
    },
  })
}
