/**
 * How long Peerfold holds up the event loop of VS Code's extension host, which all extensions share. A person does in a
 * real window what makes it work hardest, with somebody who shares large folders on the other side, while a probe watches
 * (loopProbe.process.ts); loopRecording.ts finds out whose work it was.
 */

import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { ROWS } from '../../src/editor/views/rowsOfFolder'
import { launchBrowser } from '../support/browser'
import type { Workbench } from '../support/pages'
import { Person } from '../support/person'
import { built } from '../support/projectRoot'
import type { Blocking, Phase } from './blocking'
import { blockingOf } from './blocking'
import type { RunContext, Tool } from './run'
import { WatchedWindow } from './watchedWindow'

/** Files that come, change and go while they are followed, and how often. */
const CHANGING = 2_000
const CHANGES = 3
const BROWSED = 5
/** Milliseconds that publishing or copying may take. */
const LIMIT = 300_000

export const editor: Tool = {
  name: 'peerfold in VS Code',
  missing: () => (process.platform === 'linux' ? undefined : 'its probe reads /proc'),
  workloads: ['editor', 'editor-smoke'],
  run: async context => {
    const browser = await launchBrowser()
    try {
      context.blocking = await measure(context, browser)
    } finally {
      await browser.close()
    }
  },
}

async function measure(context: RunContext, browser: Browser): Promise<Blocking> {
  const bootstrap = await context.dht()
  const at = (name: string) => join(context.folder, name)
  for (const name of ['home', 'shed', 'loft', 'storage-alice']) mkdirSync(at(name))
  const alice = await Person.start({ bootstrap, storage: at('storage-alice') })
  try {
    const window = await WatchedWindow.open({
      browser,
      home: at('home'),
      folders: [at('shed'), at('loft')],
      settings: {
        'peerfold.bootstrap': [bootstrap],
        'peerfold.storageFolder': at('storage-bob'),
        'peerfold.displayName': 'Bob',
      },
    })
    try {
      const story = new Story(context, alice, window)
      await story.play()
      return blockingOf(await window.recording(), story.phases, built('extension.js'))
    } finally {
      await stopPeerProcess(window.workbench).catch(itWasNeverStarted)
      await window.close()
    }
  } finally {
    await alice.leave()
  }
}

/** What the person does, step by step; every step is a phase of its own in the result. */
class Story {
  readonly phases: Phase[] = []
  private readonly source: string
  private readonly folders: number

  constructor(
    private readonly context: RunContext,
    private readonly alice: Person,
    private readonly window: WatchedWindow,
  ) {
    this.source = context.source
    this.folders = readdirSync(join(this.source, 'list', 'tree')).length
  }

  async play(): Promise<void> {
    const { workbench } = this.window
    const list = join(this.source, 'list')
    const listLink = await this.publish(list, false)
    const largeLink = await this.publish(join(this.source, 'large'), true)
    const opened = workbench.view('Opened Shares').tree
    this.phases.push({ name: 'start of VS Code', from: 0, to: now() })
    await this.phase('show the views', () => workbench.openContainer('Peerfold'))
    await this.phase('open a share of many entries', () => this.open(listLink, 'list'))
    await this.phase('see its first rows', () => opened.row('flat').waitFor())
    await this.phase('see all of them', async () => {
      await opened.row('large.txt').waitFor()
      await opened.row('Fetching the list of files…').locator.waitFor({ state: 'detached' })
    })
    await this.phase('expand its largest folder', async () => {
      await opened.row('flat').expand()
      await opened.row('entry-000000.txt').waitFor()
    })
    await this.phase('open the last part of it', () => this.openLastPart())
    await this.phase('open a file of it', async () => {
      await opened.row('entry-000003.txt').click()
      await workbench.editor.text('entry 3')
      await opened.row('flat').collapse()
    })
    await this.phase('open a file of 20 MB', async () => {
      await opened.row('large.txt').click()
      await workbench.editor.waitForTab('large.txt')
      await workbench.editor.text('line 0 of a large file')
      await workbench.page.keyboard.press('Control+F4')
    })
    await this.phase('type into Go to File in Share', () => this.find('entry-004321.txt'))
    await this.phase('browse folders in the Explorer', () => this.browse())
    await this.phase('follow many changes', () => this.follow(join(list, 'tree'), 'd000'))
    await this.phase('copy the large share, dashboard open', () => this.copy(largeLink))
    await this.phase('preview and share a folder of many files', () => this.share())
  }

  private async phase(name: string, work: () => Promise<void>): Promise<void> {
    const from = now()
    try {
      await work()
    } catch (error) {
      const seen = await this.window.workbench.screenshot('bench-editor')
      throw new Error(`${name}: ${error instanceof Error ? error.message : error} (see ${seen})`)
    }
    this.phases.push({ name, from, to: now() })
    console.log(`  ${name}: ${((now() - from) / 1000).toFixed(1)} s`)
  }

  /** Alice shares a folder. → its link */
  private async publish(source: string, once: boolean): Promise<string> {
    const params = { source, isPublic: false, once, keep: false, allow: [], job: randomUUID() }
    return (await this.alice.request('share.add', params, LIMIT)).link
  }

