/**
 * Files that could not be shown: a tab of the file alone says it itself (waitingFiles.ts); for a comparison of two
 * (waitingComparisons.ts), and for whatever does not pass by itself, a message says it. Only files in an editor count: extensions try to read many
 * others in the background.
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

/** What passes when somebody who has the file comes. */
const OUT_OF_REACH: ReadonlySet<ErrorCode> = new Set([
  'offline',
  'not-listed',
  'stalled',
  'nobody-found',
  'process-ended',
])
/** That, and what passes by the user's own setting, or with another version; and links that lead nowhere, which VS
 *  Code's own page says nothing of. */
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

  /** Resolves when the tab says it; the editor that asked may fail then, unseen. Never rejects. */
  async tell(error: unknown, uri: vscode.Uri): Promise<void> {
    const { code, message } = toUserError(error)
    // Whoever reads it: VS Code leaves an empty file where it was to be copied. Stays until the user has seen it.
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
