import assert from 'node:assert/strict'
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ShareId } from '../../src/common/brand'
import { LiveConflicts } from '../../src/peer/live/liveConflicts'
import { Bases } from '../../src/peer/store/bases'
import { Catalog } from '../../src/peer/store/catalog'
import { temporaryFolder } from '../support/folders'

describe('a conflict', () => {
  it('lasts while nobody can see whether its incoming file lies there, and ends when it is gone', async function () {
    if (process.platform === 'win32') this.skip() // links take a right there
    const root = temporaryFolder('conflict')
    const folder = join(root, 'live')
    mkdirSync(folder)
    // A link that leads to itself: the way to the file fails, and not for want of the file.
    const part = join(folder, 'part')
    symlinkSync(part, part)
    const catalog = await Catalog.open(join(root, 'catalog'))
    try {
      const bases = new Bases(catalog)
      const content = { content: 'empty', at: [] }
      const [path, copy] = ['/part/a', '/part/a.theirs']
      const base = { share: 'ann' as ShareId, target: 't', folder, path, copy, fork: 0 }
      await bases.put({ ...base, base: content, theirs: content })
      const conflicts = new LiveConflicts(folder, { bases, checkForDamage: () => assert.fail() })
      conflicts.laidBeside(path, copy)
      conflicts.take({ isWhole: true, put: new Map(), gone: new Set(), conflicts: [] })
      assert.equal(conflicts.list().length, 1)
      await bases.sweep()
      assert.ok(bases.get(join(folder, copy)))

      rmSync(part)
      mkdirSync(part)
      writeFileSync(join(part, 'a'), 'mine')
      await bases.sweep()
      assert.equal(bases.get(join(folder, copy)), undefined)
      assert.deepEqual(conflicts.list(), [])
    } finally {
      await catalog.close()
    }
  })
})
