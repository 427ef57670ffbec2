/** Trees of the side bar (views and Explorer) and the context menus that belong to them. */
import type { Locator, Page } from 'playwright-core'

export class Tree {
  constructor(
    private readonly page: Page,
    readonly root: Locator,
  ) {}

  /** The first row that holds this text: its label, or its description. Rows far below do not exist until scrolled to. */
  row(text: string | RegExp): TreeRow {
    return new TreeRow(this.page, this.rows.filter({ hasText: text }).first())
  }

  get rows(): Locator {
    return this.root.locator('.monaco-list-row')
  }

  /** What the rows that show say, from top to bottom: label and description. */
  async texts(): Promise<string[]> {
    return this.rows.evaluateAll(rows =>
      rows
        .map(row => ({ top: row.getBoundingClientRect().top, text: row.textContent ?? '' }))
        .sort((a, b) => a.top - b.top)
        .map(row => row.text.trim()),
    )
  }
}

/** A point over the beginning of a row's label, at any depth. */
const onLabel = { x: 70, y: 10 }

/** Tries `act` again when it fails, for instance because a row is drawn anew. `act` gets the milliseconds it may wait. */
export async function insistently<T>(act: (timeout: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act(5_000)
    } catch (error) {
      if (attempt === 5) throw error
    }
  }
}

export class TreeRow {
  constructor(
    private readonly page: Page,
    readonly locator: Locator,
  ) {}

  async waitFor(): Promise<void> {
    await this.locator.waitFor()
  }

  async click(): Promise<void> {
    await this.locator.click()
  }

  /** What is read aloud. */
  async label(): Promise<string> {
    return (await this.locator.getAttribute('aria-label')) ?? ''
  }

  /** Whether it says all, and nothing of it is cut off. */
  async isWhole(): Promise<boolean> {
    return this.locator
      .locator('.monaco-icon-label-container')
      .first()
      .evaluate(shown => shown.scrollWidth <= shown.clientWidth)
  }

  /** Opens the row, unless it is open or opens by itself in that moment, and waits until it is. */
  async expand(): Promise<void> {
    await this.toggleUntil('true')
  }

  /** Folds the row, unless it is folded. */
  async collapse(): Promise<void> {
    await this.toggleUntil('false')
  }

  private async toggleUntil(expanded: 'true' | 'false'): Promise<void> {
    const asWanted = this.locator.and(this.page.locator(`[aria-expanded="${expanded}"]`))
    await insistently(async timeout => {
      if ((await this.locator.getAttribute('aria-expanded')) !== expanded) {
        // A click on the label also selects the row: a view that gets the focus expands the rows above the selected one.
        await this.locator.click({ position: onLabel, timeout })
      }
      await asWanted.waitFor({ timeout })
    })
  }

  /** The tooltip of the row, once it holds this text. Some of it is made only when the mouse rests on the row. */
  async tooltip(text: string | RegExp): Promise<string> {
    const hover = this.page.locator('.monaco-hover').filter({ visible: true }).filter({ hasText: text })
    return insistently(async timeout => {
      await this.page.mouse.move(640, 0)
      await this.locator.hover({ position: onLabel, timeout })
      await hover.waitFor({ timeout })
      // biome-ignore lint/performance/useDomNodeTextContent: Playwright's, which tells what is shown
      const told = await hover.innerText({ timeout })
      await this.page.mouse.move(640, 0)
      await hover.waitFor({ state: 'hidden', timeout })
      return told
    })
  }

  /** Drags the row onto another while Ctrl is held, which copies. */
  async copyOnto(target: TreeRow): Promise<void> {
    await this.locator.hover({ position: onLabel })
    await this.page.mouse.down()
    await this.page.keyboard.down('Control')
    const to = await target.locator.boundingBox()
    if (to === null) throw new Error('what it is dragged onto does not show')
    await this.page.mouse.move(to.x + onLabel.x, to.y + onLabel.y, { steps: 10 })
    await this.page.mouse.up()
    await this.page.keyboard.up('Control')
  }

  /** Clicks an icon that shows on the row while the mouse is over it. */
  async clickInline(title: string | RegExp): Promise<void> {
    await this.locator.hover()
    await this.locator.getByRole('button', { name: title }).click()
  }

  /** Opens the row's context menu and clicks an entry. Tries again if the row is drawn anew, which closes the menu. */
  async clickMenu(entry: string): Promise<void> {
    const menu = new Menu(this.page)
    await insistently(async timeout => {
      if (await menu.isOpen()) await this.page.keyboard.press('Escape')
      await this.locator.click({ button: 'right', timeout })
      await menu.click(entry, timeout)
    })
  }
}

/** The context menu that is open. */
export class Menu {
  constructor(private readonly page: Page) {}

  /** @param timeout milliseconds until the entry shows */
  async click(entry: string, timeout: number): Promise<void> {
    const item = this.entries.filter({ hasText: entry }).first()
    await item.hover({ timeout })
    // A menu ignores a button that is let go at once, which it takes for the click that opened it. The click itself gets
    // more time: a click that was given up but still done would be done twice.
    await item.click({ delay: 150 })
  }

  async isOpen(): Promise<boolean> {
    return this.entries.first().isVisible()
  }

  async texts(): Promise<string[]> {
    await this.entries.first().waitFor()
    return (await this.entries.allInnerTexts()).map(text => text.trim()).filter(text => text !== '')
  }

  private get entries(): Locator {
    return this.page.locator('.monaco-menu .action-item:not(.disabled) .action-label:not(.separator)')
  }
}
