/** Bob looks at what Alice's folder was: her versions, a file before she saved it, and it back on his disk. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cast } from './cast'

export function historySteps(cast: () => Cast): void {
  it('lists the versions of her share, with what each changed', async () => {
    const { atBob } = cast()
    await atBob
      .view('Opened Shares')
      .tree.row(/^garden/)
      .clickMenu('Show History')
    const { tree } = atBob.view('History')
    await tree.row(/1 changed/).waitFor()
    await tree.row(/8 added/).waitFor()
    await tree.row(/1 removed/).expand()
    await tree.row(/^herbs\.mdremoved/).waitFor()
    await atBob.screenshot('history')
    await tree.row(/^herbs\.mdremoved/).click()
    await atBob.editor.text('Thyme, sage')
    await atBob.page.keyboard.press('Control+F4')
  })

  it('compares a file with what it was, and saves that beside what is there', async () => {
    const { bob, atBob } = cast()
    await atBob.view('Opened Shares').tree.row('tomatoes.md').clickMenu('Show History')
    const { tree } = atBob.view('History')
    await tree.row(/changed · /).click()
    await atBob.editor.waitForTab('tomatoes.md')
    await atBob.page.locator('.diff-editor .view-lines', { hasText: 'Gone by October.' }).first().waitFor()
    await atBob.screenshot('history-compare')
    await atBob.page.keyboard.press('Control+F4')
    await tree.row(/added · /).clickMenu('Restore…')
    await atBob.quickInput.chooseFolder(join(bob.home, 'Downloads'))
    await (await atBob.notification('tomatoes.md (version')).close()
    assert.match(await readFile(join(bob.home, 'Downloads', 'tomatoes.md'), 'utf8'), /^# Tomatoes/)
  })
}
