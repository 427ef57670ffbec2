/** Everybody who has files passes them on: when the one who shared is gone, others get them from others. */
import assert from 'node:assert/strict'
import { parseLink } from '../../src/common/link'
import {
  compareTrees,
  executable,
  makeTree,
  randomBytes,
  type Tree,
  temporaryFolder,
} from '../support/folders'
import { type LocalDht, startLocalDht } from '../support/localDht'
import { People, type Person } from '../support/person'
import { peerfold } from '../support/processes'
import { listAll, StockClient } from '../support/stockClient'

describe('a share whose owner is gone', () => {
  let dht: LocalDht
  let ann: Person
  let bob: Person
  const people = new People(() => dht.bootstrap)

  before(async () => {
    dht = await startLocalDht()
  })
  after(() => dht.stop())
  beforeEach(async () => {
    ;[ann, bob] = await Promise.all([people.start(), people.start({ client: 'window' })])
  })
  afterEach(() => people.leave())

  const tree = (): Tree => ({
    'large.bin': randomBytes(6_000_000, 1),
    'run.sh': executable('#!/bin/sh\n'),
    many: Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`${n}.txt`, `file number ${n}`])),
    'empty.txt': '',
  })

  const share = async (isPublic = false) => {
    const source = await makeTree(temporaryFolder('source'), tree())
    return { source, ...(await ann.publish(source, { isPublic })) }
  }

  const arrivesAtCarla = async (link: string, source: string) => {
    const carla = await people.start()
    const copy = temporaryFolder('copy')
    const result = await carla.get(link, copy)
    assert.deepEqual(await compareTrees(source, copy), [])
    assert.deepEqual(result.skipped, [])
  }

  it('comes from somebody who saved a copy and keeps it open', async () => {
    const { source, link } = await share()
    const id = await bob.open(link, { keep: true })
    await bob.copy(id, temporaryFolder('copy'))
    await ann.vanish()
    await arrivesAtCarla(link, source)
  })

  it('shows its owner to everybody who has it, and nobody else as that', async () => {
    const { id, link } = await share()
    await bob.seed(await bob.open(link, { keep: true }))
    const carla = await people.start()
    await carla.open(link)
    const owned = ({ state }: Person, { state: { me } }: Person) =>
      state.peers.find(peer => peer.id === me.id)?.owns
    for (const reader of [bob, carla])
      await reader.until('ann is its owner', () => owned(reader, ann)?.join() === id)
    await carla.until('bob is there', () =>
      carla.state.peers.some(peer => peer.id === bob.state.me.id && peer.shares.length > 0),
    )
    assert.deepEqual([owned(carla, bob), owned(bob, carla), owned(ann, bob)], [[], [], []])
  })

  it('comes from somebody who seeds it', async () => {
    const { source, link } = await share()
    const id = await bob.open(link)
    await bob.seed(id)
    await ann.vanish()
    await arrivesAtCarla(link, source)
  })

  it('comes from a command that got it earlier and seeds it now, without asking the owner', async () => {
    const { source, link } = await share()
    const storage = temporaryFolder('dora')
    const copy = temporaryFolder('copy')
    const got = await peerfold(['get', link, copy], { storage, bootstrap: dht.bootstrap })
    assert.equal(got.code, 0, got.stderr.join('\n'))
    await ann.leave()
    const dora = await people.start({ storage })
    await dora.open(link)
    await arrivesAtCarla(link, source)
  })

  it('comes from several who each have a part', async () => {
    const { source, link } = await share()
    const dora = await people.start()
    const [atBob, atDora] = await Promise.all([bob.open(link), dora.open(link)])
    await bob.copy(atBob, temporaryFolder('copy'), '/large.bin')
    await dora.copy(atDora, temporaryFolder('copy'), '/many')
    await dora.copy(atDora, temporaryFolder('copy'), '/run.sh')
    await ann.vanish()
    await arrivesAtCarla(link, source)
  })

  it('is read by a stock client from somebody who seeds it', async () => {
    const { link } = await share(true)
    await bob.seed(await bob.open(link))
    await ann.vanish()
    const parsed = parseLink(link)
    assert.ok(parsed.ok)
    const stock = await StockClient.start(dht.bootstrap)
    try {
      const drive = await stock.open(Buffer.from(parsed.link.key, 'hex'))
      assert.equal((await listAll(drive)).size, 303)
      assert.equal((await drive.get('/many/17.txt'))?.toString(), 'file number 17')
      assert.ok((await drive.get('/large.bin'))?.equals(randomBytes(6_000_000, 1)))
      await drive.close()
    } finally {
      await stock.close()
    }
  })
})
