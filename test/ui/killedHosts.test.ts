/**
 * `kill -9` of a window's extension host at moments nobody chose: while it shares a folder, saves a copy, follows.
 * Whatever was under way is the peer process's, which goes on; VS Code starts the extensions anew, and they show what
 * is true. Nothing half-written is in the copy.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually, isRunning } from '../support/eventually'
import { compareTrees, makeTree, randomBytes, temporaryFolder } from '../support/folders'
import type { Workbench } from '../support/pages'
import { Person } from '../support/person'
import { ChangingTree, randomFrom } from '../support/torture'
import type { Installation } from './installation'
import { Stage } from './stage'

const seed = Number(process.env.PEERFOLD_SEED ?? Date.now() & 0x7fffffff)

describe('an extension host that is killed', () => {
  if (process.platform !== 'linux') return // its process is found in /proc
  const stage = new Stage()
  const random = randomFrom(seed)
  let ann: Person
  let garden: ChangingTree
  let bob: Installation
  let window: Workbench
  let desk: string
  let copy: string

  before(async () => {
    console.log(`    seed ${seed}`)
    bob = await stage.install('Bob')
    garden = new ChangingTree(join(temporaryFolder('ui'), 'garden'), random)
    ann = await Person.start({ bootstrap: stage.bootstrap })
    desk = await makeTree(join(bob.home, 'desk'), {
      'notes.md': 'notes',
      'large.bin': randomBytes(30_000_000),
    })
    copy = join(bob.home, 'Downloads', 'garden')
    await mkdir(join(bob.home, 'Downloads'))
    window = await bob.openWindow(desk)
    await window.openContainer('Peerfold')
  })
  after(() => ann?.leave())

  it('while a folder is being shared: it is shared whole or not at all, the list says which, and sharing works', async () => {
    await window.runCommand('Peerfold: Share Folder with Peer')
    await window.quickInput.pick('desk')
    await (await window.dialog('Share “desk”')).click('Share')
    await window.view('Transfers').tree.row('desk').waitFor()
    await killExtensionHost(200)
    const row = window.view('Transfers').tree.row(/^Publish(?:ing|ed) desk/)
    await row.waitFor()
    let outcome = ''
    await eventually('the import has ended', async () => {
      outcome = (await window.view('Transfers').tree.texts()).join()
      return /cancelled|done|30/.test(outcome)
    })
    if (outcome.includes('cancelled')) {
      await window.view('Shares').welcome.getByText('Share a folder and send its link').waitFor()
      await window.runCommand('Peerfold: Share Folder with Peer')
      await window.quickInput.pick('desk')
      await (await window.dialog('Share “desk”')).click('Share')
    }
    const shared = window.view('Shares').tree.row('desk')
    await shared.waitFor()
    await window.writeClipboard('nothing')
    await shared.clickMenu('Copy Link')
    let link = ''
    await eventually('the link is there', async () => {
      link = await window.readClipboard()
      return link !== 'nothing'
    })
    const target = temporaryFolder('reader')
    await ann.get(link, target)
    assert.deepEqual(await compareTrees(desk, target), [])
  })

  it('while a copy is saved: every file is old or new, and the copy is finished', async () => {
    const { link } = await ann.publish(garden.folder)
    await window.writeClipboard(link)
    await window.runCommand('Peerfold: Open Shared Link…')
    await window.quickInput.enter(link)
    await (await window.dialog('Open the share')).click('Open')
    const row = window.view('Opened Shares').tree.row(/^garden/)
    await row.waitFor()
    garden.change()
    await row.clickMenu('Save a Copy…')
    await window.quickInput.chooseFolder(join(bob.home, 'Downloads'))
    const peer = await bob.peerProcess()
    assert.ok(peer !== undefined)
    await killExtensionHost(400)
    assert.equal(await bob.peerProcess(), peer, 'the peer process is another one')
    await eventually('the copy has begun', () => existsSync(copy))
    garden.assertVersions(copy)
    await row.waitFor()
    await eventually('the copy is finished', async () => {
      garden.assertVersions(copy)
      const differences = await compareTrees(garden.folder, copy)
      return differences.every(difference => !difference.includes('is only in'))
    })
  })

  it('while it follows: the new one shows what came in between', async () => {
    await reload() // a window that has lost its extensions three times does not start them again
    await window
      .view('Opened Shares')
      .tree.row(/^garden/)
      .expand()
    await makeTree(garden.folder, { 'before.md': 'before' })
    await window.view('Opened Shares').tree.row('before.md').waitFor()
    await makeTree(garden.folder, { 'between.md': 'between' })
    await killExtensionHost(200)
    await eventually('it is shown', async () => {
      await window
        .view('Opened Shares')
        .tree.row(/^garden/)
        .expand() // new extensions begin with a folded tree
      return (await window.view('Opened Shares').tree.texts()).some(text => text.includes('between.md'))
    })
    assert.ok(isRunning((await bob.peerProcess()) ?? 0))
  })

  /** After at most so many milliseconds; resolves when another one runs. */
  async function killExtensionHost(longest: number): Promise<void> {
    const running = bob.extensionHosts() // after a reload the one before lingers
    assert.ok(running.length > 0)
    await delay(random() * longest)
    const killed = running.filter(killIfRunning)
    assert.ok(killed.length > 0)
    // A window may take it for a lost connection, and looks for the one that is gone after 0, 5, 10, 20 and 30 seconds.
    const isAnother = (host: number) => !running.includes(host)
    await eventually('another extension host runs', () => bob.extensionHosts().some(isAnother), 60_000)
  }

  /** False: it has ended by itself. */
  function killIfRunning(host: number): boolean {
    try {
      return process.kill(host, 'SIGKILL')
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false
      throw error
    }
  }

  async function reload(): Promise<void> {
    await window.page.reload()
    await window.ready()
    await window.openContainer('Peerfold')
  }
})
