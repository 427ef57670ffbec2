/** The store waits for its disk, and believes it when it fails. */
import assert from 'node:assert/strict'
import fs, { existsSync, fstatSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mock } from 'node:test'
import Corestore from 'corestore'
import { ShareDrive } from '../../src/peer/drive/shareDrive'
import { Publisher } from '../../src/peer/publish/version/publisher'
import { Catalog, type ShareRecord } from '../../src/peer/store/catalog'
import { StoreSync } from '../../src/peer/store/sync'
import { takeOver } from '../../src/peer/store/takeOver'
import { dataFolderPaths } from '../../src/wire/dataFolder'
import { makeTree, temporaryFolder } from '../support/folders'

const SEED = '0'.repeat(32)
const never = new AbortController().signal
const { fsync, fsyncSync } = fs

type Kind = 'file' | 'folder'
const kindOf = (fd: number): Kind => (fstatSync(fd).isDirectory() ? 'folder' : 'file')
const failure = (code: string) => Object.assign(new Error(`${code}: fsync`), { code, syscall: 'fsync' })

describe('a store whose disk fails', () => {
  let root: string
  let store: Corestore
  let catalog: Catalog
  let share: ShareDrive
  let sync: StoreSync
  let tables = 0

  beforeEach(async () => {
    root = temporaryFolder('sync')
    store = new Corestore(join(root, 'store'))
    catalog = await Catalog.open(join(root, 'catalog'))
    share = await ShareDrive.create(store, SEED)
    tables = 0
    sync = new StoreSync(join(root, 'store', 'db'), '/data', async () => {
      tables++
      await store.storage.db.flush()
    })
  })
  afterEach(async () => {
    mock.restoreAll()
    await store.close()
    await catalog.close()
  })

  /** Lets the disk refuse to sync. → what was synced, in order */
  const refuse = (of: Kind, code: string): Kind[] => {
    const synced: Kind[] = []
    mock.method(fs, 'fsync', (fd: number, done: (error: Error | null) => void) => {
      synced.push(kindOf(fd))
      if (kindOf(fd) === of) done(failure(code))
      else fsync(fd, done)
    })
    return synced
  }
  const withSuffix = (suffix: string) =>
    readdirSync(join(root, 'store', 'db')).filter(name => name.endsWith(suffix))

  for (const [of, code, told] of [
    ['file', 'EIO', 'store-failing'],
    ['file', 'ENOSPC', 'store-full'],
    ['file', 'EDQUOT', 'store-quota'],
    ['folder', 'EIO', 'store-failing'],
  ] as const)
    it(`says so when it cannot sync a ${of} (${code}), and then writes to tables what it may have lost`, async () => {
      await share.paths.append(Buffer.from('a block'))
      refuse(of, code)
      await assert.rejects(sync.sync(), { code: told, message: /“\/data”/ })
      const [journals, before] = [withSuffix('.log'), withSuffix('.sst').length]
      mock.restoreAll()
      await sync.sync()
      assert.ok(withSuffix('.sst').length > before)
      assert.notDeepEqual(withSuffix('.log'), journals)
      await sync.sync()
      assert.equal(tables, 1)
    })

  it('says so to everybody who waits for it', async () => {
    let calls = 0
    mock.method(fs, 'fsync', (fd: number, done: (error: Error | null) => void) => {
      if (kindOf(fd) === 'folder' || calls++ > 0) setTimeout(() => fsync(fd, done), 20)
      else done(failure('EIO'))
    })
    const both = await Promise.allSettled([sync.sync(), sync.sync()])
    assert.deepEqual(
      both.map(({ status }) => status),
      ['rejected', 'rejected'],
    )
  })

  for (const of of ['file', 'folder'] as const)
    for (const code of ['EINVAL', 'ENOTSUP', 'ENOSYS'])
      it(`is content with a file system that cannot sync a ${of} (${code})`, async () => {
        const synced = refuse(of, code)
        await sync.sync()
        await sync.sync()
        assert.deepEqual([synced.filter(kind => kind === 'folder').length, tables], [1, 0])
      })

  it('does not take a folder that cannot be read for one without journals', async () => {
    writeFileSync(join(root, 'no folder'), '')
    const unreadable = new StoreSync(join(root, 'no folder'), '/data', async () => {})
    await assert.rejects(unreadable.sync(), { code: 'store-failing' })
    const missing = new StoreSync(join(root, 'nothing there'), '/data', async () => {})
    await missing.sync()
  })

  it('publishes nothing more before the disk has taken what was published', async () => {
    const source = await makeTree(temporaryFolder('source'), { 'a.txt': 'a' })
    const record: ShareRecord = {
      seed: SEED,
      source,
      isFile: false,
      name: 'sync',
      once: false,
      keep: true,
      stopped: false,
      allow: [],
      version: 0,
    }
    const fails = (error: unknown) => assert.fail(String(error))
    const publisher = new Publisher(
      share,
      catalog,
      () => record,
      () => sync.sync(),
      false,
      fails,
    )
    const publish = () =>
      publisher.publish({ ignore: [], dataFolder: root }, never, () => {}).finally(() => publisher.settle())
    refuse('file', 'EIO')
    await assert.rejects(publish(), { code: 'store-failing' })
    const { length } = share.paths
    const flush = mock.method(store.storage.db, 'flush', async () => {
      throw new Error('the disk fails still')
    })
    await assert.rejects(publish(), /fails still/)
    assert.equal(flush.mock.callCount(), 1)
    mock.restoreAll()
    assert.equal((await publish()).changed, false)
    assert.deepEqual([share.paths.length, tables], [length, 2])
  })
})

describe('a data folder on a file system that cannot sync folders', () => {
  afterEach(() => mock.restoreAll())

  const folderSays = (code: string) =>
    mock.method(fs, 'fsyncSync', (fd: number) => {
      if (kindOf(fd) === 'folder') throw failure(code)
      fsyncSync(fd)
    })

  it('is made as on any other, and not where the disk fails', function () {
    if (process.platform === 'win32') this.skip() // it has no such call
    for (const [code, isMade] of [
      ['EINVAL', true],
      ['EIO', false],
    ] as const) {
      const root = temporaryFolder('data')
      folderSays(code)
      const make = () => takeOver(dataFolderPaths(root))
      if (isMade) make()
      else assert.throws(make, { code })
      assert.equal(existsSync(dataFolderPaths(root).format), isMade)
      mock.restoreAll()
    }
  })
})
