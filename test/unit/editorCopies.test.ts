import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ShareId } from '../../src/common/brand'
import { copyFolder } from '../../src/editor/commands/copyFolder'
import { makeFolder } from '../../src/editor/commands/makeFolder'
import { rememberCopy, savedShareOf } from '../../src/editor/savedCopies'
import { temporaryFolder } from '../support/folders'

const mine = 'y'.repeat(52) as ShareId
const other = `${'b'.repeat(51)}y` as ShareId

describe('the folder a share is saved in', () => {
  const at = (...parts: string[]) => join('/home', ...parts)
  const choose = (chosen: string, owners: Readonly<Record<string, ShareId>>) =>
    copyFolder(chosen, 'garden', mine, folder => owners[folder])

  it('is one of its own in the chosen one, and the same one again the next time', () => {
    assert.equal(choose(at(), {}), at('garden'))
    assert.equal(choose(at(), { [at('garden')]: mine }), at('garden'))
  })

  it('is the chosen one itself when that is where it was saved', () => {
    assert.equal(choose(at('garden'), { [at('garden')]: mine }), at('garden'))
  })

  it('is numbered where another share of the same name was saved', () => {
    const owners = { [at('garden')]: other }
    assert.equal(choose(at(), owners), at('garden 2'))
    assert.equal(choose(at(), { ...owners, [at('garden 2')]: other }), at('garden 3'))
    assert.equal(choose(at(), { ...owners, [at('garden 2')]: mine }), at('garden 2'))
  })

  it('is remembered beyond the window', async () => {
    const kept = new Map<string, unknown>()
    const memory = {
      keys: () => [...kept.keys()],
      get: (key: string) => kept.get(key) as undefined,
      update: async (key: string, value: unknown) => {
        kept.set(key, JSON.parse(JSON.stringify(value)))
      },
    }
    await rememberCopy(memory, '/home/garden', other)
    await rememberCopy(memory, '/home/garden', mine)
    await rememberCopy(memory, '/home/notes', other)
    assert.equal(savedShareOf(memory, '/home/garden'), mine)
    assert.equal(savedShareOf(memory, '/home/notes'), other)
    assert.equal(savedShareOf(memory, '/home'), undefined)
  })

  it('is made with all above it, or the reason why not is one for people', async () => {
    const home = temporaryFolder('copy')
    await makeFolder(join(home, 'a', 'b'))
    assert.ok(existsSync(join(home, 'a', 'b')))
    writeFileSync(join(home, 'file'), '')
    await assert.rejects(makeFolder(join(home, 'file')), { code: 'file-in-the-way' })
    await assert.rejects(makeFolder(join(home, 'file', 'below')), { code: 'file-in-the-way' })
  })
})
