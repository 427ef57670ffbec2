/** Bob opens what Alice sent: consent, the tree, a file that cannot be changed, a copy on his disk. */
import assert from 'node:assert/strict'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fingerprint, parseLink, shareIdOf } from '../../src/common/link'
import { compareTrees } from '../support/folders'
import type { Cast } from './cast'
import { makeGarden } from './garden'

export function openingSteps(cast: () => Cast): void {
  it('asks for consent, naming the share and its fingerprint, before anything is joined', async () => {
    const { atBob, link, bob } = cast()
    await atBob.writeClipboard(`Alice: it’s “${link}”, have a look!`)
    await atBob.runCommand('Peerfold: Open Shared Link…')
    await atBob.quickInput.waitForValue(link)
    await atBob.quickInput.type(link.slice(0, -1))
    await atBob.quickInput.message.getByText(/cut off|typing error/).waitFor()
    await atBob.quickInput.enter(link)
    const consent = await atBob.dialog('Open the share that calls itself “garden”?')
    const parsed = parseLink(link)
    assert.ok(parsed.ok)
    assert.ok((await consent.text()).includes(`Fingerprint: ${fingerprint(shareIdOf(parsed.link.key))}`))
    await atBob.screenshot('open-consent')
    assert.equal(await bob.peerProcess(), undefined, 'nothing runs before he has agreed')
    await consent.click('Open')
  })

  it('shows the files at once, and a file’s text when it is clicked', async () => {
    const { atBob } = cast()
    const { tree } = atBob.view('Opened Shares')
    await tree.row('beds').expand()
    await tree.row('tomatoes.md').waitFor()
    // It may stand below the first files for a moment.
    await tree.row('Fetching the list of files…').locator.waitFor({ state: 'detached' })
    const names = (await tree.texts()).slice(1)
    assert.deepEqual(names, [
      'beds',
      'herbs.md',
      'tomatoes.md',
      '.gitignore',
      'diary.txt',
      'plan.bin',
      'README.md',
      'seeds.csv',
      'water.sh',
    ])
    await tree.row('tomatoes.md').click()
    assert.match(await atBob.editor.text('never the leaves'), /^# Tomatoes\n\nSown in March/)
    await atBob.screenshot('open-file')
  })

  it('says why a file cannot be changed, and offers a copy', async () => {
    const { atBob } = cast()
    await atBob.editor.type('x')
    const reason = atBob.page.locator('.monaco-editor .message', { hasText: 'read-only' })
    await reason.getByText('belongs to somebody else’s share').waitFor()
    await reason.getByRole('link', { name: 'Save a Copy…' }).waitFor()
    await atBob.screenshot('open-read-only')
    assert.doesNotMatch(await atBob.editor.text('Tomatoes'), /^x/)
  })

  it('saves a copy where VS Code would save under another name, where nothing can be saved', async () => {
    const { atBob } = cast()
    const saving = atBob.quickInput.widget.getByText('Choose the folder to save “tomatoes.md” in')
    await atBob.page.keyboard.press('Control+Shift+S')
    await saving.waitFor()
    await atBob.screenshot('save-as')
    await atBob.page.keyboard.press('Escape')
    await atBob.runCommand('File: Save As...')
    await saving.waitFor()
    await atBob.page.keyboard.press('Escape')
  })

  it('saves a copy that is the same byte for byte', async () => {
    const { alice, bob, atBob } = cast()
    await mkdir(join(bob.home, 'Downloads'))
    await atBob
      .view('Opened Shares')
      .tree.row(/^garden/)
      .clickMenu('Save a Copy…')
    await atBob.quickInput.chooseFolder(join(bob.home, 'Downloads'))
    const toast = await atBob.notification('A copy of “garden” is saved')
    assert.match(
      await toast.text(),
      /saved in ~\/Downloads\/garden: 8 files, 700 kB\. 1 file can run something/,
    )
    await atBob.screenshot('copy-saved')
    await toast.close()

    const expected = await makeGarden(join(alice.home, 'as shared'))
    await Promise.all(['.env', 'compost', 'gate'].map(name => rm(join(expected, name), { recursive: true })))
    assert.deepEqual(await compareTrees(expected, join(bob.home, 'Downloads', 'garden')), [])
  })
}
