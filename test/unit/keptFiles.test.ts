import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ShareId } from '../../src/common/brand'
import { probeRules } from '../../src/peer/disk/probe'
import { SafeWriter } from '../../src/peer/disk/writer'
import { hasPassed, KeptFiles } from '../../src/peer/live/keptFiles'
import { takeTheirs } from '../../src/peer/live/resolving'
import { Catalog } from '../../src/peer/store/catalog'
import { temporaryFolder } from '../support/folders'

const DAY = 24 * 3_600_000

describe('the room for kept files', () => {
  let catalog: Catalog
  let kept: KeptFiles
  let writer: SafeWriter
  let folder: string
  let place: string
  const [ann, bob] = ['ann' as ShareId, 'bob' as ShareId]

  beforeEach(async () => {
    const root = temporaryFolder('kept')
    folder = join(root, 'live')
    place = join(root, 'kept')
    mkdirSync(folder)
    catalog = await Catalog.open(join(root, 'catalog'))
    kept = new KeptFiles(
      catalog,
      place,
      () => ({ keptBytes: 100, keptDays: 30 }),
      line => assert.fail(line),
    )
    writer = SafeWriter.open(folder, probeRules(folder))
  })
  afterEach(async () => {
    kept.close()
    await writer.close()
    await catalog.close()
  })

  const take = async (share: ShareId, name: string, size: number, how: { passing?: true } = {}) => {
    writeFileSync(join(folder, name), Buffer.alloc(size))
    const mark = writer.stat([name])
    assert.ok(mark?.kind === 'file')
    assert.ok(
      await kept.take(writer, [name], mark, { share, folder, path: `/${name}`, executable: false, ...how }),
    )
  }
  const names = () => kept.list().map(({ path }) => path.slice(1))

  it('is made by the oldest first', async () => {
    for (const name of ['a', 'b', 'c']) await take(ann, name, 40)
    assert.deepEqual(names(), ['c', 'b'])
    assert.equal(readdirSync(place).length, 2)
  })

  it('is not made by what another share left', async () => {
    await take(bob, 'small', 30)
    for (let at = 0; at < 5; at++) await take(ann, `large ${at}`, 60)
    assert.deepEqual(names(), ['large 4', 'small'])
    await take(ann, 'too large', 101)
    assert.deepEqual(names(), ['small'])
  })

  it('is shared between what came and went and what was there for long', async () => {
    for (const name of ['old 1', 'old 2', 'old 3']) await take(ann, name, 24)
    for (let at = 0; at < 9; at++) await take(ann, `passing ${at}`, 10, { passing: true })
    assert.deepEqual(names(), [8, 7, 6, 5, 4].map(at => `passing ${at}`).concat('old 3', 'old 2'))
  })

  it('is shared so also after a start', async () => {
    await take(bob, 'small', 30)
    await take(ann, 'large', 60)
    const again = new KeptFiles(catalog, place, () => ({ keptBytes: 50, keptDays: 30 }), assert.fail)
    await again.load()
    again.close()
    assert.deepEqual(
      again.list().map(({ path }) => path),
      ['/small'],
    )
  })

  it('forgets nothing while its folder cannot be read', async () => {
    await take(ann, 'a', 40)
    const away = `${place} away`
    renameSync(place, away)
    writeFileSync(place, 'no folder')
    const said: string[] = []
    const start = async (log: (line: string) => void) => {
      const again = new KeptFiles(catalog, place, () => ({ keptBytes: 100, keptDays: 30 }), log)
      await again.load()
      again.close()
      return again
    }
    await start(line => said.push(line))
    rmSync(place)
    renameSync(away, place)
    const after = await start(assert.fail)
    assert.deepEqual(
      after.list().map(({ path }) => path),
      ['/a'],
    )
    assert.equal(await after.restore(after.list()[0]?.id ?? ''), join(folder, 'a'))
    assert.equal(said.length, 1)
  })

  it('gives a file back, however large, whose place the incoming one could not take', async () => {
    const [mine, theirs] = ['mine'.repeat(50), 'theirs']
    writeFileSync(join(folder, 'a'), mine)
    writeFileSync(join(folder, 'a.theirs'), theirs)
    const incoming = writer.stat(['a.theirs'])
    assert.ok(incoming?.kind === 'file')
    const copy = ['a.theirs']
    writeFileSync(join(folder, 'a.theirs'), 'a program wrote to it')
    const options = { writer, kept, share: ann, folder, place: '/a', copy, incoming }
    await assert.rejects(takeTheirs(options), { code: 'changed' })
    assert.equal(readFileSync(join(folder, 'a'), 'utf8'), mine)
    assert.deepEqual(readdirSync(folder).sort(), ['a', 'a.theirs'])
    assert.deepEqual(kept.list(), [])
  })

  it('knows what came and went within a day', () => {
    const mark = { size: 1, mtimeMs: 0, ino: 1 }
    assert.ok(hasPassed({ ...mark, ctimeMs: Date.now() - DAY / 2 }))
    assert.ok(!hasPassed({ ...mark, ctimeMs: Date.now() - 2 * DAY }))
  })
})
