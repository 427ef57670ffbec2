/** Removing a share, one's own or somebody else's, gives its place on the disk back. */
import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
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
    const empty = storeBytes(ann)
    const { id, link } = await ann.share(source)
    const opened = await bob.open(link)
    await bob.copy(opened, temporaryFolder('copy'))
    for (const peer of [ann, bob]) assert.ok(storeBytes(peer) > CONTENT)

    await bob.request('open.remove', { id: opened })
    await ann.request('share.remove', { id })
    for (const peer of [ann, bob])
      await eventually('the store is small again', () => storeBytes(peer) < empty + CONTENT / 4)
  })
})

function storeBytes({ options }: PeerProcess): number {
  const folder = join(options.storage, 'store', 'db')
  return readdirSync(folder).reduce(
    (sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  )
}
