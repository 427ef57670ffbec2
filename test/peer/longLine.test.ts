/** Two machines a long line apart: how they reach each other, and over what bytes go. */
import assert from 'node:assert/strict'
import { eventually } from '../support/eventually'
import { compareTrees, makeTree, randomBytes, temporaryFolder } from '../support/folders'
import { startLocalDht } from '../support/localDht'
import { type LineProfile, LongLine } from '../support/longLine'
import { PeerProcess } from '../support/peerProcess'

describe('a line between two machines', () => {
  const ends: (() => Promise<unknown>)[] = []

  before(function () {
    this.timeout(300_000) // what the first run installs
  })
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  /** Ann shares at one end, Bob copies at the other. → what Bob says of Ann when he has it all */
  async function copied(profile: LineProfile) {
    const line = await LongLine.start(profile)
    if (typeof line === 'string') return line
    ends.push(() => line.stop())
    const dht = await startLocalDht({ launcher: line.launcher(0), host: line.address })
    ends.push(() => dht.stop())
    const [ann, bob] = await Promise.all(
      ([0, 1] as const).map(async end => {
        const { bootstrap } = dht
        const launcher = line.launcher(end)
        const peer = await PeerProcess.start({ storage: temporaryFolder('peer'), bootstrap, launcher })
        ends.push(() => peer.stop())
        return peer
      }),
    )
    assert.ok(ann && bob)
    const source = await makeTree(temporaryFolder('source'), { 'a.bin': randomBytes(3_000_000, 1) })
    const { link } = await ann.share(source)
    const id = await bob.open(link)
    const copy = temporaryFolder('copy')
    await bob.copy(id, copy)
    assert.deepEqual(await compareTrees(source, copy), [])
    const peer = async () => (await bob.state()).peers.find(({ shares }) => shares.includes(id))
    // Where TCP is to carry, it may stand a moment later.
    await eventually('TCP stands', async () => (await peer())?.path !== 'only')
    return peer()
  }

  it('that is long and lossy is left to UDX, although TCP stands', async function () {
    const ann = await copied({ trip: 60, rate: 20, loss: 0.3 })
    if (typeof ann === 'string') return this.skip()
    assert.deepEqual([ann?.transport, ann?.path], ['udx', 'first'])
  })
})
