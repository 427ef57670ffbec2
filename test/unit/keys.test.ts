/** The identity of an installation stays the same, and is never replaced because it could not be read. */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadKeyPair } from '../../src/peer/keys'
import { temporaryFolder } from '../support/folders'

describe('the keys of an installation', () => {
  it('are made once', () => {
    const file = join(temporaryFolder('keys'), 'keys.json')
    assert.deepEqual(loadKeyPair(file), loadKeyPair(file))
  })

  it('stop the start when they cannot be read', () => {
    const folder = temporaryFolder('keys')
    const unreadable = join(folder, 'unreadable')
    const torn = join(folder, 'torn')
    mkdirSync(unreadable)
    writeFileSync(torn, '{"seed":')
    assert.throws(() => loadKeyPair(unreadable), { code: 'EISDIR' })
    assert.throws(() => loadKeyPair(torn), SyntaxError)
    assert.deepEqual(readdirSync(folder).sort(), ['torn', 'unreadable'], 'nothing was put in their place')
  })
})
