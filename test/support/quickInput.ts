import { basename, dirname } from 'node:path'
import type { Locator, Page } from 'playwright-core'
import { eventually } from './eventually'

/** The box at the top: command palette, quick picks, input boxes, and the file dialog of a remote window. */
export class QuickInput {
  readonly widget: Locator
  readonly input: Locator

  constructor(private readonly page: Page) {
    this.widget = page.locator('.quick-input-widget').filter({ visible: true })
    this.input = this.widget.locator('.quick-input-box input')
  }

  /** Replaces what is in the box, once it shows. */
  async type(text: string, timeout?: number): Promise<void> {
    await this.input.fill(text, timeout === undefined ? {} : { timeout })
  }

  /** Types and confirms with Enter. */
  async enter(text: string): Promise<void> {
    await this.type(text)
    await this.page.keyboard.press('Enter')
  }

  /** A row by the text of its label. */
  row(label: string): Locator {
    const exact = this.page.locator('.label-name').getByText(label, { exact: true })
    return this.widget.locator('.quick-input-list .monaco-list-row').filter({ has: exact })
  }

  /** Clicks a row by the text of its label. */
  async pick(label: string): Promise<void> {
    await this.row(label).click()
  }

  /**
   * Switches a row on by the keyboard alone. The extension draws the list anew each time, and the next key goes to the
   * right row only when that is done.
   */
  async switchOn(label: string): Promise<void> {
    const focused = this.widget.locator('.monaco-list-row.focused')
    const isThere = focused.getByText(label, { exact: true })
    const place = () => focused.getAttribute('data-index')
    await this.row(label).waitFor()
    for (let rows = 0; rows < 50 && !(await isThere.isVisible()); rows++) {
      const before = await place()
      await this.page.keyboard.press('ArrowDown')
      await eventually('the next row is focused', async () => (await place()) !== before)
    }
    await this.page.keyboard.press('Enter')
    await this.row(label).locator('.codicon-pass-filled').waitFor()
  }

  /** The box to tick on a row by the text of its label. */
  checkbox(label: string): Locator {
    return this.row(label).locator('.quick-input-list-checkbox, .monaco-checkbox').first()
  }

  /** Confirms what is ticked. */
  async ok(): Promise<void> {
    await this.widget.getByRole('button', { name: 'OK' }).click()
  }

  /** Resolves once the box holds this text. */
  async waitForValue(text: string): Promise<void> {
    await eventually(`the box holds ${text}`, async () => (await this.input.inputValue()) === text)
  }

  /** The labels that show, without descriptions and details. */
  async labels(): Promise<string[]> {
    const rows = this.widget.locator('.quick-input-list .monaco-list-row')
    await rows.first().waitFor()
    const labels = await rows.locator('.quick-input-list-rows > :first-child .label-name').allInnerTexts()
    return labels.map(label => label.trim()) // an icon before it leaves a space
  }

  /** What is shown below the box: a validation message, or a prompt. */
  get message(): Locator {
    return this.widget.locator('.quick-input-message')
  }

  get title(): Locator {
    return this.widget.locator('.quick-input-title')
  }

  /** Answers the file dialog with a folder: goes to the one above by its path, enters it by a click, and confirms. */
  async chooseFolder(path: string): Promise<void> {
    // The dialog overwrites what is typed until it has listed the first folder. It does not look at a path that is typed
    // and confirmed at once.
    await this.row('..').waitFor()
    await this.type(`${dirname(path)}/`)
    await this.pick(basename(path))
    await this.waitForValue(`${path}/`)
    const confirm = this.widget.locator('.quick-input-action .monaco-button').first()
    // While it still looks into the folder, the dialog lets a click pass.
    await eventually('the dialog is closed', async () => {
      if (await confirm.isVisible()) await confirm.click({ timeout: 5_000 }).catch(() => {}) // it closed meanwhile
      const closed = this.widget.waitFor({ state: 'hidden', timeout: 3_000 })
      return closed.then(
        () => true,
        () => false,
      )
    })
  }
}