  private async open(link: string, name: string): Promise<void> {
    const { workbench } = this.window
    await workbench.runCommand('Peerfold: Open Shared Link…')
    await workbench.quickInput.enter(link)
    const consent = await workbench.dialog(`Open the share that calls itself “${name}”?`)
    await consent.click('Open')
  }

  /** By the keyboard: the row is far below. Below it are those of `tree` and `large.txt`. */
  private async openLastPart(): Promise<void> {
    const { page, view } = this.window.workbench
    const { tree } = view.call(this.window.workbench, 'Opened Shares')
    const count = readdirSync(join(this.source, 'list', 'flat')).length
    for (const key of ['End', 'ArrowUp', 'ArrowUp', 'ArrowRight']) await page.keyboard.press(key)
    const first = `entry-${String(count - ROWS).padStart(6, '0')}.txt`
    await tree.row(new RegExp(`^${first} … `)).expand()
    await page.keyboard.press('ArrowDown')
    await tree.row(new RegExp(`^${first}$`)).waitFor()
    await page.keyboard.press('Home')
  }

  /** Every letter asks anew, before the answer to the one before has come. */
  private async find(name: string): Promise<void> {
    const { workbench } = this.window
    const { page, quickInput } = workbench
    await workbench.runCommand('Peerfold: Go to File in Share…')
    await quickInput.title.getByText('Go to File in list').waitFor()
    for (let end = 1; end <= name.length; end++) await quickInput.type(name.slice(0, end))
    await quickInput.widget.getByText(name).first().waitFor()
    await page.keyboard.press('Escape')
  }

  private async browse(): Promise<void> {
    const { workbench } = this.window
    await workbench.runCommand('Peerfold: Add to Workspace')
    await workbench.openContainer('Explorer')
    const root = workbench.explorer.row(/^list$/)
    await root.expand()
    await workbench.explorer.row('tree').expand()
    for (let folder = 0; folder < BROWSED; folder++) {
      const row = workbench.explorer.row(nameOfFolder(folder))
      await row.expand()
      await workbench.explorer.row(`${nameOfFolder(folder)}-0.txt`).waitFor()
      await row.collapse()
    }
    await workbench.explorer.row('tree').collapse()
    await workbench.explorer.row('flat').expand()
    await workbench.explorer.row('entry-000000.txt').waitFor()
    await workbench.explorer.row('flat').collapse()
  }

  /** Waits after every change until the tree shows it, as somebody does who looks on. */
  private async follow(folder: string, shown: string): Promise<void> {
    const { workbench } = this.window
    await workbench.openContainer('Peerfold')
    const { tree } = workbench.view('Opened Shares')
    await tree.row('tree').expand()
    await tree.row(shown).expand()
    for (let change = 0; change < CHANGES; change++) {
      const names = Array.from({ length: CHANGING }, (_, at) =>
        join(folder, nameOfFolder(at % this.folders), `added-${at}`),
      )
      for (const name of names) writeFileSync(name, `change ${change}\n`)
      await tree.row('added-0').waitFor()
      if (change % 2 === 0) continue
      for (const name of names) rmSync(name)
      await tree.row('added-0').locator.waitFor({ state: 'detached' })
    }
    await tree.row('tree').collapse()
  }

  private async copy(link: string): Promise<void> {
    const { workbench } = this.window
    const target = join(this.context.folder, 'target')
    mkdirSync(target)
    await this.open(link, 'large')
    await workbench
      .view('Opened Shares')
      .tree.row(/^large/)
      .waitFor()
    await workbench.runCommand('Peerfold: Open Dashboard')
    await workbench.runCommand('Peerfold: Save a Copy…')
    await workbench.quickInput.pick('large')
    await workbench.quickInput.chooseFolder(target)
    await workbench.page
      .locator('.notifications-toasts .notification-toast')
      .filter({ hasText: 'A copy of “large” is saved' })
      .waitFor({ timeout: LIMIT })
    rmSync(target, { recursive: true })
  }

  private async share(): Promise<void> {
    const { workbench } = this.window
    const name = 'many'
    await workbench.runCommand('Peerfold: Share Folder with Peer')
    await workbench.quickInput.pick('Choose another folder…')
    await workbench.quickInput.chooseFolder(join(this.source, name))
    const preview = await workbench.dialog(`Share “${name}”`)
    await preview.click('Show What Is Left Out')
    await workbench.quickInput.ok()
    const again = await workbench.dialog(`Share “${name}”`)
    await again.click('Share')
    await workbench.notification(`“${name}” is shared`)
  }
}

export function nameOfFolder(at: number): string {
  return `d${String(at).padStart(3, '0')}`
}

/** Milliseconds, by the clock that the recording uses. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** Then nothing of it is left running. */
async function stopPeerProcess(window: Workbench): Promise<void> {
  await window.runCommand('Peerfold: Stop Peer Process')
  await (await window.dialog('Stop Peerfold in every window?')).click('Stop')
}

function itWasNeverStarted(): void {}
