/** Two windows of Alice's use one peer process; and what “Keep Sharing When VS Code Closes” does. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { waitForEnd } from '../../src/client/ended'
import { eventually, isRunning } from '../support/eventually'
import { makeTree } from '../support/folders'
import type { Workbench } from '../support/pages'
import { Person } from '../support/person'
import type { Cast } from './cast'
import type { Installation } from './installation'
import type { Stage } from './stage'

/** Milliseconds: more than the peer process leaves to a window that restarts. */
const END_LIMIT = 30_000

export function windowsSteps(cast: () => Cast, stage: Stage): void {
  let second: Workbench
  let hut: string
  let pid: number

  it('shows the same in a second window of hers, which uses the same peer process', async () => {
    const { alice, atAlice } = cast()
    pid = await runningPeer(alice)
    hut = await makeTree(join(alice.home, 'hut'), { 'tools.md': '# Tools\n' })
    second = await alice.openWindow(hut, atAlice)
    await second.openContainer('Peerfold')
    await second
      .view('Shares')
      .tree.row(/^garden1 peer/)
      .waitFor()
    await second.runCommand('Peerfold: Share Folder with Peer')
    await second.quickInput.pick('hut')
    await (await second.dialog('Share “hut”')).click('Share')
    await (await second.notification('“hut” is shared')).close()
    await atAlice.view('Shares').tree.row('hut').waitFor()
    assert.equal(await runningPeer(alice), pid)
  })

  it('does in one window without the other when that is closed', async () => {
    const { alice, atAlice } = cast()
    await alice.closeWindow(atAlice)
    const { tree } = second.view('Shares')
    await tree.row('garden').clickMenu('Stop Sharing')
    await tree.row(/^gardenstopped/).waitFor()
    await tree.row('garden').clickMenu('Start Sharing Again')
    await tree.row(/^garden1 peer/).waitFor()
    assert.equal(await runningPeer(alice), pid)
  })

  it('keeps sharing when she says so, and not when she says the opposite, as the status bar shows', async () => {
    const { page } = second
    const goesOn = page.getByText('Sharing continues when VS Code closes').first()
    await second.runCommand('Peerfold: Keep Sharing When VS Code Closes')
    await goesOn.waitFor()
    await second.runCommand('Peerfold: Stop Sharing When VS Code Closes')
    await page.getByText('Sharing stops when the last window of VS Code closes').first().waitFor()
    assert.equal(await goesOn.isVisible(), false, 'what is settled is not said any more')
    await second.runCommand('Peerfold: Keep Sharing When VS Code Closes')
    await goesOn.waitFor()
    await second.statusBarItem().locator('.codicon-pinned').waitFor()
    await second.screenshot('keep-sharing')
  })

  it('leaves the peer process running then, though it would have ended otherwise', async () => {
    const control = await Person.start({ bootstrap: stage.bootstrap, client: 'window' })
    const controlPid = await control.pid()
    await cast().alice.stopVSCode()
    control.client.dispose()
    assert.ok(await waitForEnd(controlPid, END_LIMIT), 'one that was not asked to stay has ended')
    assert.ok(isRunning(pid))
  })

  it('serves the share meanwhile, and she finds everything as it was', async () => {
    const { alice, link } = cast()
    const reader = await Person.start({ bootstrap: stage.bootstrap })
    try {
      assert.ok((await reader.list(await reader.open(link))).includes('README.md'))
    } finally {
      await reader.leave()
    }
    await alice.startVSCode()
    const window = await alice.openWindow(hut)
    await window.openContainer('Peerfold')
    await window
      .view('Shares')
      .tree.row(/^garden1 peer/)
      .waitFor()
    await window.statusBarItem().locator('.codicon-pinned').waitFor()
    assert.equal(await runningPeer(alice), pid)
    await window.runCommand('Peerfold: Stop Peer Process')
    const question = await window.dialog('Stop Peerfold in every window?')
    assert.match(await question.text(), /3 shares will not be available to others/)
    await question.click('Cancel')
    assert.ok(isRunning(pid))
    await window.runCommand('Peerfold: Stop Peer Process')
    await (await window.dialog('Stop Peerfold in every window?')).click('Stop')
    assert.ok(await waitForEnd(pid, END_LIMIT))
    await window
      .view('Shares')
      .welcome.getByText('Peerfold is stopped. Nothing is being shared or downloaded.')
      .waitFor()
    await window.screenshot('peer-process-ended')
  })

  it('leaves nothing of a share in another window of his when he removes it by keyboard', async () => {
    const { bob, atBob } = cast()
    const { tree } = atBob.view('Opened Shares')
    await tree.row(/^garden/).expand()
    await tree.row('water.sh').click()
    await atBob.editor.waitForTab('water.sh')
    await atBob.openContainer('Explorer')
    const mounted = atBob.explorer.row(/^garden/).locator
    await mounted.waitFor()
    const other = await bob.openWindow(join(bob.home, 'shed'), atBob)
    await other.openContainer('Peerfold')
    await other
      .view('Opened Shares')
      .tree.row(/^garden/)
      .click()
    await other.page.keyboard.press('Delete')
    await (await other.dialog('Remove the opened share “garden”?')).click('Remove')
    const told = await atBob.notification(
      '“garden” was removed and is closed here too. Copies you saved stay.',
    )
    await atBob.screenshot('removed-elsewhere')
    await told.click('OK') // without a button VS Code would show the first line of it only
    await mounted.waitFor({ state: 'detached' })
    assert.ok(!(await atBob.editor.tabs()).includes('water.sh'), 'its tab is closed')
  })

  it('lists his transfers, the newest first, also after Peerfold was stopped and started', async () => {
    const { atBob } = cast()
    await atBob.openContainer('Peerfold')
    const { tree } = atBob.view('Transfers')
    await tree.row(/^Saved vids/).waitFor()
    const newest = async () => (await tree.texts()).slice(0, 2)
    const before = await newest()
    assert.match(before[0] ?? '', /^Saved vidsdone/)
    await tree.row(/^Saved vids/).tooltip('2 of 2 files,')
    await atBob.runCommand('Peerfold: Stop Peer Process')
    await (await atBob.dialog('Stop Peerfold in every window?')).click('Stop')
    await tree.rows.first().waitFor({ state: 'detached' })
    await atBob.view('Opened Shares').welcome.getByRole('button', { name: 'Start Again' }).click()
    await eventually('they are listed again', async () => isDeepStrictEqual(await newest(), before))
    await atBob.screenshot('transfers-again')
  })
}

async function runningPeer(alice: Installation): Promise<number> {
  const running = await alice.peerProcess()
  assert.ok(running !== undefined && isRunning(running))
  return running
}
