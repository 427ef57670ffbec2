/**
 * What a person sees and does in VS Code, for the ui lane. Each object is a place in the window; its methods wait for
 * what they need and fail with what they looked for. The selectors are VS Code's own; only these files know them.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, FrameLocator, Locator, Page } from 'playwright-core'
import { eventually } from './eventually'
import { Dialog, Notification } from './pagesOfMessages'
import { insistently, Menu, Tree } from './pagesOfTrees'
import { projectRoot } from './projectRoot'
import { QuickInput } from './quickInput'

export { TreeRow } from './pagesOfTrees'
export { Dialog, Menu, Notification, QuickInput, Tree }

/** Milliseconds any step waits for what it needs. */
const patience = 30_000
/** Milliseconds: a window loads for long on a busy machine. */
export const WINDOW_LOADS = 3 * patience

/** Stops animations that show that something is under way: they cost half of a window's processor time. */
const standStill = `
  const style = new CSSStyleSheet()
  style.replaceSync('.progress-bit, [class*="codicon-modifier-spin"], .codicon-loading { animation: none !important }')
  document.adoptedStyleSheets.push(style)
`

/** The window's own: the types of browsers are not here. */
declare const MutationObserver: new (
  told: () => void,
) => { observe(shown: unknown, what: Readonly<Record<string, boolean>>): void }

export interface Noted {
  /** As whoever asked for it calls it. */
  readonly place: string
  readonly text: string
}

/** One window of VS Code. */
export class Workbench {
  readonly quickInput: QuickInput
  readonly menu: Menu
  readonly editor: Editor
  /** The folders of the Explorer; show it with `openContainer('Explorer')`. */
  readonly explorer: Tree

  private constructor(readonly page: Page) {
    this.quickInput = new QuickInput(page)
    this.menu = new Menu(page)
    this.editor = new Editor(page)
    this.explorer = new Tree(page, page.locator('.explorer-folders-view'))
  }

