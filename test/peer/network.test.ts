/** Finding each other, and what is said while nobody is found; who is served, and who is not. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Corestore from 'corestore'
import DHT from 'hyperdht'
import type { DriveKey, EncryptionKey, PeerId, ShareId } from '../../src/common/brand'
import { formatLink } from '../../src/common/link'
import { DEFAULT_LIMITS } from '../../src/peer/limits'
import { Network } from '../../src/peer/network/swarm'
import { TcpTransport } from '../../src/peer/network/tcp'
import { within } from '../../src/peer/time'
import { eventually } from '../support/eventually'
import { compareTrees, makeTree, randomBytes, temporaryFolder } from '../support/folders'
import type { Person } from '../support/person'
import { peerfold } from '../support/processes'
import { withPeople } from '../support/withPeople'

/** Nobody listens there. */
const NOWHERE = '127.0.0.1:9'
/** A link to a share that there is not, another one for each digit. */
const nobodysLink = (digit: string) =>
  formatLink({
    key: digit.repeat(64) as DriveKey,
    encryptionKey: '9'.repeat(64) as EncryptionKey,
    isFile: false,
  })

describe('over a network', () => {
  const people = withPeople()

  describe('looking for a share', () => {
    afterEach(() => people.leave())

    const reason = (person: Person, id: ShareId): string => {
      const status = person.opened(id)?.status
      return status?.kind === 'searching' || status?.kind === 'offline' ? status.why : ''
    }

    it('ends with 3 within its time when nobody has it', async () => {
      const started = performance.now()
      const got = await peerfold(
        ['get', nobodysLink('1'), temporaryFolder('copy'), '--timeout', '3'],
        people.place('bob'),
      )
      assert.equal(got.code, 3)
      assert.match(got.stderr.join('\n'), /Nobody who has this share was found\. ./)
      assert.ok(performance.now() - started < 20_000)
    })

    it('says that nobody announces it', async () => {
      const bob = await people.start()
      const { id } = await bob.request('open.add', { link: nobodysLink('2'), keep: false })
      await bob.until('the reason is known', () => reason(bob, id) === 'nobody-announces')
      assert.deepEqual(bob.state.network.kind, 'online')
    })

    it('says that no bootstrap node answers', async () => {
      const bob = await people.start({ bootstrap: NOWHERE })
      const { id } = await bob.request('open.add', { link: nobodysLink('3'), keep: false })
      await bob.until('the reason is known', () => reason(bob, id) === 'bootstrap-unreachable')
      assert.deepEqual(bob.state.network, { kind: 'unreachable', bootstrap: [NOWHERE] })
      await assert.rejects(bob.open(nobodysLink('3'), { timeout: 500 }), {
        code: 'nobody-found',
        message: /bootstrap/,
      })
    })

    it('finds by itself who begins to share later', async () => {
      const [ann, bob] = await Promise.all([people.start(), people.start()])
      const source = await makeTree(temporaryFolder('source'), { 'a.txt': 'a' })
      const { id, link } = await ann.publish(source)
      await ann.request('share.stop', { id })
      const opening = bob.open(link)
      await bob.until('nobody announces it', () => reason(bob, id) === 'nobody-announces')
      await ann.request('share.start', { id })
      await opening
      assert.equal(await bob.read(id, '/a.txt'), 'a')
    })

    it('counts nobody who merely waits for it too, and says that', async () => {
      const [ann, bob, carla] = await Promise.all([people.start(), people.start(), people.start()])
      const source = await makeTree(temporaryFolder('source'), { 'a.txt': 'a' })
      const { id, link } = await ann.publish(source)
      await ann.request('share.stop', { id })
      for (const person of [bob, carla]) await person.request('open.add', { link, keep: true })
      await Promise.all(
        [bob, carla].map(async person => {
          await person.until('the other is connected', () => reason(person, id) === 'no-answer')
          assert.equal(person.opened(id)?.peers, 0)
          assert.deepEqual(
            person.state.peers.map(({ shares }) => shares),
            [[]],
          )
        }),
      )
      await ann.request('share.start', { id })
      const isConnected = (person: Person) => person.opened(id)?.status.kind === 'connected'
      await bob.until('bob is connected to who has it', () => isConnected(bob))
      await bob.until('carla takes part, too', () => bob.opened(id)?.peers === 2)
    })

    it('goes by TCP between machines that reach each other, and by UDX where TCP is off', async () => {
      const [ann, bob, carla] = await Promise.all([
        people.start(),
        people.start(),
        people.start({ tcp: false, client: 'window' }),
      ])
      const source = await makeTree(temporaryFolder('source'), { 'large.bin': randomBytes(5_000_000, 1) })
      const { id, link } = await ann.publish(source)
      for (const [person, transport] of [
        [bob, 'tcp'],
        [carla, 'udx'],
      ] as const) {
        const copy = temporaryFolder('copy')
        await person.get(link, copy)
        assert.deepEqual(await compareTrees(source, copy), [])
        await person.until(`it goes by ${transport}`, () =>
          person.state.peers.some(peer => peer.transport === transport && peer.shares.includes(id)),
        )
      }
      const tellsTransport = (who: Person, transport: string) =>
        ann.state.peers.some(peer => peer.id === who.state.me.id && peer.transport === transport)
      await ann.until('ann sees both', () => tellsTransport(bob, 'tcp') && tellsTransport(carla, 'udx'))
      await ann.until('both have proven where they are', () =>
        ann.state.peers.every(({ address }) => address === '127.0.0.1'),
      )
    })

    it('shows the name a peer gave itself, and what went over to it', async () => {
      const [ann, bob] = await Promise.all([people.start(), people.start()])
      await bob.request('settings.set', { name: 'Bob' })
      const source = await makeTree(temporaryFolder('source'), { 'a.bin': randomBytes(1_000_000, 1) })
      const { id, link } = await ann.publish(source)
      await bob.get(link, temporaryFolder('copy'))
      await ann.until('ann sees who took it', () =>
        ann.state.peers.some(
          ({ name, upBytes, shares }) => name === 'Bob' && upBytes >= 1_000_000 && shares.includes(id),
        ),
      )
      assert.equal(ann.share(id)?.peers, 1)
    })

    it('shows the name that a peer gives itself while it is connected, and takes back', async () => {
      const [ann, bob] = await Promise.all([people.start(), people.start()])
      const source = await makeTree(temporaryFolder('source'), { 'a.txt': 'a' })
      const { id, link } = await ann.publish(source)
      await bob.open(link)
      const nameOfBob = () => ann.state.peers.find(peer => peer.shares.includes(id))?.name
      await ann.until('bob is connected', () => nameOfBob() === '')
      await bob.request('settings.set', { name: 'Bo' })
      await bob.request('settings.set', { name: 'Bob' }) // as it is typed
      await ann.until('his name is shown', () => nameOfBob() === 'Bob')
      await bob.request('settings.set', { name: '' })
      await ann.until('it is shown no more', () => nameOfBob() === '')
    })
  })

  describe('a share whose owner goes and comes', () => {
    afterEach(() => people.leave())

    it('says that it is offline and still serves what it has, and tells unknown from absent', async () => {
      const [ann, bob] = await Promise.all([people.start(), people.start()])
      const source = await makeTree(temporaryFolder('source'), {
        'had.txt': 'had',
        'not.bin': randomBytes(3_000_000, 1),
      })
      const { id, link } = await ann.publish(source)
      await bob.open(link)
      assert.equal(await bob.read(id, '/had.txt'), 'had')
      await ann.leave()
      await bob.until('it is offline', () => bob.opened(id)?.status.kind === 'offline')
      assert.equal(await bob.read(id, '/had.txt'), 'had')
      assert.deepEqual(await bob.list(id), ['had.txt', 'not.bin'])
      await assert.rejects(bob.read(id, '/not.bin', 1_000), { code: 'offline' })
      await assert.rejects(bob.read(id, '/nothing.txt', 1_000), { code: 'file-not-found' })
    })

    it('is copied further when the owner is back, without anybody asking', async function () {
      this.timeout(120_000) // that she is gone is found out after a while, and that she is back as well
      const ann = await people.start()
      const bob = await people.start({ client: 'window' })
      const source = temporaryFolder('source')
      await writeFile(join(source, 'large.bin'), randomBytes(48_000_000, 3))
      const { id, link } = await ann.publish(source, { keep: true })
      await bob.open(link, { keep: true })
      const copy = temporaryFolder('copy')
      const { job } = await bob.startCopy(id, copy)
      const transfer = () => bob.state.transfers.find(each => each.id === job)
      await bob.caught('some of it came', ({ transfers }) =>
        transfers.some(({ id, bytes }) => id === job && bytes.done > 1_000_000),
      )
      await ann.leave()
      await bob.until('it waits, and says for what', () => {
        const status = transfer()?.status
        return status?.kind === 'done' || (status?.kind === 'paused' && status.error.code === 'stalled')
      })
      await people.start({ storage: ann.storage })
      await bob.until('it is done', () => transfer()?.status.kind === 'done')
      assert.deepEqual(await compareTrees(source, copy), [])
    })
  })

  describe('who is not to have it', () => {
    let ann: Person
    let bob: Person
    let source: string
    let id: ShareId
    let link: string

    beforeEach(async () => {
      ;[ann, bob] = await Promise.all([people.start(), people.start()])
      source = await makeTree(temporaryFolder('source'), { 'a.txt': 'a', 'b.bin': randomBytes(1_000_000, 1) })
      ;({ id, link } = await ann.publish(source, { keep: true }))
    })
    afterEach(() => people.leave())

    it('gets nothing while blocked, at once and by every way, and everything when unblocked', async () => {
      await bob.open(link)
      assert.equal(await bob.read(id, '/a.txt'), 'a')
      const peer: PeerId = bob.state.me.id
      await ann.request('peer.block', { peer })
      await bob.until('bob is cut off', () => bob.opened(id)?.peers === 0)
      await ann.until('ann sees him blocked', () =>
        ann.state.peers.some(each => each.id === peer && each.blocked),
      )
      await bob.request('open.retry', { id })
      await assert.rejects(bob.read(id, '/b.bin', 3_000), { code: 'offline' })
      assert.equal(bob.opened(id)?.peers, 0)
      const carla = await people.start()
      assert.equal(await carla.read(await carla.open(link), '/a.txt'), 'a', 'others are served')
      await carla.leave()

      await ann.request('peer.unblock', { peer })
      await bob.request('open.retry', { id })
      await bob.until('they meet again', () => (bob.opened(id)?.peers ?? 0) > 0)
      // Both sides connect, and one of the two connections goes: a read in between may find nobody.
      const read = () =>
        bob.read(id, '/b.bin').catch((error: { code?: string }) => {
          if (error.code !== 'offline') throw error
          return ''
        })
      await eventually('the file comes', async () => (await read()).length > 0)
      await ann.until('ann sees nobody blocked', () => !ann.state.peers.some(each => each.blocked))
    })

    it('stays blocked after a restart', async () => {
      const peer: PeerId = bob.state.me.id
      await ann.request('peer.block', { peer })
      await ann.leave()
      ann = await people.start({ storage: ann.storage })
      await ann.until('it is shared again', () => ann.share(id)?.status.kind === 'sharing')
      await assert.rejects(bob.open(link, { timeout: 3_000 }), { code: 'nobody-found' })
    })

    it('gets nothing of a stopped share, even over a connection that another share keeps', async () => {
      const other = await ann.publish(await makeTree(temporaryFolder('source'), { 'other.txt': 'other' }))
      await bob.open(link)
      await bob.open(other.link)
      await ann.request('share.stop', { id })
      await bob.until('nobody has it', () => bob.opened(id)?.status.kind === 'offline')
      await assert.rejects(bob.read(id, '/b.bin', 3_000), { code: 'offline' })
      assert.equal(await bob.read(other.id, '/other.txt'), 'other')
      await ann.request('share.start', { id })
      await bob.until('it is back', () => bob.opened(id)?.status.kind === 'connected')
      assert.equal((await bob.read(id, '/b.bin')).length > 0, true)
      await ann.request('share.stop', { id })
      await bob.leave() // who would pass it on
      const carla = await people.start()
      await assert.rejects(carla.open(link, { timeout: 2_000 }), { code: 'nobody-found' })
      assert.equal(await carla.read(await carla.open(other.link), '/other.txt'), 'other')
    })
  })

  it('does without TCP where nothing can listen by it', async () => {
    const store = new Corestore(temporaryFolder('store'))
    const log = store.get({ name: 'log' })
    await log.ready()
    const { listen } = TcpTransport
    TcpTransport.listen = () => Promise.reject(new Error('no port is free'))
    const network = new Network({
      keyPair: DHT.keyPair(),
      bootstrap: [people.bootstrap],
      name: () => '',
      tcp: () => true,
      isBlocked: () => false,
      limits: () => DEFAULT_LIMITS,
      log: () => {},
      onError: () => {},
    })
    try {
      await within(network.join(log).announced, 10_000)
      assert.equal(network.state.kind, 'online')
    } finally {
      TcpTransport.listen = listen
      await network.close()
      await store.close()
    }
  })
})
