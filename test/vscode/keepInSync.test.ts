import { strict as assert } from 'node:assert'
import { readdirSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as vscode from 'vscode'
import type { ShareId } from '../../src/common/brand'
import type { LiveCopyState, PeerState } from '../../src/common/model'
import { eventually } from '../support/eventually'
import { compareTrees, temporaryFolder } from '../support/folders'
import { type OtherPeer, openAndList, run, startOtherPeer, untilState, within } from './otherPeer'

describe('a folder that the editor keeps in sync', () => {
  let other: OtherPeer
  let id: ShareId
  let folder: string
  let live: string

  before(async () => {
    other = await startOtherPeer('in sync', {
      'notes.md': 'first\n',
      docs: { 'a.txt': 'a\n', 'b.txt': 'b\n' },
    })
    id = await openAndList(other.link)
    folder = join(temporaryFolder('sync'), 'made')
    live = await run<string>('peerfold.keepInSync', { id, folder, ask: false })
  })
  after(async () => {
    await vscode.commands.executeCommand('peerfold.removeOpened', { id, ask: false })
    await other.stop()
  })

  const command = (name: string) =>
    vscode.commands.executeCommand(`peerfold.${name}`, { id: live, ask: false })
  const untilLive = (holds: (copy: LiveCopyState) => boolean, what: string) =>
    untilState((state: PeerState) => state.live?.some(copy => copy.id === live && holds(copy)) === true, what)

  it('holds what is shared, and what the sharer saves is in an editor that shows it', async () => {
    await untilLive(({ status }) => status.kind === 'in-step', 'it is in sync')
    assert.deepEqual(await compareTrees(other.folder, folder), [])
    const document = await vscode.workspace.openTextDocument(join(folder, 'notes.md'))
    await vscode.window.showTextDocument(document)
    const arrived = new Promise<void>(resolve => {
      const subscription = vscode.workspace.onDidChangeTextDocument(({ document: changed }) => {
        if (changed !== document || changed.getText() !== 'second\n') return
        subscription.dispose()
        resolve()
      })
    })
    await writeFile(join(other.folder, 'notes.md'), 'second\n')
    await within(20_000, 'the save arrives in the editor', arrived)
    assert.equal(await readFile(join(folder, 'notes.md'), 'utf8'), 'second\n')
  })

  it('waits while it is paused', async () => {
    await command('pauseSync')
    await untilLive(({ status }) => status.kind === 'paused', 'it is paused')
    await writeFile(join(other.folder, 'docs', 'a.txt'), 'a later a\n')
    await command('resumeSync')
    await eventually(
      'the save arrives',
      async () => (await readFile(join(folder, 'docs', 'a.txt'), 'utf8')) === 'a later a\n',
    )
  })

  it('keeps what was changed in it, and lists theirs', async () => {
    await writeFile(join(folder, 'notes.md'), 'mine\n')
    await writeFile(join(other.folder, 'notes.md'), 'theirs\n')
    await untilLive(({ conflictCount }) => conflictCount === 1, 'a conflict is listed')
    assert.equal(await readFile(join(folder, 'notes.md'), 'utf8'), 'mine\n')
    const beside = readdirSync(folder).find(name => name.startsWith('notes.conflict-')) ?? ''
    assert.equal(await readFile(join(folder, beside), 'utf8'), 'theirs\n')
    await rm(join(folder, beside))
    await untilLive(({ conflictCount }) => conflictCount === 0, 'it is settled')
  })

  it('is refused in another one, and stops when it is told to', async () => {
    const refused = run('peerfold.keepInSync', { id, folder: join(folder, 'docs'), ask: false })
    await assert.rejects(refused, /is kept in sync already/)
    await command('stopSync')
    await untilState(state => state.live?.length === 0, 'none is in sync')
  })
})
