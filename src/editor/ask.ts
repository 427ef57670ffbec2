/**
 * Everything that asks the user something and waits for the answer. Commands take an `Ask`, so that a script or a test
 * can answer in the user's place. Toasts that merely tell (see tell.ts) are not questions: nobody waits for them.
 */
import * as vscode from 'vscode'
import { askToggling, type TogglingQuestion } from './toggling'

export interface Ask {
  /** One folder on disk. */
  folder(options: { readonly title: string; readonly button: string }): Promise<vscode.Uri | undefined>
  /** One file on disk. */
  file(options: { readonly title: string; readonly button: string }): Promise<vscode.Uri | undefined>
  /** A modal question; resolves to the answer chosen, or undefined for Cancel. */
  confirm(question: {
    readonly message: string
    readonly detail: string
    readonly answers: readonly string[]
    readonly warning?: boolean
  }): Promise<string | undefined>
  pick<T extends vscode.QuickPickItem>(
    items: readonly T[],
    options: { readonly title: string; readonly placeholder: string },
  ): Promise<T | undefined>
  /** Any number of rows, each switched by itself. */
  toggle(question: TogglingQuestion): Promise<ReadonlySet<string> | undefined>
  text(options: {
    readonly title: string
    readonly prompt: string
    readonly value: string
    readonly placeholder: string
    /** A message that says what is wrong, or undefined. */
    readonly problem: (value: string) => string | undefined
  }): Promise<string | undefined>
}

/** Asks by the dialogs and pickers of VS Code. */
export const askUser: Ask = {
  async folder({ title, button }) {
    const chosen = await vscode.window.showOpenDialog({
      title,
      openLabel: button,
      canSelectFolders: true,
      canSelectFiles: false,
      canSelectMany: false,
    })
    return chosen?.[0]
  },

  async file({ title, button }) {
    const chosen = await vscode.window.showOpenDialog({
      title,
      openLabel: button,
      canSelectFolders: false,
      canSelectFiles: true,
      canSelectMany: false,
    })
    return chosen?.[0]
  },

  async confirm({ message, detail, answers, warning }) {
    const show = warning ? vscode.window.showWarningMessage : vscode.window.showInformationMessage
    return show<string>(message, { modal: true, detail }, ...answers)
  },

  async pick(items, { title, placeholder }) {
    return vscode.window.showQuickPick(items, {
      title,
      placeHolder: placeholder,
      matchOnDescription: true,
      matchOnDetail: true,
      ignoreFocusOut: true,
    })
  },

  toggle: askToggling,

  async text({ title, prompt, value, placeholder, problem }) {
    return vscode.window.showInputBox({
      title,
      prompt,
      value,
      placeHolder: placeholder,
      ignoreFocusOut: true,
      validateInput: problem,
    })
  },
}
