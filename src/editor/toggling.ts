/**
 * A picker in which every row is switched by itself: there is no box that ticks all of them, and rows that cannot be
 * switched look so. VS Code's own picker for many has such a box, whatever the rows are.
 */
import * as vscode from 'vscode'

const { l10n } = vscode

export interface TogglingRow extends vscode.QuickPickItem {
  /** Undefined: it cannot be switched. */
  readonly key: string | undefined
}

export interface TogglingQuestion {
  readonly title: string
  readonly placeholder: string
  readonly on: ReadonlySet<string>
  /** The rows below “Done”, as they look when these keys are on. */
  readonly rows: (on: ReadonlySet<string>) => readonly TogglingRow[]
  /** The words beside “Done” when these keys are on. */
  readonly summary: (on: ReadonlySet<string>) => string
}

/** → the keys that are on, or undefined when the user turned away */
export function askToggling(question: TogglingQuestion): Promise<ReadonlySet<string> | undefined> {
  const picker = vscode.window.createQuickPick<TogglingRow>()
  const on = new Set(question.on)
  const done: vscode.QuickInputButton = {
    iconPath: new vscode.ThemeIcon('check'),
    tooltip: l10n.t('Done'),
  }
  const show = (active: string | undefined) => {
    const end: TogglingRow = {
      label: `$(check) ${l10n.t('Done')}`,
      description: question.summary(on),
      alwaysShow: true,
      key: undefined,
    }
    const rows = [end, ...question.rows(on)]
    picker.keepScrollPosition = true
    picker.items = rows
    const again = active === undefined ? undefined : rows.find(({ key }) => key === active)
    if (again !== undefined) picker.activeItems = [again]
    return end
  }
  picker.title = question.title
  picker.placeholder = question.placeholder
  picker.matchOnDescription = true
  picker.matchOnDetail = true
  picker.ignoreFocusOut = true
  picker.buttons = [done]
  let end = show(undefined)
  return new Promise(resolve => {
    picker.onDidTriggerButton(() => {
      resolve(on)
      picker.hide()
    })
    picker.onDidAccept(() => {
      const [row] = picker.selectedItems
      if (row === end) {
        resolve(on)
        picker.hide()
      } else if (row?.key !== undefined) {
        if (!on.delete(row.key)) on.add(row.key)
        end = show(row.key)
      }
    })
    picker.onDidHide(() => {
      resolve(undefined)
      picker.dispose()
    })
    picker.show()
  })
}
