import { strict as assert } from 'node:assert'
import { join } from 'node:path'
import * as vscode from 'vscode'
import { waitForEnd } from '../../src/client/ended'
import type { ShareId } from '../../src/common/brand'
import { readEndpoint } from '../../src/wire/endpoint'
import { eventually } from '../support/eventually'
import { makeTree, temporaryFolder } from '../support/folders'
import { codeOfFailure, run, storageUnderTest, untilState } from './otherPeer'

const { fs } = vscode.workspace
const END_LIMIT = 20_000

describe('the peer process of a window', () => {
  let id: ShareId
  const file = () => vscode.Uri.from({ scheme: 'peerfold', authority: id, path: '/a.txt' })
  const read = async () => Buffer.from(await fs.readFile(file())).toString()
  const pidNow = async () => {
    const endpoint = await readEndpoint(storageUnderTest())
    assert.ok(endpoint, 'no peer process runs')
    return endpoint.pid
  }

  before(async () => {
    const source = await makeTree(join(temporaryFolder('mine'), 'own'), { 'a.txt': 'here\n' })
    ;({ id } = await run<{ id: ShareId }>('peerfold.shareFolder', { source, ask: false }))
  })

  after(async () => {
    await vscode.commands.executeCommand('peerfold.removeShare', { id, ask: false })
  })

  it('is asked again after a crash: a file that is opened just then opens', async () => {
    await fs.stat(file())
    const pid = await pidNow()
    process.kill(pid, 'SIGKILL')
    const reading = read()
    assert.equal(await reading, 'here\n')
    // It takes clients in a moment before it says where it is.
    await eventually('another one runs', async () => (await pidNow()) !== pid)
  })

  it('stays ended when it was stopped, whatever looks into a share, and comes back when it is asked for', async () => {
    const pid = await pidNow()
    await vscode.commands.executeCommand('peerfold.stopPeerProcess', { ask: false })
    assert.equal(await codeOfFailure(fs.readFile(file())), 'Unavailable')
    assert.ok(await waitForEnd(pid, END_LIMIT))
    assert.equal(await codeOfFailure(fs.readFile(file())), 'Unavailable')
    assert.equal(await readEndpoint(storageUnderTest()), undefined)
    await vscode.commands.executeCommand('peerfold.retry')
    await untilState(({ shares }) => shares.some(share => share.id === id), 'the share is back')
    assert.equal(await read(), 'here\n')
  })
})
