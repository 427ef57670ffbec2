/** How many round trips lie between two peers that have met and the first file. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import NoiseSecretStream, { type NoiseStream } from '@hyperswarm/secret-stream'
import c from 'compact-encoding'
import Corestore from 'corestore'
import type { DrivePath } from '../../src/common/brand'
import { readWhole } from '../../src/peer/drive/read'
import { ShareDrive } from '../../src/peer/drive/shareDrive'
import { FirstBlocks } from '../../src/peer/hypercore/firstBlocks'
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
    await share.refresh(never, publisher.version)
    return share
  }

  /** Serves the logs of a share as the peer process does. → connects it over one end of a connection */
  function machineWith(share: ShareDrive): (stream: NoiseStream) => void {
    const conduct = new PeerConduct(new Map(), {
      offended: (_, what) => assert.fail(what),
      onStoreError: error => assert.fail(String(error)),
    })
    conducts.push(conduct)
    const replication = new Replication(conduct)
    replication.serve(share.paths, undefined, () => share.firstOfPaths)
    share.bytesReady().then(
      bytes => replication.serve(bytes, share.paths, () => share.firstOfBytes),
      () => {}, // the store was closed before
    )
    return stream => {
      const link = new PeerLink(stream, {
        name: () => '',
        tcp: undefined,
        ownAddress: () => null,
        streams: () => [],
      })
      links.push(link)
      const tokens = replication.add(link)
      replication.announces(link, share.paths.discoveryKey)
      link.open(tokens)
    }
  }

  /** Lays a line, and waits for both ends to be sure of each other. */
  async function laid(line: LineInTrips): Promise<readonly [NoiseStream, NoiseStream]> {
    const [near, far] = line.ends.map((end, at) => {
      const stream: unknown = new NoiseSecretStream(at === 0, end)
      return stream as NoiseStream
    })
    assert.ok(near && far)
    await line.until(Promise.all([near.opened, far.opened]))
    return [near, far]
  }

  /** Reads the first file of a share over a line that has just been laid. → how many trips that takes, there or back, and its entry */
  async function firstFile(own: ShareDrive, line: LineInTrips) {
    const reader = await ShareDrive.open(await newStore('ours'), own.key)
    const [near, far] = await laid(line)
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
    machineWith(own)(far)
    machineWith(reader)(near)
    const trips = await line.until(file)
    assert.equal(String(await file), 'one')
    return { trips, entry: reader.version?.index.entry(PATH) }
  }

  it('lie three round trips, the first of which is the greeting', async () => {
    const { trips } = await firstFile(await published(), new LineInTrips())
    assert.ok(trips <= 6, `${trips} trips there or back`)
  })

  it('the list of many files costs none, and comes once', async () => {
    const own = await published(300)
    const sent: number[] = []
    const bytes = await own.bytesReady()
    bytes.on('upload', index => sent.push(index))
    const { trips } = await firstFile(own, new LineInTrips())
    assert.ok(trips <= 6, `${trips} trips there or back`)
    const chunks = own.version?.listing?.chunks ?? assert.fail('it has no listing')
    assert.deepEqual(
      sent.filter(block => block === chunks.blockOffset),
      [chunks.blockOffset],
    )
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

  describe('what is given first, when another peer gave it before', () => {
    /** A share, and somebody who has its path log as it is now, and somebody who has nothing of it. */
    async function three() {
      const own = await published()
      const other = await ShareDrive.open(await newStore('other'), own.key)
      const copying = own.paths.replicate(true)
      copying.pipe(other.paths.replicate(false)).pipe(copying)
      const { length } = own.paths
      await other.paths.download({ start: 0, end: length }).done()
      copying.destroy()
      const reader = await ShareDrive.open(await newStore('ours'), own.key)
      return { own, other, reader, length }
    }

    it('is no second history', async () => {
      const { own, other, reader, length } = await three()
      const [slow, fast] = [new LineInTrips(), new LineInTrips()]
      const ends = { slow: await laid(slow), fast: await laid(fast) }
      const read = machineWith(reader)
      machineWith(own)(ends.slow[1])
      machineWith(other)(ends.fast[1])
      read(ends.slow[0])
      await slow.trip()
      read(ends.fast[0])
      await fast.until(appended(reader, length))
      let isForked = false
      reader.paths.on('conflict', () => {
        isForked = true
      })
      for (let trip = 0; trip < 4; trip++) await slow.trip()
      assert.equal(isForked, false)
      await own.paths.append([Buffer.from('newer')])
      await slow.until(appended(reader, length + 1))
    })
  })

  it('what is given first and is false is asked for instead', async () => {
    const own = await published()
    let given = 0
    for (const log of [own.paths, await own.bytesReady()])
      log.on('peer-add', peer => {
        const { extension } = peer
        peer.extension = (name: string, message: Uint8Array) => {
          if (name === 'peerfold/first' && message.length > 0) {
            given++
            const middle = message.length >> 1
            message.set([(message[middle] ?? 0) ^ 1], middle)
          }
          return extension.call(peer, name, message)
        }
      })
    await firstFile(own, new LineInTrips())
    assert.ok(given > 0, 'nothing was given')
  })

  it('what comes first is taken only from who was told that nothing is here', async () => {
    const own = await published()
    for (const isTold of [false, true]) {
      const reader = await ShareDrive.open(await newStore(`told ${isTold}`), own.key)
      const [giver, taker] = [
        new FirstBlocks(own.paths, () => false),
        new FirstBlocks(reader.paths, () => isTold),
      ]
      const came = new Promise<void>(resolve => {
        reader.paths.registerExtension('after', { encoding: c.raw, onmessage: () => resolve() })
      })
      const after = own.paths.registerExtension('after', { encoding: c.raw, onmessage: () => {} })
      own.paths.once('peer-add', async peer => {
        await giver.give(peer, [0])
        peer.extension('after', Buffer.from('x'))
      })
      const copying = own.paths.replicate(true)
      copying.pipe(reader.paths.replicate(false)).pipe(copying)
      await came
      if (isTold) await appended(reader, own.paths.length)
      else assert.equal(reader.paths.length, 0)
      copying.destroy()
      for (const each of [giver, taker]) each.close()
      after.destroy()
    }
  })
})

/** Until the path log is so long. */
async function appended({ paths }: ShareDrive, length: number): Promise<void> {
  while (paths.length < length) await new Promise<void>(resolve => paths.once('append', () => resolve()))
}
