/**
 * What the user is told without being asked: toasts with the next thing to do as a button. Nothing waits for them, since
 * a toast may never be answered.
 */
import * as vscode from 'vscode'
import { PeerfoldError, toUserError } from '../common/errors'
import { Commands } from './contributions'
import { toastButtons, toastText } from './names'

export interface Offer {
  readonly label: string
  run(): unknown
}

export function tell(message: string, ...offers: readonly Offer[]): void {
  void tellUntilAnswered(message, ...offers)
}

/** Resolves when the user has answered or turned away, which may be never. */
export function tellUntilAnswered(message: string, ...offers: readonly Offer[]): Promise<void> {
  return show(vscode.window.showInformationMessage, message, offers)
}

export function warn(message: string, ...offers: readonly Offer[]): void {
  void show(vscode.window.showWarningMessage, message, offers)
}

/** Shows what failed and offers the log. Being cancelled is no failure and is not told. */
export function tellError(error: unknown, ...offers: readonly Offer[]): void {
  if (isCancelled(error)) return
  void show(vscode.window.showErrorMessage, toUserError(error).message, [...offers, showLog()])
}

export function isCancelled(error: unknown): boolean {
  return (
    error instanceof vscode.CancellationError ||
    (error instanceof PeerfoldError && error.code === 'cancelled')
  )
}

/** Runs a command from a toast; what fails inside is told by the command itself. */
export function offerCommand(label: string, command: string, ...args: readonly unknown[]): Offer {
  return { label, run: () => vscode.commands.executeCommand(command, ...args) }
}

function showLog(): Offer {
  return offerCommand(vscode.l10n.t('Show Log'), Commands.showLog)
}

async function show(
  notify: (message: string, ...labels: string[]) => Thenable<string | undefined>,
  message: string,
  offers: readonly Offer[],
): Promise<void> {
  const text = toastText(message)
  const labels = toastButtons(
    text,
    offers.map(offer => offer.label),
    vscode.l10n.t('OK'),
  )
  const label = await notify(text, ...labels).then(undefined, () => undefined) // it rejects when the window closes
  try {
    await offers.find(offer => offer.label === label)?.run()
  } catch (error) {
    tellError(error)
  }
}
