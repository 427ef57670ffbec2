import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DrivePath, ShareId } from '../../src/common/brand'
import { copyFolder } from '../../src/editor/commands/copyFolder'
import { makeFolder } from '../../src/editor/commands/makeFolder'
import { copiedShares, copiesOf, rememberTarget } from '../../src/editor/copyTargets'
import { rememberCopy, savedShareOf } from '../../src/editor/savedCopies'
import { temporaryFolder } from '../support/folders'
import { memento } from '../support/memento'

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
    const { memory } = memento()
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

describe('the copies of a share', () => {
  const all = '/' as DrivePath
  const docs = '/docs' as DrivePath

  it('are known with what was saved and where, the one saved last first', async () => {
    const { memory } = memento()
    await rememberTarget(memory, { id: mine, path: all, folder: '/home/garden' })
    await rememberTarget(memory, { id: mine, path: docs, folder: '/home', name: 'docs' })
    await rememberTarget(memory, { id: other, path: all, folder: '/home/notes' })
    await rememberTarget(memory, { id: mine, path: all, folder: '/home/garden' })
    assert.deepEqual(copiesOf(memory, mine), [
      { id: mine, path: all, folder: '/home/garden' },
      { id: mine, path: docs, folder: '/home', name: 'docs' },
    ])
    assert.deepEqual([...copiedShares(memory)].sort(), [mine, other].sort())
  })

  it('include those that an earlier version remembered, once', async () => {
    const { memory } = memento()
    await rememberCopy(memory, '/home/garden', mine)
    await rememberCopy(memory, '/home/garden 2', mine)
    await rememberTarget(memory, { id: mine, path: all, folder: '/home/garden' })
    assert.deepEqual(
      copiesOf(memory, mine).map(({ folder }) => folder),
      ['/home/garden', '/home/garden 2'],
    )
    assert.deepEqual([...copiedShares(memory)], [mine])
  })

  it('are none where what is remembered is malformed', () => {
    const { memory, kept } = memento()
    const whole = { id: mine, path: '/', folder: '/home' }
    for (const damaged of [{ ...whole, id: 'short' }, { ...whole, path: 'docs' }, { id: mine }, null, 7]) {
      kept.set('peerfold.copyTargets', [damaged])
      assert.deepEqual(copiesOf(memory, mine), [])
    }
    kept.set('peerfold.copyTargets', 'text')
    assert.deepEqual(copiesOf(memory, mine), [])
  })
})
