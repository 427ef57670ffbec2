/** Alice is gone: what Bob still has, how a third person gets it from him, and how it goes on when she is back. */
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { waitForEnd } from '../../src/client/ended'
import { eventually } from '../support/eventually'
import { compareTrees, makeTree, temporaryFolder } from '../support/folders'
import { Person } from '../support/person'
import { peerfold } from '../support/processes'
import type { Cast } from './cast'
import type { Stage } from './stage'

/** Milliseconds: the peer process leaves ten seconds to a window that restarts. */
const END_LIMIT = 30_000

export function goneAndBackSteps(cast: () => Cast, stage: Stage): void {
  it('says that she is offline, and still shows what is here', async () => {
    const { alice, atBob } = cast()
    const pid = await alice.peerProcess()
    await alice.stopVSCode()
    assert.ok(
      pid !== undefined && (await waitForEnd(pid, END_LIMIT)),
      'her peer process ends after her last window',
    )
    const { tree } = atBob.view('Opened Shares')
    await tree.row(/^gardenoffline/).waitFor()
    await atBob.view('Peers').welcome.getByText('Nobody is connected right now').waitFor()
    await tree.row(/^garden/).expand()
    await tree.row('diary.txt').click()
    await atBob.editor.text('Today it rained')
    await tree.row(/^garden/).tooltip('Nobody who has it is connected now')
    await atBob.screenshot('gone')
  })

  it('says what waits for somebody who is gone, by name, until he is back', async () => {
    const { bob, atBob } = cast()
    const { tree } = atBob.view('Opened Shares')
    const folder = await makeTree(join(temporaryFolder('dave'), 'vids'), {
      'poster.txt': 'Soon.\n'.repeat(46_000),
      'trailer.txt': 'Soon!\n'.repeat(54_000),
    })
    const dave = await Person.start({ bootstrap: stage.bootstrap })
    const { link } = await dave.publish(folder, { keep: true })
    await atBob.runCommand('Peerfold: Open Shared Link…')
    await atBob.quickInput.enter(link)
    await (await atBob.dialog('“vids”')).click('Open')
    await tree.row('trailer.txt').waitFor()
    await tree.row(/^vids/).tooltip('2 files')
    await tree.row('poster.txt').click()
    await atBob.editor.text('Soon.')
    const owner = atBob.view('Peers').tree.row(/Peer .*owner of vids/)
    await owner.waitFor()
    assert.match(await owner.label(), /^Peer [a-z0-9]{8}…, owner of vids/, 'what is read aloud says it once')
    await atBob.screenshot('owner')
    await dave.leave()
    await tree.row(/^vidsoffline/).waitFor()
    await tree.row('trailer.txt').click()
    const transfers = atBob.view('Transfers').tree
    const fetching = transfers.row(/^Fetching trailer\.txt0%$/)
    await fetching.waitFor()
    assert.equal((await transfers.texts())[0], 'Fetching trailer.txt0%', 'the newest comes first')
    await atBob.screenshot('fetching')
    await fetching.locator.waitFor({ state: 'detached' })
    await tree.row(/^vids/).clickMenu('Save a Copy…')
    await atBob.quickInput.chooseFolder(join(bob.home, 'Downloads'))
    await atBob.notification('“vids” is paused at 46%: nobody online has the rest. It resumes by itself.')
    const waits = transfers.row(/^Saving vidswaiting for a peer · 46%$/) // of no speed, and of no time that is left
    await waits.waitFor()
    assert.equal(await waits.label(), 'Saving vids, waiting for a peer · 46%')
    assert.ok(await waits.isWhole(), 'its name leaves room for what it says')
    assert.match((await transfers.texts())[0] ?? '', /^Saving vids/, 'the newest comes first')
    await atBob.screenshot('paused')
    await atBob.webview.getByRole('heading', { name: 'Waiting for somebody who has “trailer.txt”' }).waitFor()
    const repeated = atBob.page.locator('.notification-toast', { hasText: 'is not here yet' })
    assert.equal(await repeated.count(), 0, 'the tab says it, and no message beside it')
    const status = atBob.statusBarItem()
    const said = await atBob.noteTexts({ newest: transfers.row(/^/).locator, status })
    const back = await Person.start({ bootstrap: stage.bootstrap, storage: dave.storage })
    await (await atBob.notification('A copy of “vids” is saved')).close()
    const settled = atBob.page.locator('.notification-toast', { hasText: 'is paused' })
    assert.equal(await settled.count(), 0, 'it waits no longer, and nothing says so')
    await transfers.row(/^Saved vidsdone$/).waitFor()
    await eventually('nothing moves any more', async () => !/\/s/.test((await status.textContent()) ?? ''))
    const all = await said()
    assert.ok(
      !all.some(({ text }) => text.includes(' left')),
      'too little came to tell how long the rest takes',
    )
    const after = all.slice(all.findIndex(({ text }) => text === 'Saved vidsdone'))
    // Four a second, for the second that a rate takes to see that nothing comes any more.
    const rates = after.filter(({ place, text }) => place === 'status' && text.includes('/s'))
    assert.ok(rates.length <= 5, JSON.stringify(all))
    await back.leave()
  })

  it('lets a third person get the files from him while she is gone', async () => {
    const { garden, link } = cast()
    const home = temporaryFolder('carol')
    const storage = join(home, 'storage')
    const got = await peerfold(['get', link, join(home, 'garden')], { storage, bootstrap: stage.bootstrap })
    assert.equal(got.code, 0, got.stderr.join('\n'))
    await Promise.all(['.env', 'compost', 'gate'].map(name => rm(join(garden, name), { recursive: true })))
    assert.deepEqual(await compareTrees(garden, join(home, 'garden')), [])
    await peerfold(['stop'], { storage })
  })

  it('connects again when she comes back', async () => {
    const { alice, atBob, garden } = cast()
    await alice.startVSCode()
    const atAlice = await alice.openWindow(garden)
    cast().atAlice = atAlice
    await atBob
      .view('Opened Shares')
      .tree.row(/^garden1 peer/)
      .waitFor()
    await atAlice.openContainer('Peerfold')
    await atAlice
      .view('Shares')
      .tree.row(/^garden1 peer/)
      .waitFor()
    await atAlice.screenshot('back')
  })
}
