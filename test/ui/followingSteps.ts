/** What Alice saves shows up at Bob's; more ways in: a clicked link, and the share as a folder of his workspace. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page, Route } from 'playwright-core'
import { eventually } from '../support/eventually'
import { Notification, WINDOW_LOADS } from '../support/pages'
import type { Cast } from './cast'
import { readme } from './garden'

/** As often as a page's script may call a link. */
const CALLS = 100

export function followingSteps(cast: () => Cast): void {
  it('shows in his open editor what she saves in hers, without being asked', async () => {
    const { atAlice, atBob, garden } = cast()
    await atBob.view('Opened Shares').tree.row('tomatoes.md').click()
    await atBob.editor.text('never the leaves')
    await atAlice.openContainer('Explorer')
    await atAlice.explorer.row('beds').expand()
    await atAlice.explorer.row('tomatoes.md').click()
    await atAlice.editor.text('never the leaves')
    await atAlice.editor.type('Gone by October. ')
    await atAlice.page.keyboard.press('Control+S')
    assert.match(await atBob.editor.text('Gone by October.'), /^Gone by October\. # Tomatoes/)
    assert.match(await readFile(join(garden, 'beds', 'tomatoes.md'), 'utf8'), /^Gone by October/)
  })

  it('shows in his tree what came and what went', async () => {
    const { atBob, garden } = cast()
    await writeFile(join(garden, 'beds', 'leeks.md'), '# Leeks\n')
    await rm(join(garden, 'beds', 'herbs.md'))
    await atBob.view('Opened Shares').tree.row('leeks.md').waitFor()
    await atBob.view('Opened Shares').tree.row('herbs.md').locator.waitFor({ state: 'detached' })
    await atBob.screenshot('follow')
  })

  it('brings his copy up to date by one click, says what changed, and keeps what is his', async () => {
    const { bob, atBob } = cast()
    const copy = join(bob.home, 'Downloads', 'garden')
    await writeFile(join(copy, 'README.md'), 'Bob was here.\n')
    await atBob
      .view('Opened Shares')
      .tree.row(/^garden/)
      .clickInline('Update Copy')
    const toast = await atBob.notification('Updated the copy of “garden”')
    assert.match(
      await toast.text(),
      /in ~\/Downloads\/garden: 1 updated, 1 new, 1 no longer shared\. 1 file can run/,
    )
    await atBob
      .view('Transfers')
      .tree.row(/^Saved garden1 updated, 1 new, 1 no longer shared/)
      .waitFor()
    await atBob.screenshot('copy-again')
    await toast.close()
    assert.match(await readFile(join(copy, 'beds', 'tomatoes.md'), 'utf8'), /^Gone by October/)
    assert.equal(await readFile(join(copy, 'beds', 'leeks.md'), 'utf8'), '# Leeks\n')
    assert.equal(await readFile(join(copy, 'README.md'), 'utf8'), 'Bob was here.\n')
  })

  it('shows a conflict as a difference, from the message, from the list, and by the keyboard', async () => {
    const { bob, garden, atBob } = cast()
    await writeFile(join(garden, 'README.md'), `${readme}\nAlice adds a line.\n`)
    await atBob.view('Opened Shares').tree.row('README.md').click()
    await atBob.editor.text('Alice adds a line.')
    await atBob
      .view('Opened Shares')
      .tree.row(/^garden/)
      .clickMenu('Save a Copy…')
    await atBob.quickInput.chooseFolder(join(bob.home, 'Downloads'))
    const toast = await atBob.notification('Updated the copy of “garden”')
    assert.match(
      await toast.text(),
      /: 1 no longer shared, 1 conflict: your version was kept, theirs is saved next to it\./,
    )
    assert.deepEqual(await toast.buttons(), ['Review Conflicts', 'Open Folder', 'Show Details'])
    await atBob.screenshot('conflict-told')
    await toast.click('Review Conflicts')
    await atBob.editor.waitForTab('README.md: theirs ↔ yours')
    await atBob.page.getByText('Bob was here.').first().waitFor()
    await atBob.page.keyboard.press('Control+F4')

    const row = atBob.view('Transfers').tree.row(/^Saved garden1 conflict · 1 no longer shared/)
    await row.click()
    await atBob.editor.waitForTab('README.md: theirs ↔ yours')
    await atBob.screenshot('conflict')
    await atBob.page.keyboard.press('Control+F4')
    await row.locator.click()
    await atBob.page.keyboard.press('Enter')
    await atBob.editor.waitForTab('README.md: theirs ↔ yours')
    await atBob.page.keyboard.press('Control+F4')
  })

  it('saves a folder of it under its own name, opens that, and asks which copy to update then', async () => {
    const { bob, atBob } = cast()
    const { tree } = atBob.view('Opened Shares')
    await tree.row('beds').clickMenu('Save a Copy…')
    await atBob.quickInput.chooseFolder(join(bob.home, 'Downloads'))
    const toast = await atBob.notification('A copy of “beds” is saved in ~/Downloads/beds: 2 files')
    const opening = atBob.page.context().waitForEvent('page')
    await toast.click('Open Folder')
    const opened = await opening
    assert.match(decodeURIComponent(opened.url()), /folder=.*\/Downloads\/beds(?:&|$)/)
    await opened.close()
    await tree.row(/^garden/).clickInline('Update Copy')
    await atBob.quickInput.row('garden').waitFor()
    assert.deepEqual(await atBob.quickInput.labels(), ['beds', 'garden'])
    await atBob.quickInput.pick('beds')
    await (await atBob.notification('Nothing changed in the copy of “beds” in ~/Downloads/beds')).close()
  })

  it('asks whether to remove an opened share at Delete', async () => {
    const { atBob } = cast()
    const row = atBob.view('Opened Shares').tree.row(/^garden/)
    await row.click()
    await atBob.page.keyboard.press('Delete')
    await (await atBob.dialog('Remove the opened share “garden”?')).click('Cancel')
    await row.waitFor()
  })

  it('shares a single file from the Explorer, and asks once, however often its link is called', async () => {
    const { bob, atAlice, atBob } = cast()
    await atAlice.explorer.row('seeds.csv').clickMenu('Share File with Peer')
    await (await atAlice.dialog('Share “seeds.csv”: 1 file')).click('Share')
    await atAlice.notification('“seeds.csv” is shared')
    const link = await atAlice.readClipboard()
    const { tree } = atBob.view('Opened Shares')
    await tree.row(/^garden/).collapse() // it has a file of that name too
    await atBob.runCommand('Developer: Open URL')
    await atBob.quickInput.enter(link)
    await (await atBob.dialog('to open this URI')).click('Open')
    await (await atBob.dialog('“seeds.csv”')).click('Cancel')
    const list = ['One spade, two rakes.', '', ...Array<string>(CALLS).fill(`[What to sow](${link})`)].join(
      '\n',
    )
    await writeFile(join(bob.home, 'shed', 'tools.md'), list)
    await atBob.openContainer('Explorer')
    await atBob.explorer.row('tools.md').click()
    await atBob.editor.doubleClickLink('peerfold.peerfold/open/')
    await (await atBob.dialog('“seeds.csv”')).click('Cancel')
    await atBob.editor.setCursors(CALLS + 2)
    await atBob.runCommand('Open Link') // of every line, in the same moment
    await (await atBob.dialog('“seeds.csv”')).click('Open')
    await atBob.openContainer('Peerfold') // another question would be in the way
    await tree.row(/^seeds\.csv1 peer/).waitFor()
    await atBob.screenshot('single-file')
    assert.equal(await atBob.page.locator('.monaco-dialog-box').count(), 0)
  })

  it('shows a single file at once, and by its row, which has nothing to unfold', async () => {
    const { atBob } = cast()
    const { tree } = atBob.view('Opened Shares')
    await atBob.editor.waitForTab('seeds.csv')
    await atBob.editor.text('basil,3')
    assert.deepEqual(await atBob.editor.breadcrumbs(2), ['Shared file', 'seeds.csv'])
    const row = tree.row(/^seeds\.csv1 peer/)
    await row.locator.locator('.codicon-symbol-file').waitFor()
    assert.equal(await row.locator.getAttribute('aria-expanded'), null)
    await atBob.page.keyboard.press('Control+F4')
    await row.click()
    await atBob.editor.text('basil,3')
    await atBob.page.keyboard.press('Control+F4')
    await row.locator.click()
    await atBob.page.keyboard.press('Enter')
    await atBob.editor.waitForTab('seeds.csv')
  })

  it('says of a file whose it is: in the tab beside another of its name, above the text, and in the tooltip', async () => {
    const { atBob } = cast()
    const { tree } = atBob.view('Opened Shares')
    await atBob.runCommand('View: Keep Editor')
    await tree.row(/^garden/).expand()
    await tree.row(/^seeds\.csv$/).click()
    await eventually('both tabs say whose they are', async () => {
      const tabs = await atBob.editor.tabs()
      return ['seeds.csvgarden', 'seeds.csvShared file'].every(tab => tabs.includes(tab))
    })
    assert.deepEqual(await atBob.editor.breadcrumbs(2), ['garden', 'seeds.csv'])
    assert.match(await atBob.editor.tabTooltip('seeds.csv'), /^garden\/seeds\.csv/)
    await atBob.screenshot('whose-file')
    await atBob.editor.breadcrumb('garden').click()
    await atBob.page.locator('.monaco-breadcrumbs-picker .monaco-list-row').getByText('garden').waitFor()
    await atBob.screenshot('whose-file-breadcrumb')
    await atBob.page.keyboard.press('Escape')
    await tree.row('beds').expand()
    await tree.row('leeks.md').click()
    assert.deepEqual(await atBob.editor.breadcrumbs(3), ['garden', 'beds', 'leeks.md'])
    assert.match(await atBob.editor.tabTooltip('leeks.md'), /^garden\/beds\/leeks\.md/)
    await tree.row(/^garden/).collapse()
  })

  it('is a folder of his workspace when he adds it, beside his own, also where VS Code loses both', async () => {
    const { bob, atBob, garden } = cast()
    const lost = loseFolders(atBob.page)
    await atBob
      .view('Opened Shares')
      .tree.row(/^garden/)
      .clickMenu('Add to Workspace')
    // Sometimes VS Code loads the window as it was before, and then he is asked.
    const asked = Notification.of(atBob.page, '“garden” is not in the workspace yet.')
    const told = Notification.of(atBob.page, 'The editor’s search does not look into shares.')
    await asked.toast.or(told.toast).first().waitFor({ timeout: WINDOW_LOADS })
    if (await asked.toast.isVisible()) await asked.click('Add to Workspace')
    await told.toast.waitFor({ timeout: WINDOW_LOADS })
    assert.equal(await lost, 2, 'VS Code had written down his folder and the share')
    await told.click('Go to File in Share…')
    await atBob.quickInput.row('tomatoes.md').waitFor()
    await atBob.page.keyboard.press('Escape')
    await atBob.openContainer('Explorer')
    await atBob.explorer.row('shed').expand()
    await atBob.explorer.row('tools.md').click()
    await atBob.editor.text('One spade, two rakes.')
    await atBob.explorer.row('garden').expand()
    await atBob.explorer.row('README.md').click()
    await atBob.editor.text('The garden behind the house')
    await atBob.explorer.row('garden').tooltip(/Search does not look into it: use “Go to File in Share…”/)
    assert.deepEqual(await atBob.editor.breadcrumbs(2), ['garden', 'README.md'])
    await atBob.screenshot('add-to-workspace')
    await atBob.explorer.row('diary.txt').copyOnto(atBob.explorer.row('shed'))
    const copy = join(bob.home, 'shed', 'diary.txt')
    const original = join(garden, 'diary.txt')
    await eventually(
      'it is copied',
      async () => existsSync(copy) && (await readFile(copy)).equals(await readFile(original)),
    )
    await atBob.editor.waitForTab('diary.txt') // VS Code shows what it copied
    await atBob.page.keyboard.press('Control+F4')
    await rm(copy)
    await atBob.openContainer('Peerfold')
    await atBob
      .view('Opened Shares')
      .tree.row(/^garden1 peer/)
      .waitFor()
  })

  it('opens links as what they point at, in the Explorer and in the tree', async () => {
    const { atBob, garden } = cast()
    const links = { plots: 'beds', 'first.md': 'beds/tomatoes.md' }
    for (const [name, target] of Object.entries(links)) await symlink(target, join(garden, name))
    const { tree } = atBob.view('Opened Shares')
    await tree.row(/^garden/).expand()
    await tree.row(/^first\.md→ beds\/tomatoes\.md/).click()
    await atBob.editor.waitForTab('first.md')
    assert.match(await atBob.editor.text('Gone by October.'), /^Gone by October/)
    await tree.row(/^beds$/).collapse()
    await tree.row(/^plots→ beds/).expand()
    await tree.row('leeks.md').click()
    await atBob.editor.text('Leeks')
    await tree.row(/^plots→ beds/).collapse()
    await atBob.screenshot('links-in-tree')
    await atBob.openContainer('Explorer')
    await atBob.explorer.row('plots').expand()
    await atBob.explorer.row('leeks.md').click()
    await atBob.editor.text('Leeks')
    await atBob.explorer.row('first.md').click()
    await writeFile(join(garden, 'beds', 'tomatoes.md'), '# Tomatoes\n\nSown again.\n')
    await atBob.editor.text('Sown again.')
    await atBob.screenshot('links-in-explorer')
    for (const name of Object.keys(links)) await rm(join(garden, name))
    await atBob.explorer.row('first.md').locator.waitFor({ state: 'detached' })
    await atBob.openContainer('Peerfold')
  })
}

/**
 * Takes all folders out of the workspace file that VS Code makes, before the window that is loaded with it reads it.
 * → how many they were
 */
async function loseFolders(page: Page): Promise<number> {
  const isUntitled = (url: URL) => /\/Untitled-\d+\./.test(url.searchParams.get('workspace') ?? '')
  return new Promise((resolve, reject) => {
    const lose = async (route: Route) => {
      const file = new URL(route.request().url()).searchParams.get('workspace') ?? ''
      const { folders }: { folders: unknown[] } = JSON.parse(await readFile(file, 'utf8'))
      await writeFile(file, '{ "folders": [] }')
      await route.continue()
      return folders.length
    }
    page.route(isUntitled, route => lose(route).then(resolve, reject), { times: 1 }).catch(reject)
  })
}
