/** Bob looks at what Alice's folder was: her versions, a file before she saved it, and it back on his disk. */
import assert from 'node:assert/strict'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cast } from './cast'

export function historySteps(cast: () => Cast): void {
  it('lists the versions of a folder, what each changed, and what was deleted as it was', async () => {
    const { atBob } = cast()
    await atBob.view('Opened Shares').tree.row('beds').clickMenu('Show History')
    const { tree } = atBob.view('History')
    await tree.row(/M2 added · /).waitFor() // the first version
    await tree.row(/1 removed/).expand()
    const deleted = tree.row(/^herbs\.mdremoved/)
    await deleted.waitFor()
    await atBob.screenshot('history')
    await deleted.click()
    await atBob.editor.text('Thyme, sage')
    await atBob.page.keyboard.press('Control+F4')
  })

  it('compares a file with what it was, and saves that beside what is there', async () => {
    const { bob, atBob } = cast()
    await atBob.view('Opened Shares').tree.row('beds').expand()
    await atBob.view('Opened Shares').tree.row('tomatoes.md').clickMenu('Show History')
    const { tree } = atBob.view('History')
    await tree.row(/Mchanged · /).click() // 5:22:08 PM, changed
    await atBob.editor.waitForTab(/tomatoes\.md \(version \d+ ↔ version \d+\)/)
    await atBob.page.getByText('Gone by October.').first().waitFor()
    await atBob.screenshot('history-compare')
    await atBob.page.keyboard.press('Control+F4')
    await mkdir(join(bob.home, 'Downloads'), { recursive: true })
    await tree.row(/Madded · /).clickMenu('Restore…')
    await atBob.quickInput.chooseFolder(join(bob.home, 'Downloads'))
    await (await atBob.notification('tomatoes.md (version')).close()
    assert.match(await readFile(join(bob.home, 'Downloads', 'tomatoes.md'), 'utf8'), /^# Tomatoes/)
    await atBob.view('History').fold()
  })
}
