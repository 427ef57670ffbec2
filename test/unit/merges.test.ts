import assert from 'node:assert/strict'
import fs, { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mock } from 'node:test'
import Corestore from 'corestore'
import type { ShareId } from '../../src/common/brand'
import { ShareDrive } from '../../src/peer/drive/shareDrive'
import { KeptFiles } from '../../src/peer/live/keptFiles'
import { Merges } from '../../src/peer/live/merges'
import { mergeConflict } from '../../src/peer/live/merging'
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

describe('a merge whose write fails', () => {
  const { renameSync } = fs
  let store: Corestore
  let catalog: Catalog
  let kept: KeptFiles
  let folder: string
  let place: string
  let merge: () => Promise<number>
  let limits = { keptBytes: 1_000, keptDays: 1 }

  beforeEach(async () => {
    const root = temporaryFolder('merge')
    folder = join(root, 'live')
    place = join(root, 'kept')
    mkdirSync(folder)
    writeFileSync(join(folder, 'a.txt'), 'mine\n')
    writeFileSync(join(folder, 'a.theirs'), 'theirs\n')
    catalog = await Catalog.open(join(root, 'catalog'))
    store = new Corestore(join(root, 'store'))
    limits = { keptBytes: 1_000, keptDays: 1 }
    kept = new KeptFiles(catalog, place, () => limits, assert.fail)
    const content = { content: 'empty', at: [] }
    const options = {
      record: {
        share: 'ann' as ShareId,
        target: 'a target',
        folder,
        path: '/a.txt',
        copy: '/a.theirs',
        fork: 0,
        base: content,
        theirs: content,
      },
      share: await ShareDrive.create(store, 'seed'),
      catalog,
      bases: new Bases(catalog),
      kept,
      signal: new AbortController().signal,
    }
    merge = () => mergeConflict(options)
  })
  afterEach(async () => {
    mock.restoreAll()
    kept.close()
    await store.close()
    await catalog.close()
  })

  /** Gives the merged file its name, or not, and says that it failed: a network disk may lose the answer. */
  const fails = (code: string, isDone: boolean) =>
    mock.method(fs, 'renameSync', (from: string, to: string) => {
      if (isDone) renameSync(from, to)
      throw Object.assign(new Error(`${code}: rename`), { code, syscall: 'rename' })
    })
  const text = () => readFileSync(join(folder, 'a.txt'), 'utf8')
  const keptTexts = () => readdirSync(place).map(name => readFileSync(join(place, name), 'utf8'))

  it('leaves the file, and keeps nothing of it, when it is as it was', async () => {
    fails('EIO', false)
    await assert.rejects(merge())
    assert.equal(text(), 'mine\n')
    assert.deepEqual(readdirSync(folder).sort(), ['a.theirs', 'a.txt'])
    assert.deepEqual([kept.list(), readdirSync(place)], [[], []])
  })

  for (const code of ['EIO', 'ENOENT'])
    it(`keeps what the file was when it was replaced all the same, and the disk said ${code}`, async () => {
      fails(code, true)
      await assert.rejects(merge())
      assert.match(text(), /<<<<<<< yours\nmine/)
      assert.deepEqual(keptTexts(), ['mine\n'])
      const [file] = kept.list()
      assert.ok(file)
      mock.restoreAll()
      assert.equal(readFileSync(await kept.restore(file.id), 'utf8'), 'mine\n')
    })

  it('is not tried when the disk of the data folder has no room for what the file was', async () => {
    mkdirSync(place)
    mock.method(fs.promises, 'open', async () => {
      throw Object.assign(new Error('ENOSPC: open'), { code: 'ENOSPC', syscall: 'open' })
    })
    await assert.rejects(merge(), { code: 'store-full' })
    assert.equal(text(), 'mine\n')
    assert.deepEqual(kept.list(), [])
  })

  it('frees room for what the file was only when it is replaced', async () => {
    limits.keptBytes = 0
    const rename = mock.method(fs, 'renameSync', (from: string, to: string) => {
      assert.deepEqual(keptTexts(), ['mine\n'])
      renameSync(from, to)
    })
    assert.equal(await merge(), 1)
    assert.equal(rename.mock.callCount(), 1)
    assert.deepEqual(keptTexts(), [])
  })
})
