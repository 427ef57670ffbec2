/** What a share holds lies on the sharer's disk once more at most, and everybody reads the same of it as ever. */
import assert from 'node:assert/strict'
import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseLink } from '../../src/common/link'
import { eventually } from '../support/eventually'
import { compareTrees, makeTree, randomBytes, temporaryFolder } from '../support/folders'
import { type LocalDht, startLocalDht } from '../support/localDht'
import { olderHypercore } from '../support/olderHypercore'
import { PeerProcess } from '../support/peerProcess'
import { listAll, StockClient } from '../support/stockClient'

/** Enough for a first version in two steps. */
const FILES = 1_200
const FILE_BYTES = 20_000
const CONTENT = FILES * FILE_BYTES

describe('the small files of a share', () => {
  let dht: LocalDht
  let stock: StockClient
  const running: PeerProcess[] = []

  before(async () => {
    dht = await startLocalDht()
    stock = await StockClient.start(dht.bootstrap, olderHypercore())
  })
  afterEach(() => Promise.all(running.splice(0).map(peer => peer.stop())))
  after(async () => {
    await stock.close()
    await dht.stop()
  })

  const start = async (storage: string, options: { grace?: number } = {}) => {
    const peer = await PeerProcess.start({ storage, bootstrap: dht.bootstrap, hold: 0, ...options })
    running.push(peer)
    return peer
  }

  const kill = async (peer: PeerProcess) => {
    running.splice(running.indexOf(peer), 1)
    await peer.kill()
  }

  const openedByOthers = (link: string) => {
    const parsed = parseLink(link)
    assert.ok(parsed.ok)
    const { key, encryptionKey = '' } = parsed.link
    return stock.open(Buffer.from(key, 'hex'), Buffer.from(encryptionKey, 'hex'))
  }

  async function assertOthersRead(link: string, source: string, every: number): Promise<void> {
    const drive = await openedByOthers(link)
    const paths = [...(await listAll(drive)).keys()].filter((_, at) => at % every === 0)
    for (const path of paths)
      assert.deepEqual(await drive.get(path), await readFile(join(source, path)), path)
    await drive.close()
  }

  it('are kept once, also for other clients, who read them before and after a kill', async () => {
    const storage = temporaryFolder('ann')
    let ann = await start(storage, { grace: 0 })
    const content = (at: number) => randomBytes(FILE_BYTES, at)
    const files = Object.fromEntries(Array.from({ length: FILES }, (_, at) => [`${at}.bin`, content(at)]))
    const source = await makeTree(temporaryFolder('source'), files)
    const { link } = await ann.share(source)
    const version = async () => (await ann.state()).shares[0]?.version ?? 0
    await eventually('all is written', async () => (await version()) > FILES)
    await assertOthersRead(link, source, 100)
    assert.ok(ann.storeBytes() < 1.3 * CONTENT, `${ann.storeBytes()} bytes in the store`)

    await kill(ann)
    ann = await start(storage)
    await assertOthersRead(link, source, 97)
    assert.ok(ann.storeBytes() < 1.3 * CONTENT, `${ann.storeBytes()} bytes in the store`)
    const bob = await start(temporaryFolder('bob'))
    const copy = temporaryFolder('copy')
    await bob.copy(await bob.open(link), copy)
    assert.deepEqual(await compareTrees(source, copy), [])
  })

  it('stay whole for others when they are packed again and what they lay in is cleared', async () => {
    const ann = await start(temporaryFolder('ann'), { grace: 0.1 })
    // One after another in path order, so that packs lose most of their files together.
    const name = (at: number) => `${String(at).padStart(4, '0')}.bin`
    const numbers = Array.from({ length: 300 }, (_, at) => at)
    const files = Object.fromEntries(numbers.map(at => [name(at), randomBytes(2 * FILE_BYTES, at)]))
    const source = await makeTree(temporaryFolder('source'), files)
    writeFileSync(join(source, 'twin.bin'), randomBytes(2 * FILE_BYTES, 0))
    const { id, link } = await ann.share(source)
    // Less than a quarter of each pack stays, so what is left is packed anew with the next listing.
    for (const at of numbers) if (at % 6 !== 0) rmSync(join(source, name(at)))
    await ann.rescan(id)
    rmSync(join(source, name(0)))
    await ann.rescan(id)
    await eventually('the others are cleared', async () => {
      const drive = await openedByOthers(link)
      await drive.get(`/${name(6)}`) // with the first block it is told which others there are
      const { core } = await drive.getBlobs()
      const isCleared = core.peers.length > 0 && core.peers.every(peer => !peer.remoteBitfield.get(1))
      await drive.close()
      return isCleared
    })
    await assertOthersRead(link, source, 1)
  })
})

describe('a share of three bytes', () => {
  it('takes little room on the disk while it is shared, though databases take theirs ahead', async () => {
    const dht = await startLocalDht()
    const storage = temporaryFolder('ann')
    const ann = await PeerProcess.start({ storage, bootstrap: dht.bootstrap })
    await ann.share(await makeTree(temporaryFolder('source'), { 'three.txt': 'abc' }))
    const room = occupied(storage)
    await ann.stop()
    await dht.stop()
    assert.ok(room < 16_000_000, `${room} bytes`)
  })
})

/** Bytes that a folder's files take on the disk, as `du` counts them. */
function occupied(folder: string): number {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const stats = names.map(name => statSync(join(folder, name), { throwIfNoEntry: false }))
  return stats.reduce((sum, found) => sum + 512 * (found?.isFile() ? (found.blocks ?? 0) : 0), 0)
}
