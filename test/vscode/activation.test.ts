import { strict as assert } from 'node:assert'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import * as vscode from 'vscode'
import { Commands, SETTINGS } from '../../src/editor/contributions'
import { extension, extensionPath, storageUnderTest } from './otherPeer'

describe('activation', () => {
  it('is measured and printed, and never keeps a window waiting, however busy the machine', async () => {
    const { activatedIn } = await extension().activate()
    const program = join(extensionPath(), 'dist', 'extension.js')
    delete require.cache[program]
    const startedAt = performance.now()
    require(program)
    const loadedIn = performance.now() - startedAt
    console.log(`activate(): ${activatedIn.toFixed(1)} ms, loading its code: ${loadedIn.toFixed(1)} ms`)
    assert.ok(activatedIn < 1_000, `${activatedIn} ms`)
  })

  it('starts no peer process before one is needed', () => {
    assert.equal(existsSync(join(storageUnderTest(), 'endpoint.json')), false)
  })

  it('registers every command that package.json contributes', async () => {
    const registered = await vscode.commands.getCommands(true)
    for (const command of Object.values(Commands)) assert.ok(registered.includes(command), command)
  })

  it('has its settings, none of which the workspace can set', () => {
    const configuration = vscode.workspace.getConfiguration('peerfold')
    for (const [name, value] of Object.entries(SETTINGS)) {
      assert.deepEqual(configuration.inspect(name)?.defaultValue, value)
      assert.equal(configuration.inspect(name)?.workspaceValue, undefined)
    }
  })

  it('serves its scheme read-only', () => {
    assert.equal(vscode.workspace.fs.isWritableFileSystem('peerfold'), false)
  })
})
