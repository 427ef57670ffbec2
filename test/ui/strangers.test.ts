/**
 * A window in Restricted Mode: a folder that nobody vouched for can send nothing, and its owner can still receive. And
 * whatever strangers call their shares, their files and themselves stays text, wherever it is shown: nothing of it
 * becomes an element, an icon, a link or a direction of writing.
 */
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { makeTree, temporaryFolder } from '../support/folders'
import { aboutListed, HostilePublisher } from '../support/hostileDrive'
import type { Workbench } from '../support/pages'
import { Person } from '../support/person'
import type { Installation } from './installation'
import { restrictedSteps } from './restrictedSteps'
import { Stage } from './stage'

const markup = '<img src=x onerror="window.pwned=1">'
const icon = '$(zap)'
const command = '[c](command:workbench.action.quit)'
const all = `${markup} ${icon} ${command}`
/** Turns the text around, and colours a terminal. */
const controls = 'in\u202Egnp.exe\u001b[31mred'
const controlsAsText = 'in\\u{202e}gnp.exe\\u{1b}[31mred'

describe('a window in Restricted Mode', () => {
  const stage = new Stage()
  let frank: Installation
  let window: Workbench
  let friend: Person
  let mallory: Person
  let publisher: HostilePublisher

  before(async () => {
    frank = await stage.install('Frank', { trust: true })
    const folder = await makeTree(join(frank.home, 'downloaded'), { 'notes.md': '# Notes\n' })
    await mkdir(join(frank.home, 'Downloads'))
    ;[window, friend, mallory, publisher] = await Promise.all([
      frank.openWindow(folder),
      Person.start({ bootstrap: stage.bootstrap }),
      Person.start({ bootstrap: stage.bootstrap }),
      HostilePublisher.start(stage.bootstrap),
    ])
    await mallory.request('settings.set', { name: `${markup} ${icon}` })
  })

  after(async () => {
    await Promise.all([friend?.leave(), mallory?.leave(), publisher?.close()])
  })

  afterEach(async () => {
    assert.deepEqual(await whatBecameOf(window), { pwned: false, images: 0, icons: 0, links: 0 })
  })

  restrictedSteps(() => ({ owner: frank, window, friend }))

  it('names that attack are text in the consent dialog, the tree and its tooltips', async () => {
    const folder = await makeTree(join(temporaryFolder('mallory'), all), {
      [`${markup}.txt`]: 'one\n',
      [`${icon}.txt`]: 'two\n',
      [`${command}.txt`]: 'three\n',
    })
    const { link } = await mallory.publish(folder)
    await window.runCommand('Peerfold: Open Shared Link…')
    await window.quickInput.enter(link)
    const consent = await window.dialog('Open the share that calls itself')
    assert.ok((await consent.text()).includes(all))
    await window.screenshot('hostile-consent')
    await consent.click('Open')
    const { tree } = window.view('Opened Shares')
    await tree.row(`${icon}.txt`).waitFor()
    const texts = await tree.texts()
    for (const name of [markup, icon, command]) assert.ok(texts.includes(`${name}.txt`), texts.join('\n'))
    await tree.row(all).tooltip(all)
    await tree.row(`${markup}.txt`).tooltip(`${markup}.txt`)
    await window.screenshot('hostile-tree')
  })

  it('names that attack are text in the list of peers and its tooltip', async () => {
    const row = window.view('Peers').tree.row(markup)
    await row.waitFor()
    const names = await window.view('Peers').tree.texts()
    assert.ok(
      names.some(name => name.startsWith(`${markup} ${icon}`)),
      names.join('\n'),
    )
    await row.tooltip(`Shares in common: ${markup}`)
    await window.screenshot('hostile-peers')
  })

  it('names that attack are text in the editor, in messages and in the status bar', async () => {
    const { tree } = window.view('Opened Shares')
    await tree.row(`${icon}.txt`).click()
    await window.editor.text('two')
    await tree.row(all).clickMenu('Copy Link')
    await window.page.locator('.statusbar-item', { hasText: `Link of ${markup} ${icon}` }).waitFor()
    await tree.row(all).clickMenu('Save a Copy…')
    await window.quickInput.chooseFolder(join(frank.home, 'Downloads'))
    const toast = await window.notification('is saved in')
    const text = await toast.text()
    assert.ok(text.includes(`${markup} ${icon} [c] (command:`), text)
    assert.deepEqual(await toast.toast.getByRole('link').count(), 0)
    await window.screenshot('hostile-message')
    await toast.close()
  })

  it('names that attack show their controls instead of obeying them', async () => {
    const drive = await publisher.drive()
    await drive.file(`/${controls}.txt`, 'four\n')
    await drive.file('/plain.txt', 'five\n')
    await drive.about('share', { name: controls }) // last, where it is looked for
    await publisher.serve(drive)
    await window.runCommand('Peerfold: Open Shared Link…')
    await window.quickInput.enter(drive.link)
    await (await window.dialog('Open this share?')).click('Open')
    const { tree } = window.view('Opened Shares')
    await tree.row('plain.txt').waitFor()
    await tree.row(`${controlsAsText}1 peer`).waitFor()
    await tree.row(`${controlsAsText}.txt`).waitFor()
    // biome-ignore lint/suspicious/noControlCharactersInRegex: their absence is what is tested
    assert.doesNotMatch((await tree.texts()).join(), /[\u001b\u202a-\u202e]/)
    await window.screenshot('hostile-controls')
  })

  it('names that attack are text, and can be looked at, while the list that they stand in is still on its way', async () => {
    const drive = await publisher.drive()
    await drive.file('/one.txt', 'one\n')
    await drive.file('/two.txt', 'two\n')
    const at = await drive.blob('six\n')
    const row = (name: string) => [0, name, 4, 0, 0, at.blockOffset, 1, at.byteOffset]
    const first = await drive.rows([row('/early.txt'), row(`/inner/${markup} six.txt`)])
    const second = await drive.rows([row('/late.txt')])
    const chunks = { ...first, blockLength: 2, byteLength: first.byteLength + second.byteLength }
    await drive.about('share', aboutListed({ files: 1_200, chunks }))
    const release = await drive.withhold(second.blockOffset)
    await publisher.serve(drive)
    const { tree } = window.view('Opened Shares')
    for (const other of [all, controlsAsText]) await tree.row(other).collapse()
    await window.runCommand('Peerfold: Open Shared Link…')
    await window.quickInput.enter(drive.link)
    await (await window.dialog('Open this share?')).click('Open')
    await tree.row('early.txt').waitFor()
    await tree.row('inner').expand()
    await tree.row(`${markup} six.txt`).click()
    await window.editor.text('six')
    const texts = await tree.texts()
    assert.ok(texts.includes('Fetching the list of files…') && !texts.includes('late.txt'), texts.join('\n'))
    await window.screenshot('hostile-list-on-its-way')
    release()
    await tree.row('late.txt').waitFor()
    await tree.row('Fetching the list of files…').locator.waitFor({ state: 'detached' })
  })

  it('names that attack are text on the dashboard', async () => {
    await window.runCommand('Peerfold: Open Dashboard')
    const dashboard = window.webview
    await dashboard.getByRole('region', { name: 'Peers', exact: true }).getByText(markup).first().waitFor()
    await dashboard
      .getByRole('region', { name: 'Opened Shares', exact: true })
      .getByText(controlsAsText)
      .first()
      .waitFor()
    assert.equal(await dashboard.locator('img, .codicon-zap, a').count(), 0)
    assert.equal(await dashboard.locator('body').evaluate('"pwned" in window'), false)
    await window.screenshot('hostile-dashboard')
  })
})

/** What became of the names in the window itself; all nought and false when they stayed text. */
function whatBecameOf(window: Workbench): Promise<unknown> {
  return window.page.evaluate(`({
    pwned: 'pwned' in window,
    images: document.querySelectorAll('img[src="x"], img[onerror]').length,
    icons: document.querySelectorAll('.codicon-zap').length,
    links: document.querySelectorAll('[href^="command:workbench.action.quit"], [data-href^="command:workbench.action.quit"]').length,
  })`)
}
