import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ShareId } from '../../src/common/brand'
import { KeptFiles } from '../../src/peer/live/keptFiles'
import { Merges } from '../../src/peer/live/merges'
import { Bases } from '../../src/peer/store/bases'
import { type BaseRecord, Catalog } from '../../src/peer/store/catalog'
import { eventually } from '../support/eventually'
import { temporaryFolder } from '../support/folders'

describe('the look at merges', () => {
  it('reaches each of them, also after one whose file cannot be read', async function () {
    if (process.platform !== 'linux') this.skip() // only there is such a file at hand for every user
    const folder = temporaryFolder('merges')
    const catalog = await Catalog.open(join(folder, 'catalog'))
    const bases = new Bases(catalog)
    const content = { content: 'empty', at: [] }
    const merge = (where: string, path: string): BaseRecord => ({
      share: 'ann' as ShareId,
      target: 'a target',
      folder: where,
      path,
      copy: `${path}.theirs`,
      fork: 0,
      base: content,
      theirs: content,
      merged: content,
    })
    await bases.put(merge('/proc/self', '/mem'))
    await bases.put(merge(folder, '/solved.txt'))
    writeFileSync(join(folder, 'solved.txt'), 'no markers')
    const said: string[] = []
    const log = (line: string) => said.push(line)
    const reached: string[] = []
    const merges = new Merges(
      {
        context: { bases, catalog, log, closing: new AbortController().signal },
        shares: { has: () => true, get: () => assert.fail('no share is needed') },
        kept: new KeptFiles(catalog, folder, () => ({ keptBytes: 0, keptDays: 1 }), assert.fail),
        inTurn: async ({ path }) => {
          reached.push(path)
          throw new Error('enough')
        },
        onChange: assert.fail,
      },
      20,
    )
    try {
      await eventually('both were looked at again and again', () => reached.length > 2)
      assert.equal(said.filter(line => /EIO/.test(line)).length, 1)
    } finally {
      merges.close()
      await catalog.close()
    }
  })
})
