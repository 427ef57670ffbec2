/** Versions of one share that are read beside each other, by who publishes it and by who opened it. */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Corestore from 'corestore'
import type Hypercore from 'hypercore'
import type { DrivePath } from '../../src/common/brand'
import { statAt } from '../../src/peer/drive/follow'
import { listFolder } from '../../src/peer/drive/listFolder'
import { readWhole } from '../../src/peer/drive/read'
import { ShareDrive } from '../../src/peer/drive/shareDrive'
import type { Version } from '../../src/peer/drive/version'
import { Publisher } from '../../src/peer/publish/version/publisher'
import { Catalog, type ShareRecord } from '../../src/peer/store/catalog'
import { makeTree, temporaryFolder } from '../support/folders'

const never = new AbortController().signal
const READ = { timeout: 5_000 }

describe('versions of a share', () => {
  let source: string
  let store: Corestore
  let catalog: Catalog
  let share: ShareDrive
  let publisher: Publisher
  let dataFolder: string

  beforeEach(async () => {
    dataFolder = temporaryFolder('beside')
    source = await makeTree(temporaryFolder('source'), {})
    store = new Corestore(join(dataFolder, 'store'))
    catalog = await Catalog.open(join(dataFolder, 'catalog'))
    share = await ShareDrive.create(store, '0'.repeat(32))
    const record: ShareRecord = {
      seed: '0'.repeat(32),
      source,
      isFile: false,
      name: 'beside',
      once: false,
      keep: true,
      stopped: false,
      allow: [],
      version: 0,
    }
    const lost = (error: unknown) => assert.fail(String(error))
    publisher = new Publisher(
      share,
      catalog,
      () => record,
      async () => {},
      false,
      lost,
    )
  })
  afterEach(async () => {
    await publisher.settle()
    await share.close()
    await catalog.close()
    await store.close()
  })

  /** → the version that was made */
  async function publish(): Promise<Version> {
    await publisher.publish({ ignore: [], dataFolder }, never, () => {})
    const { version } = publisher
    assert.ok(version)
    await share.refresh(never, version)
    return version
  }

  const write = (name: string, text: string) => writeFileSync(join(source, name), text)
  const text = async (of: ShareDrive, { index }: Version, path: string) => {
    const entry = index.entry(path as DrivePath)
    return entry === undefined ? undefined : String(await readWhole(of, entry, READ))
  }
  const names = ({ index }: Version) => listFolder(index, { path: '/' as DrivePath }).map(({ name }) => name)

  /** The same share, opened by somebody who is connected. */
  async function reading(work: (reader: ShareDrive) => Promise<void>): Promise<void> {
    const other = new Corestore(temporaryFolder('reader'))
    const reader = await ShareDrive.open(other, share.key)
    const streams = connected(reader.paths, share.paths)
    await reader.paths.update({ wait: true })
    streams.push(...connected(await reader.bytesReady(), await share.bytesReady()))
    await reader.refresh()
    await work(reader)
    for (const stream of streams) stream.destroy()
    await reader.close()
    await other.close()
  }

  it('are read beside each other, each with its own files and their content', async () => {
    for (let n = 0; n < 400; n++) write(`${n}.txt`, `file number ${n}`)
    const first = await publish()
    write('7.txt', 'another seven')
    write('new.txt', 'not there before')
    rmSync(join(source, '8.txt'))
    const second = await publish()
    write('7.txt', 'a third seven')
    const third = await publish()

    const areBeside = async (who: ShareDrive) => {
      assert.equal(who.version?.length, third.length)
      const [one, two] = [await who.versionAt(first.length), await who.versionAt(second.length)]
      const sevens = [one, two, who.version].map(version => text(who, version, '/7.txt'))
      assert.deepEqual(await Promise.all(sevens), ['file number 7', 'another seven', 'a third seven'])
      const eights = [one, two].map(version => text(who, version, '/8.txt'))
      assert.deepEqual(await Promise.all(eights), ['file number 8', undefined])
      assert.deepEqual(
        [one, two].map(version => names(version).includes('new.txt')),
        [false, true],
      )
      assert.equal(statAt(one.index, '/new.txt' as DrivePath).kind, 'nowhere')
      assert.deepEqual([one.index.files, two.index.files], [400, 400])
      assert.equal(who.version?.length, third.length, 'the newest stays what it is')
    }
    await areBeside(share)
    await reading(areBeside)
  })

  it('are what a reader makes of the logs, without being read back by who appended them', async () => {
    const texts = ['one', 'two', 'three', 'one', 'four', 'five']
    for (const [at, what] of texts.entries()) {
      for (let n = 0; n < 20; n++) write(`${(7 * at + n) % 60}.txt`, `${what} ${n}`)
      rmSync(join(source, `${(7 * at) % 60}.txt`))
      if (at === 3) for (let n = 0; n < 400; n++) write(`many ${n}.txt`, `one of many ${n}`)
      const { get } = share.paths
      const reads: number[] = []
      const { version } = await publisher
        .publish({ ignore: [], dataFolder }, never, () => {})
        .then(() => publisher)
      share.paths.get = (block, options) => {
        reads.push(block)
        return get.call(share.paths, block, options)
      }
      await share.refresh(never, version)
      share.paths.get = get
      assert.deepEqual(reads, [])
      assert.equal(share.version, version)
      await reading(async reader => assert.deepEqual(toldBy(share.version), toldBy(reader.version)))
    }
  })

  it('are not there for lengths that the path log does not have', async () => {
    write('a.txt', 'a')
    const { length } = await publish()
    for (const none of [0, length + 1]) await assert.rejects(share.versionAt(none), { code: 'not-listed' })
    assert.equal(await share.versionAt(length), share.version)
  })
})

function connected(here: Hypercore, there: Hypercore): { destroy(): unknown }[] {
  const [a, b] = [here.replicate(true), there.replicate(false)]
  a.pipe(b).pipe(a)
  return [a, b]
}

/** All that a version says, but where its small files lie a second time: the path log does not tell that. */
function toldBy(version: Version | undefined) {
  assert.ok(version)
  const { index, ...about } = version
  const entries = [...index.entries()].map(({ pack: _, ...entry }) => entry)
  return { ...about, entries: entries.sort((a, b) => (a.path < b.path ? -1 : 1)) }
}
