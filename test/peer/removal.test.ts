/** Removing a share, one's own or somebody else's, gives its place on the disk back. */
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { Catalog } from '../../src/peer/store/catalog'
import { dataFolderPaths } from '../../src/wire/dataFolder'
import { eventually } from '../support/eventually'
import { makeTree, randomBytes, type Tree, temporaryFolder } from '../support/folders'
import { PeerProcess } from '../support/peerProcess'
import { withPeople } from '../support/withPeople'

const CONTENT = 24_000_000
/** Larger files are not in the store of who shares them. */
const FILE = 1_000_000

/** Files of so many bytes together. */
function files(bytes: number, seed = 0): Tree {
  const numbers = Array.from({ length: bytes / FILE }, (_, at) => at)
  return Object.fromEntries(numbers.map(at => [`${at}.bin`, randomBytes(FILE, 1_000 * seed + at)]))
}

describe('what is removed', () => {
  const people = withPeople()
  let ann: PeerProcess
  let bob: PeerProcess

  before(async () => {
    ;[ann, bob] = await Promise.all([people.process(), people.process()])
  })

  it('takes no room any more, on neither side', async () => {
    const source = await makeTree(temporaryFolder('source'), files(CONTENT))
    const empty = ann.storeBytes()
    const { id, link } = await ann.share(source)
    const opened = await bob.open(link)
    await bob.copy(opened, temporaryFolder('copy'))
    for (const peer of [ann, bob]) assert.ok(peer.storeBytes() > CONTENT)

    await bob.request('open.remove', { id: opened })
    await ann.request('share.remove', { id })
    for (const peer of [ann, bob])
      await eventually('the store is small again', () => peer.storeBytes() < empty + CONTENT / 4)
  })

  it('takes none either when the process is killed while it is removed', async () => {
    const storage = temporaryFolder('killed')
    const options = { storage, bootstrap: people.bootstrap }
    let peer = await PeerProcess.start(options)
    const empty = peer.storeBytes()
    for (const pause of [4, 12, 25, 50]) {
      const source = await makeTree(temporaryFolder('source'), files(CONTENT / 3, pause))
      const { id } = await peer.share(source)
      const removing = peer.request('share.remove', { id }).catch(() => {}) // killed before it was done
      await delay(pause)
      await peer.kill()
      await removing
      peer = await PeerProcess.start(options)
      for (const share of (await peer.state()).shares) await peer.request('share.remove', { id: share.id })
    }
    // Of what was removed in four rounds, the last is not worth being given back.
    await eventually('the store is small again', () => peer.storeBytes() < empty + CONTENT / 2)
    await peer.stop()
  })

  it('is removed by the next process when the one before only began to', async () => {
    const storage = temporaryFolder('begun')
    const options = { storage, bootstrap: people.bootstrap }
    let peer = await PeerProcess.start(options)
    const empty = peer.storeBytes()
    await peer.share(await makeTree(temporaryFolder('source'), files(CONTENT)))
    await peer.stop()
    await withCatalog(storage, async catalog => {
      for await (const [seed, record] of catalog.list('share'))
        await catalog.put('share', seed, { ...record, removed: true })
    })
    peer = await PeerProcess.start(options)
    assert.deepEqual((await peer.state()).shares, [])
    await eventually('the store is small again', () => peer.storeBytes() < empty + CONTENT / 4)
    await peer.stop()
    await withCatalog(storage, async catalog => {
      for await (const [seed] of catalog.list('share')) assert.fail(`there is still a record: ${seed}`)
    })
  })
})

async function withCatalog(storage: string, use: (catalog: Catalog) => Promise<void>): Promise<void> {
  const catalog = await Catalog.open(dataFolderPaths(storage).catalog)
  await use(catalog)
  await catalog.close()
}
