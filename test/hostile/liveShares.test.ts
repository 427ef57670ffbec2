/**
 * Folders in sync with a share that is out to harm: versions that lead files through links, lie about times, come by the
 * thousand. Nothing appears outside of the folder, nothing of the user's goes, and what is said of the folder is true.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { DrivePath, ShareId } from '../../src/common/brand'
import type { LiveCopyState } from '../../src/common/model'
import { FILES } from '../../src/peer/drive/format/about'
import { attackGroup } from '../support/attacks'
import { makeTree, temporaryFolder } from '../support/folders'
import { type HostileDrive, HostilePublisher } from '../support/hostileDrive'
import type { Person } from '../support/person'
import { withPeople } from '../support/withPeople'

attackGroup('folders in sync with hostile shares', () => {
  const people = withPeople()
  let publisher: HostilePublisher
  let bob: Person
  let drive: HostileDrive
  let id: ShareId
  let live: string
  /** Beside the folder in sync lies only what was put there. */
  let root: string
  let folder: string

  before(async () => {
    publisher = await HostilePublisher.start(people.bootstrap)
    bob = await people.start({ client: 'window' })
  })
  afterEach(() => bob.request('open.remove', { id }))
  after(() => publisher?.close())

  const begin = async (files: Record<string, string>) => {
    root = await makeTree(temporaryFolder('root'), { outside: { 'mine.txt': 'mine' } })
    folder = join(root, 'folder')
    mkdirSync(folder)
    drive = await publisher.drive()
    for (const [path, content] of Object.entries(files)) await drive.file(path, content)
    await publisher.serve(drive)
    id = await bob.open(drive.link, { keep: true })
    live = (await bob.request('live.start', { id, path: '/' as DrivePath, folder, keep: true })).live
    await inStep()
  }

  const inStep = async (): Promise<LiveCopyState> => {
    const { length } = drive.drive.core
    let found: LiveCopyState | undefined
    await bob.until(`in step with ${length}`, () => {
      found = bob.state.live?.find(each => each.id === live)
      return found?.status.kind === 'in-step' && (found.version ?? 0) >= length
    })
    assert.ok(found)
    return found
  }

  const remove = (path: string) => drive.drive.db.del(path, { keyEncoding: FILES })
  const entryOf = async (path: string): Promise<unknown> =>
    (await drive.drive.db.get(path, { keyEncoding: FILES, valueEncoding: 'json' }))?.value

  /** Gives an entry another path, as a rename does: its bytes stay the same. */
  const rename = async (from: string, to: string) => {
    const value = await entryOf(from)
    assert.ok(value, from)
    await drive.entry(to, value)
    await remove(from)
  }

  const assertNothingOutside = () => {
    assert.deepEqual(readdirSync(root).sort(), ['folder', 'outside'])
    assert.deepEqual(readdirSync(join(root, 'outside')), ['mine.txt'])
    assert.equal(readFileSync(join(root, 'outside', 'mine.txt'), 'utf8'), 'mine')
  }

  it('rename nothing through a link, be it of the share or of the user', async () => {
    const files = Object.fromEntries(
      ['a', 'b', 'c', 'd', 'e'].map(name => [`/in/${name}.txt`, name.repeat(5)]),
    )
    await begin({ ...files, '/f.txt': 'f', '/g.txt': 'g', '/h.txt': 'h' })
    symlinkSync('../outside', join(folder, 'user'))
    await drive.symlink('/share', '../outside')
    await drive.symlink('/inner', 'in')
    await rename('/in/a.txt', '/share/mine.txt')
    await rename('/in/b.txt', '/user/mine.txt')
    await rename('/in/c.txt', '/inner/new.txt')
    await rename('/in/d.txt', '/../outside/mine.txt')
    const { skippedCount } = await inStep()
    assertNothingOutside()
    assert.ok(skippedCount >= 2, `${skippedCount} are said not to be written`)
    const here = new Set(readdirSync(folder, { recursive: true }).map(String))
    assert.ok(here.has('in/e.txt') && here.has('f.txt'), 'what it still has stays')
    const kept = (await bob.request('kept.list', {})).map(({ path }) => path.slice(folder.length + 1))
    for (const name of ['a', 'b', 'd']) {
      const path = `in/${name}.txt`
      assert.ok(here.has(path) || kept.includes(path) || here.has(`share/mine.txt`), `${path} is lost`)
    }
  })

  it('follow a path that turns from folder to link and back, and never leave the folder', async () => {
    await begin({ '/d/mine.txt': 'theirs', '/d/x.txt': 'x', '/a.txt': 'a', '/b.txt': 'b', '/c.txt': 'c' })
    for (let turn = 0; turn < 3; turn++) {
      const kept = [await entryOf('/d/mine.txt'), await entryOf('/d/x.txt')] as const
      await remove('/d/mine.txt')
      await drive.symlink('/d', '../outside')
      await inStep()
      assertNothingOutside()
      await remove('/d')
      await drive.entry('/d/mine.txt', kept[0])
      await drive.entry('/d/x.txt', kept[1])
      await inStep()
      assertNothingOutside()
    }
    assert.equal(readFileSync(join(folder, 'd', 'mine.txt'), 'utf8'), 'theirs')
  })

  it('follow files whose times no calendar has, and take none of them for the user’s', async () => {
    const times = [Date.now() + 1e12, 8.64e15, 8.64e15 + 1, -1e15, 2 ** 53, 0.5, '2040', null]
    const put = async (content: string) => {
      for (const [at, mtime] of times.entries())
        await drive.file(`/${at}.txt`, `${content} ${at}`, { metadata: { mtime } })
    }
    await begin({ '/a.txt': 'a' })
    await put('first')
    await inStep()
    await put('second')
    const { conflictCount, skippedCount } = await inStep()
    assert.deepEqual([conflictCount, skippedCount], [0, 0])
    for (const at of times.keys())
      assert.equal(readFileSync(join(folder, `${at}.txt`), 'utf8'), `second ${at}`)
  })

  it('are in step a moment after a thousand versions, and the process answers meanwhile', async () => {
    await begin({ '/a.txt': 'a', '/b.txt': 'b' })
    let slowest = 0
    let isOver = false
    const asking = (async () => {
      while (!isOver) {
        const begun = performance.now()
        await bob.request('state.get', {})
        slowest = Math.max(slowest, performance.now() - begun)
      }
    })()
    for (let n = 0; n < 1_000; n++)
      await drive.file(n % 2 === 0 ? '/a.txt' : `/${n % 50}.txt`, `version ${n}`)
    await inStep()
    isOver = true
    await asking
    assert.ok(slowest < 2_000, `an answer took ${slowest.toFixed()} ms`)
    assert.equal(readFileSync(join(folder, 'a.txt'), 'utf8'), 'version 998')
    assert.equal(readFileSync(join(folder, '49.txt'), 'utf8'), 'version 999')
    assert.ok(existsSync(join(folder, 'b.txt')))
    const { versions, next } = await bob.request('versions.list', {
      id,
      path: '/a.txt' as DrivePath,
      limit: 100,
      timeout: 5_000,
    })
    assert.equal(versions.length, 100)
    assert.ok(next !== undefined)
  })
})
