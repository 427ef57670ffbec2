/** Removing a share, one's own or somebody else's, gives its place on the disk back. */
import assert from 'node:assert/strict'
import { eventually } from '../support/eventually'
import { makeTree, randomBytes, temporaryFolder } from '../support/folders'
import { type LocalDht, startLocalDht } from '../support/localDht'
import { PeerProcess } from '../support/peerProcess'

const CONTENT = 24_000_000

describe('what is removed', () => {
  let dht: LocalDht
  let ann: PeerProcess
  let bob: PeerProcess

  before(async () => {
    dht = await startLocalDht()
    const start = (name: string) =>
      PeerProcess.start({ storage: temporaryFolder(name), bootstrap: dht.bootstrap })
    ;[ann, bob] = await Promise.all([start('ann'), start('bob')])
  })
  after(async () => {
    await Promise.all([ann?.stop(), bob?.stop()])
    await dht?.stop()
  })

  it('takes no room any more, on neither side', async () => {
    const source = await makeTree(temporaryFolder('source'), { 'large.bin': randomBytes(CONTENT) })
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
})
