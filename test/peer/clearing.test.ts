/** What a share's newest version does not need any more leaves the disk, on both sides, and nothing else does. */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ShareId } from '../../src/common/brand'
import { eventually } from '../support/eventually'
import { makeTree, randomBytes, temporaryFolder } from '../support/folders'
import { type LocalDht, startLocalDht } from '../support/localDht'
import { PeerProcess } from '../support/peerProcess'

const LARGE = 20_000_000
const MEGABYTE = 1_000_000

describe('what is superseded', () => {
  let dht: LocalDht
  const peers: PeerProcess[] = []

  const start = async (name: string, grace = 1) => {
    const peer = await PeerProcess.start({
      storage: temporaryFolder(name),
      bootstrap: dht.bootstrap,
      grace,
    })
    peers.push(peer)
    return peer
  }

  before(async () => {
    dht = await startLocalDht()
  })
  afterEach(async () => {
    await Promise.all(peers.splice(0).map(peer => peer.stop()))
  })
  after(() => dht?.stop())

  it('does not pile up, neither with a publisher whose file changes ten times nor with its follower', async () => {
    const ann = await start('ann')
    const bob = await start('bob')
    const source = await makeTree(temporaryFolder('source'), { 'large.bin': randomBytes(LARGE, 0) })
    const { id, link } = await ann.share(source)
    const opened = await bob.open(link, true)
    const copy = temporaryFolder('copy')
    for (let change = 1; change <= 10; change++) {
      writeFileSync(join(source, 'large.bin'), randomBytes(LARGE, change))
      await ann.rescan(id)
      await knows(bob, opened, ann, id)
      if (change % 3 === 0) await bob.copy(opened, copy)
    }
    await bob.copy(opened, copy)
    for (const [name, peer] of Object.entries({ ann, bob }))
      await eventually(
        `the store of ${name} holds one version, not ${peer.storeBytes()} bytes`,
        () => peer.storeBytes() < 1.5 * LARGE,
        30_000,
      )
    assert.ok((await bob.read(opened, '/large.bin')).equals(randomBytes(LARGE, 10)))
    assert.equal((await bob.copy(opened, temporaryFolder('again'))).fetched, 0, 'all of it is still here')
  }).timeout(120_000)

  it('is no bytes that another path still has: twins outlive each other, also for a fresh reader', async () => {
    const ann = await start('ann', 0.2)
    const twin = randomBytes(3 * MEGABYTE, 1)
    const small = randomBytes(500, 2)
    const source = await makeTree(temporaryFolder('source'), {
      a: { 'one.bin': twin, 'one.txt': small },
      b: { 'two.bin': twin, 'two.txt': small },
      'other.bin': randomBytes(4 * MEGABYTE, 3),
    })
    const { id, link } = await ann.share(source)
    const before = ann.storeBytes()
    rmSync(join(source, 'a'), { recursive: true })
    writeFileSync(join(source, 'other.bin'), randomBytes(9 * MEGABYTE, 4))
    await ann.rescan(id)
    rmSync(join(source, 'other.bin'))
    await ann.rescan(id)
    await eventually('the other file is cleared', () => ann.storeBytes() < before, 20_000)
    // What comes back after it was cleared is stored again.
    writeFileSync(join(source, 'again.bin'), randomBytes(9 * MEGABYTE, 4))
    await ann.rescan(id)
    const bob = await start('bob')
    const opened = await bob.open(link)
    assert.ok((await bob.read(opened, '/b/two.bin')).equals(twin))
    assert.ok((await bob.read(opened, '/b/two.txt')).equals(small))
    assert.ok((await bob.read(opened, '/again.bin')).equals(randomBytes(9 * MEGABYTE, 4)))
    assert.equal((await bob.copy(opened, temporaryFolder('copy'))).files, 3)
  })

  it('is no pack of which one file is left', async () => {
    const ann = await start('ann', 0.2)
    const files = Array.from({ length: 300 }, (_, at) => [`${at}.bin`, randomBytes(40_000, at)] as const)
    const source = await makeTree(temporaryFolder('source'), Object.fromEntries(files))
    const { id, link } = await ann.share(source)
    const before = ann.storeBytes()
    for (const [path] of files.slice(1)) rmSync(join(source, path))
    await ann.rescan(id)
    await eventually('the others are cleared', () => ann.storeBytes() < before / 4, 20_000)
    const bob = await start('bob')
    const opened = await bob.open(link)
    assert.equal((await bob.copy(opened, temporaryFolder('copy'))).files, 1)
    assert.ok((await bob.read(opened, '/0.bin')).equals(randomBytes(40_000, 0)))
  })
})

async function knows(
  reader: PeerProcess,
  opened: ShareId,
  publisher: PeerProcess,
  own: ShareId,
): Promise<void> {
  const { shares } = await publisher.state()
  const version = shares.find(({ id }) => id === own)?.version
  await eventually('the reader knows the newest version', async () => {
    const state = await reader.state()
    return state.opened.find(({ id }) => id === opened)?.contents?.version === version
  })
}
