import { strict as assert } from 'node:assert'
import * as vscode from 'vscode'

describe('the extension host that runs these suites', () => {
  it('is a real one, with Node and a workspace folder on disk', () => {
    assert.equal(vscode.workspace.workspaceFolders?.length, 1)
    assert.equal(vscode.workspace.workspaceFolders[0]?.uri.fsPath.startsWith('/'), true)
    assert.equal(typeof process.versions.node, 'string')
  })

  it('trusts the folder, so that everything can be tried', () => {
    assert.equal(vscode.workspace.isTrusted, true)
  })
})
