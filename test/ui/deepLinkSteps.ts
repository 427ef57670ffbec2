/** Links to files and folders: copied from the Explorer, the tree and the editor, and opened as what they point at. */
import assert from 'node:assert/strict'
import type { DrivePath } from '../../src/common/brand'
import { formatLink, parseLink } from '../../src/common/link'
import { eventually } from '../support/eventually'
import type { Workbench } from '../support/pages'
import type { Cast } from './cast'

export function deepLinkSteps(cast: () => Cast): void {
  /** Alice's to `herbs.md`. */
  let link = ''

  it('opens the very file whose link was copied in the Explorer, through two chat programs', async () => {
    const { atAlice, atBob } = cast()
    await atAlice.openContainer('Explorer')
    await atAlice.explorer.row('beds').expand()
    await atAlice.explorer.row('herbs.md').locator.click({ button: 'right' })
    assert.ok((await atAlice.menu.texts()).includes('Copy Link'))
    await atAlice.screenshot('deep-link-menu')
    await atAlice.page.keyboard.press('Escape')
    link = await copied(atAlice, () => atAlice.explorer.row('herbs.md').clickMenu('Copy Link'))
    assert.equal(pathOf(link), '/beds/herbs.md')
    await atBob.writeClipboard(`look: ${encodeURIComponent(encodeURIComponent(link))}, it smells`)
    await atBob.runCommand('Peerfold: Open Shared Link…')
    await atBob.quickInput.waitForValue(link)
    await atBob.quickInput.input.press('Enter')
    assert.match(await atBob.editor.text('Thyme'), /^# Herbs/)
    await selected(atBob, 'herbs.md').waitFor()
    await atBob.screenshot('deep-link-file')
  })

  it('copies by keyboard the link of the file that is shown', async () => {
    const { atBob } = cast()
    const again = await copied(atBob, async () => {
      await atBob.runCommand('Peerfold: Copy Link')
      await atBob.quickInput.row('herbs.md').waitFor()
      await atBob.screenshot('deep-link-which')
      await atBob.page.keyboard.press('Enter')
    })
    assert.equal(again, link)
  })

  it('offers the links of a chat line that has two, and opens the one that is chosen', async () => {
    const { atBob } = cast()
    const { quickInput } = atBob
    const parsed = parseLink(link)
    assert.ok(parsed.ok)
    const other = formatLink({ ...parsed.link, path: '/beds/tomatoes.md' as DrivePath })
    await atBob.writeClipboard(`The herbs are in ${link}, and the tomatoes here (${other}).`)
    await atBob.runCommand('Peerfold: Open Shared Link…')
    await quickInput.message.waitFor()
    await quickInput.input.press('Enter')
    await quickInput.widget.getByPlaceholder('There are 2 links in this text. Which one?').waitFor()
    assert.deepEqual(await quickInput.labels(), ['garden', 'garden'])
    await quickInput.widget.getByText('beds/herbs.md').waitFor()
    await atBob.screenshot('deep-link-two')
    await quickInput.widget.getByText('beds/tomatoes.md').click()
    assert.match(await atBob.editor.text('never the leaves'), /^# Tomatoes/)
    await selected(atBob, 'tomatoes.md').waitFor()
  })

  it('unfolds the folder whose link was copied in the tree', async () => {
    const { atBob } = cast()
    const beds = atBob.view('Opened Shares').tree.row('beds')
    const folder = await copied(atBob, () => beds.clickMenu('Copy Link'))
    assert.equal(pathOf(folder), '/beds/')
    await beds.collapse()
    await atBob.runCommand('Peerfold: Open Shared Link…')
    await atBob.quickInput.waitForValue(folder)
    await atBob.quickInput.input.press('Enter')
    await selected(atBob, 'beds').and(atBob.page.locator('[aria-expanded="true"]')).waitFor()
  })

  it('says that a link leads to nothing in its share, and shows that', async () => {
    const { atBob } = cast()
    const parsed = parseLink(link)
    assert.ok(parsed.ok)
    await atBob.writeClipboard(formatLink({ ...parsed.link, path: '/beds/mint.md' as DrivePath }))
    await atBob.runCommand('Peerfold: Open Shared Link…')
    await atBob.quickInput.message.waitFor()
    await atBob.quickInput.input.press('Enter')
    const toast = await atBob.notification('The link leads to “beds/mint.md”, which is not in “garden”')
    await atBob.screenshot('deep-link-gone')
    await toast.click('Show Share')
    await selected(atBob, 'garden').waitFor()
  })
}

/** What is on the clipboard after this was done. */
async function copied(at: Workbench, copy: () => Promise<void>): Promise<string> {
  await at.writeClipboard('nothing yet')
  await copy()
  await eventually('a link is on the clipboard', async () => parseLink(await at.readClipboard()).ok)
  return at.readClipboard()
}

function selected(at: Workbench, name: string) {
  const { tree } = at.view('Opened Shares')
  return tree.row(name).locator.and(at.page.locator('[aria-selected="true"]'))
}

function pathOf(link: string): DrivePath | undefined {
  const parsed = parseLink(link)
  return parsed.ok ? parsed.link.path : undefined
}