  /** Opens a window in a browser profile of its own, with access to the clipboard. `url`: see VSCodeServer.folderUrl. */
  static async open(browser: Browser, url: string): Promise<Workbench> {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      permissions: ['clipboard-read', 'clipboard-write'],
    })
    context.setDefaultTimeout(patience)
    return Workbench.attach(await context.newPage(), url)
  }

  /** A window in a page that exists: a second one of the same person, or a reload. */
  static async attach(page: Page, url: string): Promise<Workbench> {
    await page.addInitScript(standStill)
    await page.goto(url, { timeout: WINDOW_LOADS })
    const workbench = new Workbench(page)
    await workbench.ready()
    return workbench
  }

  /** Waits until the window answers: after opening, reloading, or adding a workspace folder. */
  async ready(): Promise<void> {
    await this.page.locator('.monaco-workbench').waitFor()
    await this.statusBar.locator('.statusbar-item').first().waitFor()
  }

  /** Runs a command from the palette by its full title, such as `Peerfold: Open Dashboard`. */
  async runCommand(title: string): Promise<void> {
    // Tries again, since a window that still loads may take the focus back, which closes the palette. The click itself
    // gets more time: a click that was given up but still done would run the command twice.
    for (let attempt = 1; ; attempt++) {
      try {
        await this.page.keyboard.press('F1')
        await this.quickInput.type(`>${title}`, 3000)
        await this.quickInput.row(title).hover({ timeout: 3000 })
        await this.quickInput.row(title).click({ timeout: 15_000 })
        return
      } catch (error) {
        if (attempt === 5) throw error
        await this.page.keyboard.press('Escape')
      }
    }
  }

  /**
   * Notes what stands in each of these places now, and from now on whenever it changes.
   *
   * @returns all of it so far, in order
   */
  async noteTexts(places: Readonly<Record<string, Locator>>): Promise<() => Promise<readonly Noted[]>> {
    const notes = await this.page.evaluateHandle((): Noted[] => [])
    for (const [place, locator] of Object.entries(places)) {
      const shown = await locator.elementHandle()
      await notes.evaluate(
        (all, { place, shown }) => {
          let before: string | undefined
          const note = () => {
            const text = shown?.textContent ?? ''
            if (text !== before) all.push({ place, text })
            before = text
          }
          note()
          if (shown !== null)
            new MutationObserver(note).observe(shown, { subtree: true, childList: true, characterData: true })
        },
        { place, shown },
      )
    }
    return () => notes.jsonValue()
  }

  /** Shows a view container by its title in the activity bar. */
  async openContainer(title: string): Promise<void> {
    const tab = this.page.locator('[id="workbench.parts.activitybar"]').getByRole('tab', { name: title })
    const heading = this.page.locator('[id="workbench.parts.sidebar"]').getByText(title).first()
    // A window that still loads may show it by itself, and a click in that moment hides it again.
    for (let attempt = 1; ; attempt++) {
      if ((await tab.getAttribute('aria-selected')) !== 'true') await tab.click()
      try {
        await heading.waitFor({ timeout: 5_000 })
        return
      } catch (error) {
        if (attempt === 5) throw error
      }
    }
  }

  /** A view of the side bar by its title, such as `Shares`. */
  view(title: string): View {
    return new View(this.page, title)
  }

  /** The message at the lower right that holds this text, once it shows. */
  async notification(text: string | RegExp): Promise<Notification> {
    return Notification.waitFor(this.page, text)
  }

  /** The modal dialog that holds this text, once it shows. */
  async dialog(text: string | RegExp): Promise<Dialog> {
    return Dialog.waitFor(this.page, text)
  }

  /** The content of the webview that is visible. */
  get webview(): FrameLocator {
    return this.page
      .locator('iframe.webview.ready')
      .filter({ visible: true })
      .contentFrame()
      .frameLocator('#active-frame')
  }

  /** Peerfold's item in the status bar, or another extension's. */
  statusBarItem(extension = 'peerfold.peerfold'): Locator {
    return this.statusBar.locator(`.statusbar-item[id^="${extension}"]`)
  }

  private get statusBar(): Locator {
    return this.page.locator('footer[id="workbench.parts.statusbar"]')
  }

  async readClipboard(): Promise<string> {
    return this.page.evaluate('navigator.clipboard.readText()')
  }

  async writeClipboard(text: string): Promise<void> {
    await this.page.evaluate(`navigator.clipboard.writeText(${JSON.stringify(text)})`)
  }

  /** Writes `<name>.png` to $PEERFOLD_SCREENSHOTS, or out/screenshots. → its path */
  async screenshot(name: string): Promise<string> {
    const folder = process.env.PEERFOLD_SCREENSHOTS ?? join(projectRoot, 'out', 'screenshots')
    mkdirSync(folder, { recursive: true })
    const path = join(folder, `${name}.png`)
    await this.page.screenshot({ path, animations: 'disabled' }) // nothing half faded in
    return path
  }

  /** Closes the window as a person does, with its browser profile. */
  async close(): Promise<void> {
    await this.page.context().close()
  }
}

/** A section of a view container: a tree, or a welcome text while that is empty. */
export class View {
  readonly pane: Locator
  readonly tree: Tree

  constructor(
    page: Page,
    readonly title: string,
  ) {
    const header = page.locator('.pane-header h3.title', { hasText: new RegExp(`^${title}$`) })
    this.pane = page.locator('.pane').filter({ has: header })
    this.tree = new Tree(page, this.pane)
  }

  /** Opens the section if it is folded. */
  async expand(): Promise<void> {
    const header = this.pane.locator('.pane-header')
    if ((await header.getAttribute('aria-expanded')) === 'false') await header.click()
  }

  /** Folds the section: the others get its room. */
  async fold(): Promise<void> {
    const header = this.pane.locator('.pane-header')
    if ((await header.getAttribute('aria-expanded')) === 'true') await header.locator('h3.title').click()
  }

  /** Clicks an icon in the section's title. */
  async clickAction(title: string): Promise<void> {
    await this.pane.hover()
    await this.pane.locator('.pane-header').getByRole('button', { name: title }).click()
  }

  get welcome(): Locator {
    return this.pane.locator('.welcome-view-content')
  }
}

/** The editor that has the focus, and the tabs. */
export class Editor {
  constructor(private readonly page: Page) {}

  /** Resolves once a tab of that name is the active one. */
  async waitForTab(name: string | RegExp): Promise<void> {
    await this.page.locator('.tabs-container .tab.active').filter({ hasText: name }).waitFor()
  }

