/** Files that look unchanged and are not, and files that look changed and are the same: what the logs get of them. */
import assert from 'node:assert/strict'
import { closeSync, openSync, renameSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { chmod, copyFile, link, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import Corestore from 'corestore'
import type { DrivePath } from '../../src/common/brand'
import type { DriveEntry } from '../../src/peer/drive/format/entry'
import { ShareDrive } from '../../src/peer/drive/shareDrive'
import { Publisher } from '../../src/peer/publish/version/publisher'
import type { PublishResult } from '../../src/peer/publish/version/publishResult'
import { Catalog, type PublishedFile, type ShareRecord, type Write } from '../../src/peer/store/catalog'
import { makeTree, randomBytes, setTimeOf, temporaryFolder } from '../support/folders'

const SEED = '0'.repeat(32)
const SMALL = 400
const never = new AbortController().signal
const LARGE = 9_000_000
const MEDIUM = 3_000_000

describe('a file that looks the same', () => {
  let source: string
  let store: Corestore
  let catalog: Catalog
  let share: ShareDrive
  let publisher: Publisher

  beforeEach(async () => {
    const folder = temporaryFolder('lookalikes')
    const medium = randomBytes(MEDIUM, 2)
    const sibling = medium.slice()
    sibling[MEDIUM - 1] = 255 - (sibling[MEDIUM - 1] ?? 0)
    source = await makeTree(temporaryFolder('source'), {
      small: Object.fromEntries(Array.from({ length: SMALL }, (_, n) => [`${n}.txt`, `number ${n}`])),
      'a medium.bin': medium,
      // The same length and first block, and not the same.
      'b medium.bin': sibling,
      'large.bin': randomBytes(LARGE, 1),
    })
    store = new Corestore(join(folder, 'store'))
    catalog = await Catalog.open(join(folder, 'catalog'))
    share = await ShareDrive.create(store, SEED)
    publisher = newPublisher()
    await publish()
  })
  afterEach(async () => {
    await publisher.settle()
    await share.close()
    await catalog.close()
    await store.close()
  })

  /** What a new peer process would have. */
  function newPublisher(): Publisher {
    const record: ShareRecord = {
      seed: SEED,
      source,
      isFile: false,
      name: 'lookalikes',
      once: false,
      keep: true,
      stopped: false,
      allow: [],
      version: 0,
    }
    const onIndexLost = (error: unknown) => assert.fail(String(error))
    return new Publisher(
      share,
      catalog,
      () => record,
      async () => {},
      false,
      onIndexLost,
    )
  }

  const publish = (...named: string[]) => publishNamed(named)

  /** @param afterScan called when files were looked at and are about to be read, if any is */
  async function publishNamed(named: string[], afterScan = () => {}): Promise<PublishResult> {
    const paths = new Set(named as DrivePath[])
    const options = { ignore: [], dataFolder: '/nowhere', named: paths, assertRoom: afterScan }
    const result = await publisher.publish(options, never, () => {})
    await publisher.settle()
    await share.refresh()
    return result
  }

  /** Publishes until nothing is in doubt, as a share does. */
  async function publishAll(): Promise<PublishResult> {
    for (;;) {
      const result = await publish()
      if (!result.inDoubt) return result
    }
  }

  const onDisk = (path: string) => join(source, path)
  const entry = (path: string): DriveEntry => {
    const found = share.version?.index.entry(`/${path}` as DrivePath)
    assert.ok(found !== undefined)
    return found
  }
  const contentBytes = async () => (await share.bytesReady(never)).byteLength
  const isPublishedAsIs = async (path: string) =>
    (await share.drive.get(`/${path}`))?.equals(await readFile(onDisk(path))) === true

  /** Other bytes of the same length under the same times. */
  function changeUnseen(path: string): void {
    const { size, atime, mtimeMs } = statSync(onDisk(path))
    writeFileSync(onDisk(path), randomBytes(size, size + 1))
    utimesSync(onDisk(path), atime, mtimeMs / 1000)
  }

  for (const path of ['small/7.txt', 'a medium.bin', 'large.bin']) {
    it(`is published when its time was set back after its content had changed: ${path}`, async () => {
      await setTimeOf(onDisk(path), 1_600_000_000_000)
      await publishAll()
      changeUnseen(path)
      assert.equal(statSync(onDisk(path)).mtimeMs, 1_600_000_000_000)
      assert.equal((await publish()).changed, true)
      assert.ok(await isPublishedAsIs(path))
    })
  }

  it('is published when it is another file with the same size and time', async () => {
    await setTimeOf(onDisk('small/7.txt'), 1_600_000_000_000)
    await publishAll()
    writeFileSync(onDisk('other'), 'NUMBER 7')
    await setTimeOf(onDisk('other'), 1_600_000_000_000)
    renameSync(onDisk('other'), onDisk('small/7.txt'))
    await publish()
    assert.ok(await isPublishedAsIs('small/7.txt'))
  })

  it('is published when the watcher names it, whatever its stat says', async () => {
    await publishAll()
    // As if its file system told no time of change: what is known of it is what it looks like.
    writeFileSync(onDisk('small/9.txt'), 'NUMBER 9')
    await settleRecords(['/small/9.txt'], file => ({ ...file, ...looks('small/9.txt') }))
    assert.equal((await publish()).changed, false)
    assert.equal((await publish('/small/9.txt')).changed, true)
    assert.ok(await isPublishedAsIs('small/9.txt'))
  })

  it('is published when it was changed by a name outside of the folder', async () => {
    const outside = join(temporaryFolder('outside'), 'second name')
    await link(onDisk('small/3.txt'), outside)
    const { hardLinked } = await publishAll()
    assert.deepEqual(
      hardLinked.map(({ path }) => path),
      ['/small/3.txt'],
    )
    const { atime, mtime } = statSync(outside)
    writeFileSync(outside, 'NUMBER 3')
    utimesSync(outside, atime, mtime)
    await publish()
    assert.ok(await isPublishedAsIs('small/3.txt'))
  })

  it('is no new version when it is the same: another inode, another time of change', async () => {
    await publishAll()
    const version = share.paths.length
    for (const path of ['small/1.txt', 'a medium.bin', 'large.bin']) {
      const { mtimeMs } = statSync(onDisk(path))
      await copyFile(onDisk(path), onDisk('copy'))
      utimesSync(onDisk('copy'), mtimeMs / 1000, mtimeMs / 1000)
      renameSync(onDisk('copy'), onDisk(path))
    }
    await chmod(onDisk('small/2.txt'), 0o600)
    const bytes = await contentBytes()
    const { changed } = await publishAll()
    // A time that cannot be given back to the last digit is another one, as every touch is.
    assert.ok(!changed || share.paths.length <= version + 4)
    assert.equal(await contentBytes(), bytes)
  })

  it('as an earlier version noted it is compared once, part by part, and not published again', async () => {
    await publishAll()
    const { length } = share.paths
    const bytes = await contentBytes()
    await settleRecords(undefined, ({ ctimeMs, fresh, ...file }) => file)
    assert.equal((await publishAll()).changed, false)
    assert.deepEqual([share.paths.length, await contentBytes()], [length, bytes])
    for await (const [path, file] of catalog.list('published', `${SEED}/`))
      assert.notEqual(file.ctimeMs, undefined, path)
    // And what did change meanwhile is found.
    await setTimeOf(onDisk('small/5.txt'), 1_600_000_000_000)
    await publishAll()
    await settleRecords(undefined, ({ ctimeMs, fresh, ...file }) => file)
    changeUnseen('small/5.txt')
    await publishAll()
    assert.ok(await isPublishedAsIs('small/5.txt'))
  })

  it('after a kill, when nothing but the path log is known of it, is compared and not published again', async () => {
    await publishAll()
    const { length } = share.paths
    const bytes = await contentBytes()
    await catalog.deleteAll('published', `${SEED}/`)
    await catalog.delete('indexed', SEED)
    publisher = newPublisher()
    assert.equal((await publishAll()).changed, false)
    assert.deepEqual([share.paths.length, await contentBytes()], [length, bytes])
  })

  it('but was touched, or can be executed now, is a version that says so and appends no content', async () => {
    await publishAll()
    const before = ['small/1.txt', 'a medium.bin', 'b medium.bin', 'large.bin'].map(entry)
    const bytes = await contentBytes()
    for (const { path } of before) await setTimeOf(onDisk(path), 1_500_000_000_123)
    await chmod(onDisk('small/1.txt'), 0o755)
    await chmod(onDisk('large.bin'), 0o755)
    assert.equal((await publish()).changed, true)
    const after = before.map(({ path }) => entry(path.slice(1)))
    assert.deepEqual(
      after.map(({ mtime }) => mtime),
      after.map(() => 1_500_000_000_123),
    )
    assert.deepEqual(
      after.map(({ executable }) => executable),
      [true, false, false, true],
    )
    assert.deepEqual(
      after.map(({ blob }) => blob),
      before.map(({ blob }) => blob),
    )
    assert.equal(await contentBytes(), bytes)
  })

  it('as nothing because a program has emptied it in order to write it stays as it was until then', async function () {
    if (process.platform !== 'linux') this.skip() // elsewhere it rests for a second first
    const [path, other] = ['small/7.txt', 'small/8.txt']
    const { size } = entry(path)
    const writes = openSync(onDisk(path), 'w')
    writeFileSync(onDisk(other), 'a neighbour')
    assert.deepEqual((await publish()).busy, [`/${path}`])
    assert.equal(entry(path).size, size)
    assert.equal(entry(other).size, 11, 'nothing else is held up')
    closeSync(writes)
    await publish()
    assert.equal(entry(path).size, 0, 'it is meant to be empty')

    writeFileSync(onDisk(path), 'written')
    const result = await publishNamed([], () => truncateSync(onDisk(path)))
    assert.deepEqual(result.busy, [`/${path}`], 'emptied after it was looked at')
    writeFileSync(onDisk(path), 'written again')
    await publish()
    assert.equal(entry(path).size, 13)
  })

  it('among thousands that a checkout touched appends no content', async () => {
    await publishAll()
    const entries = () =>
      [...(share.version?.index.entries() ?? [])]
        .filter(({ path }) => path.startsWith('/small/'))
        .sort((a, b) => (a.path < b.path ? -1 : 1))
    const before = entries()
    for (let n = 0; n < SMALL; n++) writeFileSync(onDisk(`small/${n}.txt`), `other ${n}!`)
    for (let n = 0; n < SMALL; n++) writeFileSync(onDisk(`small/${n}.txt`), `number ${n}`)
    await publish()
    const after = entries()
    assert.equal(after.length, SMALL)
    assert.deepEqual(
      after.map(({ blob }) => blob),
      before.map(({ blob }) => blob),
    )
    assert.notDeepEqual(
      after.map(({ mtime }) => mtime),
      before.map(({ mtime }) => mtime),
    )
  })

  const looks = (path: string): Partial<PublishedFile> => {
    const { size, mtimeMs, ctimeMs, ino } = statSync(onDisk(path))
    return { size, mtimeMs, ctimeMs, ino }
  }

  /** Changes what the catalog says of these files, or of all, for a publisher that begins anew. */
  async function settleRecords(
    paths: readonly string[] | undefined,
    change: (file: PublishedFile) => PublishedFile,
  ): Promise<void> {
    await publisher.settle()
    const writes: Write[] = []
    for await (const [path, file] of catalog.list('published', `${SEED}/`)) {
      if (paths !== undefined && !paths.includes(`/${path}`)) continue
      const { fresh, ...settled } = file
      writes.push({ table: 'published', key: `${SEED}/${path}`, value: change(settled) })
    }
    await catalog.write(writes)
    publisher = newPublisher()
  }
})
