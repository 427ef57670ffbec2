/** What a publisher takes over from the path log after it was killed between that and its catalog. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { DrivePath } from '../../src/common/brand'
import { likeness, Published } from '../../src/peer/publish/version/published'
import { Catalog, type PublishedFile } from '../../src/peer/store/catalog'
import { temporaryFolder } from '../support/folders'

const SEED = '0'.repeat(32)
const PATH = '/run.sh' as DrivePath

describe('what was published, after a kill', () => {
  let catalog: Catalog

  before(async () => {
    catalog = await Catalog.open(join(temporaryFolder('catalog'), 'catalog'))
  })
  after(() => catalog.close())

  it('is what the path log says, also where only the executable bit or the target of a link differs', async () => {
    const before = { kind: 'file', size: 0, mtimeMs: 5, ino: 1, executable: false } as const
    const link = { kind: 'link', size: 0, mtimeMs: 5, ino: 2, executable: false, linkTarget: 'a' } as const
    const published = await Published.load(catalog, SEED)
    const linkPath = '/link' as DrivePath
    published.remember(PATH, before satisfies PublishedFile)
    published.remember(linkPath, link satisfies PublishedFile)
    await published.adopt(
      [
        { path: PATH, kind: 'file', size: 0, mtime: 5, executable: true },
        { path: linkPath, kind: 'link', size: 0, mtime: 5, executable: false, linkTarget: 'b' },
      ],
      7,
    )
    const onDisk = { path: PATH, allowed: false, ctimeMs: 5, ...before }
    assert.equal(likeness(onDisk, published.get(PATH)), 'changed', 'the log says that it is executable')
    const linkOnDisk = { ...onDisk, ...link, path: linkPath }
    assert.equal(likeness(linkOnDisk, published.get(linkPath)), 'changed')
  })

  it('is kept together with its version', async () => {
    const published = await Published.load(catalog, SEED)
    published.remember(PATH, { kind: 'file', size: 1, mtimeMs: 6, ino: 1, executable: false })
    assert.equal(await published.describes(8), false)
    await published.save([PATH], 8)
    assert.equal(await published.describes(8), true)
    assert.equal(await published.describes(9), false)
    assert.equal((await catalog.get('published', SEED + PATH))?.mtimeMs, 6)
  })
})
