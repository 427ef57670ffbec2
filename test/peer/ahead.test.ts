/** What is in the logs of a first version while its listing is ahead of its paths, and whatever goes wrong then. */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import Corestore from 'corestore'
import type { DrivePath } from '../../src/common/brand'
import { ShareDrive } from '../../src/peer/drive/shareDrive'
import { clearBlocks } from '../../src/peer/hypercore/clearBlocks'
import { Publisher } from '../../src/peer/publish/version/publisher'
import { Catalog, type ShareRecord } from '../../src/peer/store/catalog'
import { eventually } from '../support/eventually'
import { makeTree, randomBytes, temporaryFolder } from '../support/folders'
import { listAll } from '../support/stockClient'

const SEED = '0'.repeat(32)
const FILES = 1_200
/** The header of the path log, and one block that names the listing. */
const AHEAD = 2
const FINISHED = AHEAD + FILES + 1
const never = new AbortController().signal

describe('a share that is ahead of its paths', () => {
  let source: string
  let store: Corestore
  let catalog: Catalog
  let share: ShareDrive
  let folder: string

  beforeEach(async () => {
    folder = temporaryFolder('ahead')
    source = await makeTree(temporaryFolder('source'), {
      many: Object.fromEntries(Array.from({ length: FILES }, (_, n) => [`${n}.txt`, `file number ${n}`])),
    })
    store = new Corestore(join(folder, 'store'))
    catalog = await Catalog.open(join(folder, 'catalog'))
    share = await ShareDrive.create(store, SEED)
    await publish(publisher())
    await share.refresh()
    assert.equal(share.paths.length, AHEAD)
    assert.equal(share.version?.isListingFirst, true)
  })
  afterEach(async () => {
    await share.close()
    await catalog.close()
    await store.close()
  })

  /** What a new peer process would have. */
  function publisher(lost: (error: unknown) => void = error => assert.fail(String(error))): Publisher {
    const record: ShareRecord = {
      seed: SEED,
      source,
      isFile: false,
      name: 'ahead',
      once: false,
      keep: true,
      stopped: false,
      allow: [],
      version: 0,
    }
    return new Publisher(
      share,
      catalog,
      () => record,
      async () => {},
      false,
      lost,
    )
  }

  async function publish(by: Publisher, signal = never): Promise<void> {
    try {
      await by.publish({ ignore: [], dataFolder: folder }, signal, () => {})
    } finally {
      await by.settle()
    }
  }

  const pathOf = (n: number) => `/many/${n}.txt` as DrivePath
  const onDisk = (n: number) => join(source, 'many', `${n}.txt`)

  async function assertPublished(files: number, ...some: number[]): Promise<void> {
    assert.equal((await listAll(share.drive)).size, files)
    for (const n of some) assert.deepEqual(await share.drive.get(pathOf(n)), await readFile(onDisk(n)))
  }

  async function losePackOf(n: number): Promise<void> {
    const block = share.version?.index.entry(pathOf(n))?.pack?.block
    assert.ok(block !== undefined)
    await clearBlocks(await share.bytesReady(), [{ start: block, end: block + 1 }], never, () => true)
  }

  it('has its paths soon, and whoever had the listing reads none of them', async () => {
    const index = share.version?.index
    const by = publisher()
    await by.finish(never)
    await by.settle()
    const reads: number[] = []
    const get = share.paths.get.bind(share.paths)
    share.paths.get = (block, options) => {
      reads.push(block)
      return get(block, options)
    }
    assert.deepEqual(await share.refresh(), { version: FINISHED, paths: [] })
    assert.deepEqual(reads, [FINISHED - 1])
    assert.equal(share.version?.index, index)
    await assertPublished(FILES, 0, 700, FILES - 1)
  })

  it('publishes a change that was cut off after the paths were written again', async () => {
    writeFileSync(onDisk(0), 'changed')
    const large = Array.from({ length: 6 }, (_, n) => join(source, `large ${n}.bin`))
    for (const [n, path] of large.entries()) writeFileSync(path, randomBytes(12_000_000, n))
    const cut = new AbortController()
    const publishing = publish(publisher(), cut.signal)
    const arePathsThere = async () => (await catalog.get('indexed', SEED)) === FINISHED
    await eventually('the paths are there', arePathsThere, 20_000, 2)
    cut.abort()
    await assert.rejects(publishing, { code: 'cancelled' })
    assert.equal(share.paths.length, FINISHED)
    for (const path of large) rmSync(path)

    await publish(publisher())
    await assertPublished(FILES, 0, 1)
    assert.equal(String(await share.drive.get(pathOf(0))), 'changed')
  })

  it('knows of every file what it published, also when that could not be noted once', async () => {
    const lost: unknown[] = []
    const by = publisher(error => lost.push(error))
    const scan = { ignore: [], dataFolder: folder }
    for (let n = 0; n < 1_100; n++) writeFileSync(onDisk(n), `changed file number ${n}`)
    await by.publish(scan, never, () => {})
    const { writeSlowly } = catalog
    catalog.writeSlowly = async () => {
      catalog.writeSlowly = writeSlowly
      throw new Error('the disk is full')
    }
    rmSync(onDisk(FILES - 1))
    await by.publish(scan, never, () => {})
    await by.settle()
    assert.equal(lost.length, 1)

    const { changed } = await publisher().publish(scan, never, () => {})
    assert.equal(changed, false)
    await assertPublished(FILES - 1, 0, 1_099, FILES - 2)
  })

  it('is never taken for empty by a reader who did not get the listing', async () => {
    const readers = new Corestore(join(folder, 'reader'))
    const reader = await ShareDrive.open(readers, share.key)
    const [here, there] = [share.paths.replicate(true), reader.paths.replicate(false)]
    here.pipe(there).pipe(here)
    await reader.paths.update({ wait: true })
    await reader.drive.getBlobs()
    const refreshing = reader.refresh()
    await eventually('the path log is there', () => reader.paths.contiguousLength === AHEAD)
    here.destroy()
    there.destroy()
    await assert.rejects(refreshing)
    assert.equal(reader.version, undefined)
    await reader.close()
    await readers.close()
  })

  it('is published anew when a pack was lost, without what was removed meanwhile', async () => {
    await losePackOf(5)
    rmSync(onDisk(5))
    await publish(publisher())
    await assertPublished(FILES - 1, 4, 6)
    await share.refresh()
    assert.equal(share.version?.index.entry(pathOf(5)), undefined)
    assert.equal(share.version?.index.files, FILES - 1)
    assert.equal(share.version?.isListingFirst, false)
  })

  it('keeps on being ahead, and says why, when a pack was lost and nothing changes', async () => {
    await losePackOf(5)
    await assert.rejects(publisher().finish(never), /lost/)
    assert.equal(share.paths.length, AHEAD)
  })
})
