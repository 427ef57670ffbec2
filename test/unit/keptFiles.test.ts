import assert from 'node:assert/strict'
import fs, {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { mock } from 'node:test'
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
    mock.restoreAll()
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

  it('gives no file back of which the end is lost, and says where the rest lies', async () => {
    await take(ann, 'a', 40)
    const [id] = readdirSync(place)
    assert.ok(id)
    truncateSync(join(place, id), 39)
    writeFileSync(join(folder, 'a'), 'a good one')
    const error = {
      code: 'kept-file-torn',
      message: new RegExp(`end of this file is lost.*${join(place, id)}`),
    }
    await assert.rejects(kept.restore(id), error)
    rmSync(join(folder, 'a'))
    await assert.rejects(kept.restore(id), error)
    assert.deepEqual(readdirSync(folder), [])
    assert.deepEqual(names(), ['a'])
    rmSync(join(place, id))
    await assert.rejects(kept.restore(id), { code: 'kept-file-gone' })
  })

  it('gives back all of a file that a program was still writing', async () => {
    await take(ann, 'a', 40)
    const [id] = readdirSync(place)
    assert.ok(id)
    appendFileSync(join(place, id), 'and more')
    assert.equal(readFileSync(await kept.restore(id)).length, 48)
  })

  it('says what is wrong with the folder that a file is given back to', async () => {
    await take(ann, 'a', 40)
    rmSync(folder, { recursive: true })
    await assert.rejects(kept.restore(kept.list()[0]?.id ?? ''), { code: 'target-vanished' })
    assert.deepEqual(names(), ['a'])
  })

  describe('that a disk says it could not take away', () => {
    const { unlinkSync } = fs
    const failing = (code: string, isDone: boolean) =>
      mock.method(fs, 'unlinkSync', (path: string) => {
        if (isDone || path.startsWith(place)) unlinkSync(path)
        if (!path.startsWith(place))
          throw Object.assign(new Error(`${code}: unlink`), { code, syscall: 'unlink' })
      })
    /** The kept files lie on another disk. */
    const elsewhere = () =>
      mock.method(fs, 'linkSync', () => {
        throw Object.assign(new Error('EXDEV: link'), { code: 'EXDEV', syscall: 'link' })
      })

    for (const code of ['EIO', 'ENOENT'])
      for (const [where, prepare] of [
        ['the same disk', () => {}],
        ['another disk', elsewhere],
      ] as const)
        it(`is kept on ${where} when it is gone all the same (${code})`, async () => {
          prepare()
          failing(code, true)
          await take(ann, 'a', 40)
          assert.ok(!existsSync(join(folder, 'a')))
          assert.deepEqual(names(), ['a'])
          mock.restoreAll()
          assert.equal(readFileSync(await kept.restore(kept.list()[0]?.id ?? '')).length, 40)
        })

    for (const [where, prepare] of [
      ['the same disk', () => {}],
      ['another disk', elsewhere],
    ] as const)
      it(`is not kept on ${where} when it is still there`, async () => {
        prepare()
        failing('EIO', false)
        await assert.rejects(take(ann, 'a', 40))
        assert.ok(existsSync(join(folder, 'a')))
        assert.deepEqual([names(), readdirSync(place)], [[], []])
      })
  })

  it('knows what came and went within a day', () => {
    const mark = { size: 1, mtimeMs: 0, ino: 1 }
    assert.ok(hasPassed({ ...mark, ctimeMs: Date.now() - DAY / 2 }))
    assert.ok(!hasPassed({ ...mark, ctimeMs: Date.now() - 2 * DAY }))
  })
})
