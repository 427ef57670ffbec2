/** Two windows of one user share one peer process; and what “Keep Sharing When VS Code Closes” does. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { waitForEnd } from '../../src/client/ended'
import { isRunning } from '../support/eventually'
import { makeTree, temporaryFolder } from '../support/folders'
import type { Workbench } from '../support/pages'
import { Person } from '../support/person'
import { makeGarden } from './garden'
import type { Installation } from './installation'
import { Stage } from './stage'

/** Milliseconds: more than the peer process leaves to a window that restarts. */
const END_LIMIT = 30_000

describe('two windows of one user', () => {
  const stage = new Stage()
  let erin: Installation
  let first: Workbench
  let second: Workbench
  let pid: number

  before(async () => {
    erin = await stage.install('Erin')
    const [garden, shed] = await Promise.all([
      makeGarden(erin.home),
      makeTree(join(erin.home, 'shed'), { 'tools.md': '# Tools\n' }),
    ])
    first = await erin.openWindow(garden)
    second = await erin.openWindow(shed, first)
    await Promise.all([first.openContainer('Peerfold'), second.openContainer('Peerfold')])
  })

  it('show the same shares and use one peer process', async () => {
    await share(first, 'garden')
    await second.view('Shares').tree.row('garden').waitFor()
    await share(second, 'shed')
    await first.view('Shares').tree.row('shed').waitFor()
    pid = await runningPeer()
  })

  it('do without each other when one is closed', async () => {
    await erin.closeWindow(first)
    const row = second.view('Shares').tree.row('garden')
    await row.clickMenu('Stop Sharing')
    await second
      .view('Shares')
      .tree.row(/^gardenstopped/)
      .waitFor()
    await row.clickMenu('Start Sharing Again')
    await second
      .view('Shares')
      .tree.row(/^gardenno peers/)
      .waitFor()
    assert.equal(await runningPeer(), pid)
  })

  it('keep sharing when the user says so, which the status bar shows', async () => {
    await second.runCommand('Peerfold: Keep Sharing When VS Code Closes')
    await second.page.getByText('Sharing continues when VS Code closes').first().waitFor()
    await second.statusBarItem().locator('.codicon-pinned').waitFor()
    await second.screenshot('keep-sharing')
  })

  it('leave the peer process running then, though it would have ended otherwise', async () => {
    const control = await Person.start({ bootstrap: stage.bootstrap, client: 'window' })
    const controlPid = await control.pid()
    await erin.stopVSCode()
    control.client.dispose()
    assert.ok(await waitForEnd(controlPid, END_LIMIT), 'one that was not asked to stay has ended')
    assert.ok(isRunning(pid))
  })

  it('serve the share meanwhile, and find everything as it was', async () => {
    const reader = await Person.start({ bootstrap: stage.bootstrap })
    try {
      const result = await reader.get(link, temporaryFolder('reader'))
      assert.equal(result.files, 7)
    } finally {
      await reader.leave()
    }
    await erin.startVSCode()
    const window = await erin.openWindow(join(erin.home, 'shed'))
    await window.openContainer('Peerfold')
    await window
      .view('Shares')
      .tree.row(/^gardenno peers/)
      .waitFor()
    await window.statusBarItem().locator('.codicon-pinned').waitFor()
    assert.equal(await runningPeer(), pid)
    await window.runCommand('Peerfold: Stop Peer Process')
    const question = await window.dialog('Stop Peerfold in every window?')
    assert.match(await question.text(), /2 shares will not be available to others/)
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

  let link: string

  async function share(window: Workbench, name: string): Promise<void> {
    await window.runCommand('Peerfold: Share Folder with Peer')
    await window.quickInput.pick(name)
    await (await window.dialog(`Share “${name}”`)).click('Share')
    const toast = await window.notification(`“${name}” is shared`)
    if (name === 'garden') link = await window.readClipboard()
    await toast.close()
  }

  async function runningPeer(): Promise<number> {
    const running = await erin.peerProcess()
    assert.ok(running !== undefined && isRunning(running))
    return running
  }
})
