/** Alice shares: the preview, what is left out, one file let in by name, and the link. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { parseLink } from '../../src/common/link'
import { eventually } from '../support/eventually'
import { makeTree } from '../support/folders'
import type { Cast } from './cast'

export function sharingSteps(cast: () => Cast): void {
  it('shows what would be shared and what is left out, and shares nothing when she turns away', async () => {
    const { atAlice } = cast()
    await atAlice.runCommand('Peerfold: Share Folder with Peer')
    await atAlice.quickInput.row('garden').waitFor()
    assert.deepEqual(await atAlice.quickInput.labels(), ['garden', 'Choose another folder…'])
    await atAlice.screenshot('share-which')
    await atAlice.page.keyboard.press('Enter')
    const preview = await atAlice.dialog('Share “garden”: 7 files, 700 kB?')
    const text = await preview.text()
    assert.match(text, /1 × looks like a secret, by its name: \.env\n/)
    assert.match(text, /2 × named by \.gitignore: compost\/, diary\.txt\n/)
    assert.match(text, /^~[/\\]garden$/m, 'the folder is named as its owner knows it')
    await atAlice.screenshot('share-preview')
    await preview.click('Cancel')
    await atAlice.view('Shares').welcome.getByText('Share a folder and send its link').waitFor()
  })

  it('says that a folder has no files to share, and how to include one that was left out', async () => {
    const { alice, atAlice } = cast()
    const { quickInput } = atAlice
    await makeTree(alice.home, { empty: {}, keys: { '.env': 'TOKEN=not-for-others\n' } })
    const choose = async (name: string) => {
      await atAlice.runCommand('Peerfold: Share Folder with Peer')
      await quickInput.pick('Choose another folder…')
      await quickInput.chooseFolder(join(alice.home, name))
    }
    await choose('empty')
    const toast = await atAlice.notification('“empty” has no files to share.')
    await atAlice.screenshot('share-empty')
    await toast.close()
    await choose('keys')
    const told = await atAlice.dialog('“keys” has no files to share.')
    assert.match(await told.text(), /1 × looks like a secret, by its name: \.env\n/)
    await atAlice.screenshot('share-secrets-only')
    await told.click('Select Files to Include…')
    await quickInput.pick('.env')
    await quickInput.pick('Done')
    const asked = await atAlice.dialog('Share “keys”: 1 file')
    assert.match(await asked.text(), /\nIncluded by you \(look like secrets\): \.env\n/)
    await asked.click('Cancel')
  })

  it('lets a file in by name, and nothing by ticking everything', async () => {
    const { atAlice } = cast()
    await atAlice.view('Shares').welcome.getByRole('button', { name: 'Share Folder with Peer' }).click()
    await atAlice.quickInput.pick('garden')
    await (await atAlice.dialog('7 files')).click('Show What Is Left Out')
    const { quickInput } = atAlice
    await quickInput.row('diary.txt').waitFor()
    assert.deepEqual(await quickInput.labels(), ['Done', '.env', 'compost/', 'diary.txt', 'gate'])
    await quickInput.widget.getByPlaceholder('Select files to include anyway').waitFor()
    await quickInput.widget.getByText('“diary.txt” in .gitignore').waitFor()
    const boxes = quickInput.widget
      .locator('input[type=checkbox], .monaco-checkbox')
      .filter({ visible: true })
    assert.equal(await boxes.count(), 0, 'there is no box to tick, and none that ticks all')
    await quickInput.widget.getByText('Environment files hold passwords and keys.').waitFor()
    await quickInput.pick('gate')
    await quickInput.pick('diary.txt')
    await quickInput.widget.getByText('1 of these will be shared', { exact: true }).waitFor()
    await quickInput.widget.getByText('will be shared · named by .gitignore').waitFor()
    await atAlice.screenshot('share-left-out')
    await quickInput.pick('Done')
    const again = await atAlice.dialog('8 files')
    assert.match(
      await again.text(),
      /1 × named by \.gitignore: compost\/\n.*\n?(?:.*\n)?Included by you: diary\.txt/,
    )
  })

  it('warns before it shares a secret that was let in, and says why it was left out', async () => {
    const { atAlice } = cast()
    const { quickInput } = atAlice
    await (await atAlice.dialog('8 files')).click('Show What Is Left Out')
    await quickInput.widget.getByText('will be shared · named by .gitignore').waitFor()
    await quickInput.pick('.env')
    await quickInput.widget.getByText(/Includes 1 file that looks like a secret/).waitFor()
    await quickInput.pick('Done')
    const asked = await atAlice.dialog('9 files')
    assert.match(
      await asked.text(),
      /Included by you: diary\.txt\nIncluded by you \(look like secrets\): \.env\n/,
    )
    await asked.click('Share')
    const warning = await atAlice.dialog('.env: Environment files hold passwords and keys.')
    assert.match(await warning.text(), /^Includes 1 file that looks like a secret/)
    assert.deepEqual(new Set(await warning.buttons()), new Set(['Share the Secret Too', 'Cancel']))
    await atAlice.screenshot('share-secrets')
    await warning.click('Cancel')
    await (await atAlice.dialog('9 files')).click('Show What Is Left Out')
    await quickInput.widget.getByText('will be shared · looks like a secret, by its name').waitFor()
    await quickInput.widget.getByText('Environment files hold passwords and keys.').waitFor()
    await quickInput.pick('.env')
    await quickInput.widget.getByText('1 of these will be shared', { exact: true }).waitFor()
    await quickInput.pick('Done')
    await (await atAlice.dialog('8 files')).click('Share')
  })

  it('puts the link on the clipboard, and there again when asked', async () => {
    const { atAlice } = cast()
    const toast = await atAlice.notification('“garden” is shared')
    assert.match(
      await toast.text(),
      /^“garden” is shared\. The link is on your clipboard: send it to the people who should have the files\./,
    )
    const link = await atAlice.readClipboard()
    assert.match(link, /^code-oss:\/\/peerfold\.peerfold\/open\/pf[a-z0-9]+$/)
    await atAlice.writeClipboard('something else')
    await toast.click('Copy Link Again')
    await eventually(
      'the link is on the clipboard again',
      async () => (await atAlice.readClipboard()) === link,
    )
    const parsed = parseLink(link)
    assert.ok(parsed.ok)
    assert.equal(parsed.link.name, 'garden')
    assert.ok(parsed.link.encryptionKey, 'a share is private unless asked otherwise')
    cast().link = link
  })

  it('stands in the list with what can be done', async () => {
    const { atAlice } = cast()
    const row = atAlice.view('Shares').tree.row('garden')
    await row.waitFor()
    const tooltip = await row.tooltip(/Fingerprint: [a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4}/)
    assert.match(tooltip, /Private: only people with the link can read it/)
    await row.locator.click({ button: 'right' })
    const entries = await atAlice.menu.texts()
    for (const entry of ['Copy Link', 'Stop Sharing', 'Show What Is Left Out', 'Remove Share…'])
      assert.ok(entries.includes(entry), `“${entry}” is not among ${entries.join(', ')}`)
    await atAlice.page.keyboard.press('Escape')
  })

  it('copies the link of a share at Enter, and asks whether to remove it at Delete', async () => {
    const { atAlice, link } = cast()
    const row = atAlice.view('Shares').tree.row('garden')
    await row.click()
    await atAlice.writeClipboard('something else')
    await atAlice.page.keyboard.press('Enter')
    await eventually('the link is on the clipboard', async () => (await atAlice.readClipboard()) === link)
    await row.click()
    await atAlice.page.keyboard.press('Delete')
    await (await atAlice.dialog('Remove the share “garden”?')).click('Cancel')
    await row.waitFor()
  })
}