  /** What the tabs say: the name, followed by what tells it from another tab of that name. */
  tabs(): Promise<string[]> {
    return this.page.locator('.tabs-container .tab .monaco-icon-label').allTextContents()
  }

  /** The first breadcrumbs above the text that has the focus. */
  async breadcrumbs(count: number): Promise<string[]> {
    const items = this.page.locator('.breadcrumbs-control .monaco-breadcrumb-item')
    await items.nth(count - 1).waitFor()
    return (await items.allInnerTexts()).slice(0, count).map(text => text.trim())
  }

  breadcrumb(text: string): Locator {
    return this.page.locator('.breadcrumbs-control .monaco-breadcrumb-item').filter({ hasText: text }).first()
  }

  /** The tooltip of the active tab, once it holds this text. */
  async tabTooltip(text: string | RegExp): Promise<string> {
    const hover = this.page.locator('.monaco-hover').filter({ visible: true }).filter({ hasText: text })
    return insistently(async timeout => {
      await this.page.mouse.move(640, 400)
      await this.page.locator('.tabs-container .tab.active').hover({ timeout })
      // biome-ignore lint/performance/useDomNodeTextContent: Playwright's, which tells what is shown
      return (await hover.innerText({ timeout })).trim()
    })
  }

  /** Follows a link in the text as somebody does who clicks twice. */
  async doubleClickLink(text: string): Promise<void> {
    const { keyboard, mouse } = this.page
    const link = this.page.locator('.editor-instance .detected-link').filter({ hasText: text }).first()
    await link.waitFor()
    const place = await link.boundingBox()
    if (place === null) throw new Error('the link does not show')
    // By its place: pointed at with Ctrl held, its line is drawn anew.
    const [x, y] = [place.x + 20, place.y + place.height / 2]
    await keyboard.down('Control')
    await mouse.move(x, y)
    await mouse.click(x + 1, y, { clickCount: 2 })
    await keyboard.up('Control')
  }

  /** Puts a cursor near the end of every line. */
  async setCursors(lines: number): Promise<void> {
    await this.page.locator('.editor-instance .view-lines').first().click()
    for (const key of ['Control+A', 'Shift+Alt+I', 'ArrowLeft', 'ArrowLeft'])
      await this.page.keyboard.press(key)
    await this.page
      .locator('.statusbar-item')
      .filter({ hasText: `${lines} selections` })
      .waitFor()
  }

  /** Types at the beginning of the text. */
  async type(text: string): Promise<void> {
    const atBeginning = this.page.locator('.statusbar-item').filter({ hasText: /Ln 1, Col 1(?!\d)/ })
    const focused = this.page.locator('.editor-instance .monaco-editor.focused').first()
    await eventually('the caret at the beginning of the text', async () => {
      await this.page.locator('.editor-instance .view-lines').first().click()
      await this.page.keyboard.press('Control+Home')
      // A tree whose refresh ends at the moment of the click takes the focus back, and with it the keys.
      return (await isSoon(atBeginning)) && (await isSoon(focused))
    })
    await this.page.keyboard.type(text)
  }

  /** The text that is visible without scrolling, once it holds what is asked for. */
  async text(expected: string | RegExp = /(?:)/): Promise<string> {
    const lines = this.page.locator('.editor-instance .view-lines').first()
    await lines.filter({ hasText: expected }).waitFor()
    const shown = await lines.locator('.view-line').evaluateAll(found =>
      found
        .map(line => ({ top: Number.parseInt(line.style.top, 10), text: line.textContent ?? '' }))
        .sort((a, b) => a.top - b.top)
        .map(line => line.text),
    )
    return shown.join('\n').replaceAll('\u00a0', ' ')
  }
}

/** Whether something shows within a second. */
async function isSoon(wanted: Locator): Promise<boolean> {
  return wanted.waitFor({ timeout: 1_000 }).then(
    () => true,
    () => false,
  )
}

/** In a suite: takes a screenshot of every window when a test failed. */
export function screenshotFailures(windows: () => Iterable<Workbench>): void {
  afterEach(async function () {
    if (this.currentTest?.state !== 'failed') return
    const name = this.currentTest.fullTitle().replace(/\W+/g, '-').slice(0, 100)
    let number = 0
    for (const window of windows()) {
      const path = await window.screenshot(`failed-${name}-${++number}`).catch(String)
      console.log(`screenshot: ${path}`)
    }
  })
}
