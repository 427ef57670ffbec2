import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolders } from '../../src/wire/makeFolders'
import { temporaryFolder } from '../support/folders'
import { built } from '../support/projectRoot'

describe('folders that a user names', () => {
  it('are made with those above them, and left as they are when they are there', () => {
    const folder = join(temporaryFolder('folders'), 'one', 'two')
    makeFolders(folder, 0o700)
    makeFolders(folder, 0o755)
    assert.equal(statSync(join(folder, '..')).mode & 0o777, 0o700)
    assert.equal(statSync(folder).mode & 0o777, 0o700)
    writeFileSync(join(folder, 'file'), '')
    assert.throws(() => makeFolders(join(folder, 'file')), { code: 'EEXIST' })
    assert.throws(() => makeFolders(join(folder, 'file', 'inside')), { code: 'ENOTDIR' })
  })

  it('end with an error where the system takes none, and are not tried for ever', function () {
    if (process.platform !== 'linux') this.skip()
    // In a process of its own, since one that tries for ever can only be killed.
    const share = [built('cli.js'), 'share', '.', '--storage', '/proc/peerfold/data']
    const { status, stderr } = spawnSync(process.execPath, share, { timeout: 20_000, killSignal: 'SIGKILL' })
    assert.equal(status, 1)
    assert.match(String(stderr), /cannot be written/)
  })
})
