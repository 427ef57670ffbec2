/**
 * Tells of files that could not be shown. A tab of the file alone says it itself (waitingFiles.ts). For a comparison of
 * two (waitingComparisons.ts), and for errors that do not pass, a message says it. Only files in an editor count:
 * extensions try to read many others in the background.
 */
import * as vscode from 'vscode'
import { type ErrorCode, toUserError } from '../../common/errors'
import { Commands } from '../contributions'
import { Disposable } from '../dispose'
import type { PeerModel } from '../peerModel'
import { isCancelled, type Offer, offerCommand, tellError, warn } from '../tell'
import { isInTab } from './editorReads'
import { WaitingComparisons } from './waitingComparisons'
import { LINK_ERRORS, WaitingFiles } from './waitingFiles'

/** Errors that pass when somebody who has the file comes. */
const OUT_OF_REACH: ReadonlySet<ErrorCode> = new Set([
  'offline',
  'not-listed',
  'stalled',
  'nobody-found',
  'process-ended',
])
/** Errors that a waiting tab shows: also those that pass by a setting, or with another version of the share, which may
 *  mend links that lead nowhere. VS Code's own page would say nothing of them. */
const SHOWN_IN_TAB: ReadonlySet<ErrorCode> = new Set([...OUT_OF_REACH, 'too-large', ...LINK_ERRORS])

export class UnreadableFiles extends Disposable {
  private readonly waiting: WaitingFiles
  private readonly comparisons: WaitingComparisons

  /** `fetch`: as for `WaitingFiles`. */
  constructor(model: PeerModel, fetch: (uri: vscode.Uri) => Promise<unknown>) {
    super()
    this.waiting = this.own(new WaitingFiles(model, fetch))
    this.comparisons = this.own(new WaitingComparisons(model))
  }

  /** Resolves when the tab or a message says it. The editor that asked may fail then, unseen. Never rejects. */
  async tell(error: unknown, uri: vscode.Uri): Promise<void> {
    const { code, message } = toUserError(error)
    // Told for every reader, as an error, which stays until it is seen: VS Code leaves an empty file in place of a copy.
    if (code === 'too-large-to-read') tellError(error, saveCopy(uri))
    if (code === 'too-large-to-read' || !isInTab(uri) || isCancelled(error)) return
    if (OUT_OF_REACH.has(code)) this.comparisons.note(uri)
    if (SHOWN_IN_TAB.has(code) && (await this.replaces(uri, error))) return
    warn(message, offerFor(code, uri))
  }

  private async replaces(uri: vscode.Uri, error: unknown): Promise<boolean> {
    try {
      return await this.waiting.replace(uri, error)
    } catch {
      return false // told by a message instead
    }
  }
}

function offerFor(code: ErrorCode, uri: vscode.Uri): Offer {
  switch (code) {
    case 'too-large':
      return saveCopy(uri)
    case 'process-ended':
      return offerCommand(vscode.l10n.t('Start Again'), Commands.retry)
    default:
      return tryAgain(uri)
  }
}

function saveCopy(uri: vscode.Uri): Offer {
  return offerCommand(vscode.l10n.t('Save a Copy…'), Commands.saveCopy, uri)
}

function tryAgain(uri: vscode.Uri): Offer {
  return offerCommand(vscode.l10n.t('Try Again'), 'vscode.open', uri)
}
