/** What VS Code says to a person: toasts at the lower right, and modal dialogs. */
import type { Locator, Page } from 'playwright-core'

/** A toast. It goes by itself after a while unless it has buttons or progress. */
export class Notification {
  private constructor(readonly toast: Locator) {}

  /** One that may show or not. */
  static of(page: Page, text: string | RegExp): Notification {
    const toasts = page.locator('.notifications-toasts .notification-toast')
    return new Notification(toasts.filter({ hasText: text }).first())
  }

  static async waitFor(page: Page, text: string | RegExp): Promise<Notification> {
    const notification = Notification.of(page, text)
    await notification.toast.waitFor()
    return notification
  }

  async text(): Promise<string> {
    return (await this.toast.locator('.notification-list-item-message').allInnerTexts()).join('\n')
  }

  async buttons(): Promise<string[]> {
    return this.toast.locator('.notification-list-item-buttons-container .monaco-button').allInnerTexts()
  }

  async click(button: string): Promise<void> {
    await this.toast.getByRole('button', { name: button, exact: true }).click()
  }

  /** Puts it away. */
  async close(): Promise<void> {
    await this.toast.hover()
    await this.toast.locator('.codicon-notifications-clear').click()
  }
}

export class Dialog {
  private constructor(readonly box: Locator) {}

  static async waitFor(page: Page, text: string | RegExp): Promise<Dialog> {
    const box = page.locator('.monaco-dialog-box').filter({ hasText: text })
    await box.waitFor()
    return new Dialog(box)
  }

  /** Message and detail. */
  async text(): Promise<string> {
    return (await this.box.locator('.dialog-message-container').allInnerTexts()).join('\n')
  }

  async buttons(): Promise<string[]> {
    return this.box.locator('.dialog-buttons .monaco-button').allInnerTexts()
  }

  /** Clicks a button and waits until the dialog is gone. */
  async click(button: string): Promise<void> {
    await this.box.locator('.dialog-buttons').getByRole('button', { name: button, exact: true }).click()
    await this.box.waitFor({ state: 'hidden' })
  }
}
