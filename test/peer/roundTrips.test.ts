/** How many round trips lie between two peers that have met and the first file. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import NoiseSecretStream, { type NoiseStream } from '@hyperswarm/secret-stream'
import Corestore from 'corestore'
import type { DrivePath } from '../../src/common/brand'
import { readWhole } from '../../src/peer/drive/read'
import { ShareDrive } from '../../src/peer/drive/shareDrive'
import { PeerConduct } from '../../src/peer/network/guard/conduct'
import { PeerLink } from '../../src/peer/network/link'
import { Replication } from '../../src/peer/network/replication'
import { Publisher } from '../../src/peer/publish/version/publisher'
import { Catalog, type ShareRecord } from '../../src/peer/store/catalog'
import { makeTree, temporaryFolder } from '../support/folders'
import { LineInTrips } from '../support/lineInTrips'

const never = new AbortController().signal
const SEED = '1'.repeat(32)
const PATH = '/1.txt' as DrivePath

describe('from two peers that have met to the first file', () => {
  const stores: Corestore[] = []
  const links: PeerLink[] = []
  const conducts: PeerConduct[] = []
  let catalog: Catalog

  afterEach(async () => {
    for (const link of links.splice(0)) link.close()
    for (const conduct of conducts.splice(0)) conduct.close()
    for (const store of stores.splice(0)) await store.close()
    await catalog.close()
  })

  async function newStore(name: string): Promise<Corestore> {
    const store = new Corestore(temporaryFolder(name))
    await store.ready()
    stores.push(store)
    return store
  }

  async function published(files = 2): Promise<ShareDrive> {
    const folder = temporaryFolder('own')
    const others = Array.from({ length: files - 1 }, (_, at) => [`${at + 2}.txt`, `number ${at + 2}`])
    const source = await makeTree(temporaryFolder('source'), {
      '1.txt': 'one',
      ...Object.fromEntries(others),
    })
    catalog = await Catalog.open(join(folder, 'catalog'))
    const share = await ShareDrive.create(await newStore('theirs'), SEED)
    const record: ShareRecord = {
      seed: SEED,
      source,
      isFile: false,
      name: 'few',
      once: false,
      keep: true,
      stopped: false,
      allow: [],
      version: 0,
    }
    const publisher = new Publisher(
      share,
      catalog,
      () => record,
      async () => {},
      false,
      error => assert.fail(String(error)),
    )
    await publisher.publish({ ignore: [], dataFolder: folder }, never, () => {})
    await publisher.settle()
    return share
  }

  /** One end of the connection, which serves the logs of a share as the peer process does. */
  function meet(stream: NoiseStream, share: ShareDrive): void {
    const link = new PeerLink(stream, {
      name: () => '',
      tcp: undefined,
      ownAddress: () => null,
      streams: () => [],
    })
    links.push(link)
    const conduct = new PeerConduct(new Map(), {
      offended: (_, what) => assert.fail(what),
      onStoreError: error => assert.fail(String(error)),
    })
    conducts.push(conduct)
    const replication = new Replication(conduct)
    replication.serve(share.paths)
    share.bytesReady().then(
      bytes => replication.serve(bytes, share.paths),
      () => {}, // the store was closed before
    )
    const tokens = replication.add(link)
    replication.announces(link, share.paths.discoveryKey)
    link.open(tokens)
  }

  /** Reads the first file of a share over a line that has just been laid. → how many trips that takes, there or back, and its entry */
  async function firstFile(own: ShareDrive, line: LineInTrips) {
    const reader = await ShareDrive.open(await newStore('ours'), own.key)
    const [near, far] = line.ends.map((end, at) => {
      const stream: unknown = new NoiseSecretStream(at === 0, end)
      return stream as NoiseStream
    })
    assert.ok(near && far)
    await line.until(Promise.all([near.opened, far.opened]))
    const reading = async () => {
      while (reader.version === undefined) {
        if (reader.paths.length === 0)
          await new Promise<void>(resolve => reader.paths.once('append', () => resolve()))
        await reader.refresh()
      }
      return readWhole(reader, reader.version.index.entry(PATH) ?? assert.fail('it is not listed'), {
        timeout: 60_000,
      })
    }
    const file = reading()
    meet(far, own)
    meet(near, reader)
    const trips = await line.until(file)
    assert.equal(String(await file), 'one')
    return { trips, entry: reader.version?.index.entry(PATH) }
  }

  it('lie four round trips, the first of which is the greeting', async () => {
    const { trips } = await firstFile(await published(), new LineInTrips())
    assert.ok(trips <= 8, `${trips} trips there or back`)
  })

  it('the file comes once, however long the line is: not with the pack that it lies in as well', async () => {
    const own = await published(300)
    const sent: number[] = []
    const bytes = await own.bytesReady()
    bytes.on('upload', index => sent.push(index))
    const { entry } = await firstFile(own, new LineInTrips(350))
    const { blob, pack } = entry ?? {}
    assert.ok(blob && pack)
    assert.deepEqual(
      [blob.blockOffset, pack.block].map(block => sent.filter(one => one === block).length),
      [1, 0],
    )
  })
})
