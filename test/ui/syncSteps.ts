/** Bob keeps a part of what Alice shares in sync, solves a conflict by a merge, and chooses anew what he wants. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { eventually } from '../support/eventually'
import type { Workbench } from '../support/pages'
import type { Cast } from './cast'

/** Longer than an editor shows. */
const days = Array.from({ length: 365 }, (_, day) => `day ${day + 1}`)
const calendar = (changes: Readonly<Record<number, string>> = {}) =>
  `${days.map((line, at) => changes[at + 1] ?? line).join('\n')}\n`

export function syncSteps(cast: () => Pick<Cast, 'bob' | 'atBob' | 'garden'>): void {
  const synced = () => join(cast().bob.home, 'synced', 'garden')
  const shared = () => join(cast().garden, 'beds', 'calendar.md')
  const mine = () => join(synced(), 'beds', 'calendar.md')
  const row = () =>
    cast()
      .atBob.view('Folders in Sync')
      .tree.row(/^garden/)

  it('keeps in sync what is chosen, by the keyboard alone', async () => {
    const { bob, atBob, garden } = cast()
    await writeFile(join(garden, 'beds', 'calendar.md'), calendar())
    await mkdir(join(bob.home, 'synced'))
    await atBob
      .view('Opened Shares')
      .tree.row(/^garden/)
      .clickMenu('Keep a Folder in Sync…')
    const { quickInput, page } = atBob
    await quickInput.row('Choose Folders and Files…').waitFor()
    await atBob.screenshot('sync-what')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    for (const name of ['beds/', 'README.md']) await quickInput.switchOn(name)
    await quickInput.widget.getByText('2 selected').waitFor()
    await atBob.screenshot('sync-which')
    await quickInput.pick('Done')
    await quickInput.chooseFolder(join(bob.home, 'synced'))
    await (await atBob.notification('“garden” is kept in sync in ~/synced/garden.')).close()
    await atBob
      .view('Folders in Sync')
      .tree.row(/^gardenin sync/)
      .waitFor()
    assert.deepEqual(readdirSync(synced()).sort(), ['README.md', 'beds'])
    assert.equal(await readFile(mine(), 'utf8'), calendar())
    await atBob.screenshot('sync-row')
  })

  it('shows what she saves in his open editor, which stays where it was scrolled to', async () => {
    const { atBob } = cast()
    await openFile(atBob, mine())
    await atBob.page.keyboard.press('Control+G')
    await atBob.quickInput.enter(':200')
    await atBob.editor.text('day 200')
    const before = await topLine(atBob)
    await writeFile(shared(), calendar({ 1: 'New Year', 200: 'planted leeks' }))
    await atBob.editor.text('planted leeks')
    assert.equal(await topLine(atBob), before)
    await atBob.screenshot('sync-arrived')
  })

  it('merges what both changed, with markers where both changed the same, and knows when those are gone', async () => {
    const { atBob } = cast()
    const { page, quickInput } = atBob
    await atBob.editor.type('Mine: ')
    await page.keyboard.press('Control+S')
    await eventually('it is saved', async () => (await readFile(mine(), 'utf8')).startsWith('Mine: New Year'))
    await writeFile(shared(), calendar({ 1: 'Hers', 200: 'planted leeks', 365: 'New Year’s Eve' }))
    const told = await atBob.notification('were changed here and by Alice. Yours stay; theirs lie beside.')
    await row().locator.getByText('1 conflict').waitFor()
    await atBob.screenshot('sync-conflict')
    await told.click('Review Conflicts')
    await quickInput.row('Merge').waitFor()
    await atBob.screenshot('sync-conflict-choice')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    const merged = await atBob.notification('Merged “calendar.md”, but for 1 place that both changed')
    await atBob.editor.text('<<<<<<< yours')
    const accept = page.getByText('Accept Incoming Change').first()
    await accept.waitFor()
    await page.locator('.statusbar-item').filter({ hasText: 'Ln 1, Col 1' }).waitFor()
    await atBob.screenshot('sync-markers')
    await merged.close()
    await accept.click()
    await page.keyboard.press('Control+S')
    await atBob
      .view('Folders in Sync')
      .tree.row(/^gardenin sync/)
      .waitFor()
    assert.equal(
      await readFile(mine(), 'utf8'),
      calendar({ 1: 'Hers', 200: 'planted leeks', 365: 'New Year’s Eve' }),
    )
    assert.deepEqual(
      readdirSync(join(synced(), 'beds')).filter(name => name.includes('conflict')),
      [],
    )
  })

  it('takes away what he leaves out later, when he agrees, and brings all when he wants all', async () => {
    const { atBob } = cast()
    const { quickInput } = atBob
    await row().clickMenu('Choose What to Sync…')
    await quickInput.pick('Write Patterns…')
    await quickInput.enter('*.md')
    const question = await atBob.dialog('Sync only what you chose in ~/synced/garden?')
    await atBob.screenshot('sync-choose')
    await question.click('Sync What Is Chosen')
    await eventually('other files are none', () => readdirSync(synced()).join() === 'README.md,beds')
    await row().clickMenu('Choose What to Sync…')
    await quickInput.pick('Everything')
    await eventually('all is there', () => existsSync(join(synced(), 'plan.bin')))
    await atBob
      .view('Folders in Sync')
      .tree.row(/^gardenin sync/)
      .waitFor()
    await atBob.runCommand('Peerfold: Open Dashboard')
    await atBob.webview.getByRole('heading', { name: 'Folders in Sync' }).scrollIntoViewIfNeeded()
    await atBob.screenshot('sync-dashboard')

    await row().clickMenu('Stop Syncing Folder…')
    await (await atBob.dialog('Stop syncing ~/synced/garden?')).click('Stop Syncing')
    await row().locator.waitFor({ state: 'detached' })
    await rm(shared())
  })
}

async function openFile(window: Workbench, path: string): Promise<void> {
  await window.page.keyboard.press('Control+O')
  await window.quickInput.row('..').waitFor()
  await window.quickInput.type(`${dirname(path)}/`)
  await window.quickInput.pick(basename(path))
  await window.editor.waitForTab(/calendar\.md/)
}

/** The number of the first line that shows. */
function topLine(window: Workbench): Promise<number> {
  return window.page
    .locator('.editor-instance .margin .line-numbers')
    .evaluateAll(numbers =>
      Math.min(
        ...numbers
          .filter(each => each.getBoundingClientRect().height > 0)
          .map(each => Number(each.textContent)),
      ),
    )
}
