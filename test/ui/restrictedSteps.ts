/** Restricted Mode: a folder that nobody vouched for can send nothing, and its owner can still receive. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { makeTree, temporaryFolder } from '../support/folders'
import type { Workbench } from '../support/pages'
import type { Person } from '../support/person'
import type { Installation } from './installation'

interface Scene {
  readonly owner: Installation
  /** Of a folder with the file notes.md. */
  readonly window: Workbench
  readonly friend: Person
}

export function restrictedSteps(scene: () => Scene): void {
  it('the view says that sharing is off, and why', async () => {
    const { window } = scene()
    await window.page.getByText('Restricted Mode is intended for safe code browsing').waitFor()
    await window.openContainer('Peerfold')
    const { welcome } = window.view('Shares')
    await welcome.getByText('Sharing is off in Restricted Mode, so that a folder you do not trust').waitFor()
    await welcome.getByRole('button', { name: 'Manage Workspace Trust' }).waitFor()
    await window.screenshot('restricted')
  })

  it('the command shares nothing and says why', async () => {
    const { owner, window } = scene()
    await window.runCommand('Peerfold: Share Folder with Peer')
    const toast = await window.notification('Sharing is off in Restricted Mode')
    await window.screenshot('restricted-command')
    await toast.close()
    await window.openContainer('Explorer')
    await window.explorer.row('notes.md').locator.click({ button: 'right' })
    assert.ok(!(await window.menu.texts()).some(entry => entry.includes('with Peer')))
    await window.page.keyboard.press('Escape')
    assert.equal(await owner.peerProcess(), undefined)
  })

  it('a link opens all the same', async () => {
    const { window, friend } = scene()
    const folder = await makeTree(join(temporaryFolder('friend'), 'recipes'), { 'soup.md': '# Soup\n' })
    const { link } = await friend.publish(folder)
    await window.runCommand('Peerfold: Open Shared Link…')
    await window.quickInput.enter(link)
    await (await window.dialog('“recipes”')).click('Open')
    await window.view('Opened Shares').tree.row('soup.md').click()
    await window.editor.text('Soup')
    await window.screenshot('restricted-opened')
  })
}
