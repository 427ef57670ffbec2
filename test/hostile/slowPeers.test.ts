/**
 * Peers that do nothing wrong but hardly anything at all: silent after the handshake, asked and never answering,
 * answering a byte a second. Who waits for them must get rid of them, and take them back later. The clock of the one
 * who waits is moved on quickly, so that the half minutes pass in seconds.
 */
import assert from 'node:assert/strict'
import type { KeyPair, NoiseStream } from '@hyperswarm/secret-stream'
import type Hyperdrive from 'hyperdrive'
import type { DrivePath, ShareId } from '../../src/common/brand'
import { parseLink } from '../../src/common/link'
import { peerIdOf } from '../../src/peer/keys'
import { attackGroup } from '../support/attacks'
import { eventually } from '../support/eventually'
import { compareTrees, makeTree, randomBytes, temporaryFolder } from '../support/folders'
import { HostilePeer, publicKeyOf } from '../support/hostilePeer'
import { type LocalDht, startLocalDht } from '../support/localDht'
import { MovedClock } from '../support/movedClock'
import { PeerProcess } from '../support/peerProcess'

attackGroup('peers that are silent or slow', () => {
  let clock: MovedClock
  let dht: LocalDht
  let ann: PeerProcess
  let bob: PeerProcess
  let carl: PeerProcess
  let attacker: HostilePeer
  let bobKey: Buffer
  let drive: Hyperdrive
  let source: string
  let link: string
  let id: ShareId
  let stopHurrying: (() => void) | undefined
  const keyPairs: KeyPair[] = []

  before(async function () {
    this.timeout(300_000) // what the first run installs
    const moved = await MovedClock.start('all')
    if (typeof moved === 'string') {
      console.log(`      skipped: ${moved}`)
      this.skip()
    }
    clock = moved
    dht = await startLocalDht()
    const { bootstrap } = dht
    source = await makeTree(temporaryFolder('source'), {
      'large.bin': randomBytes(8_000_000),
      'small.txt': 'small',
    })
    ann = await PeerProcess.start({ storage: temporaryFolder('ann'), bootstrap })
    link = (await ann.share(source, true)).link
    const parsed = parseLink(link)
    assert.ok(parsed.ok)
    const storage = temporaryFolder('bob')
    bob = await PeerProcess.start({ storage, bootstrap, env: clock.env })
    bobKey = publicKeyOf(storage)
    carl = await PeerProcess.start({ storage: temporaryFolder('carl'), bootstrap })
    attacker = await HostilePeer.start(bootstrap)
    drive = await attacker.mirror(Buffer.from(parsed.link.key, 'hex'))
    await attacker.hideMirror()

    // Carl is honest and has only little of it, and whoever has all of it is not there.
    id = await carl.open(link, true)
    await carl.request('fs.read', { id, path: '/small.txt' as DrivePath, limit: 100, timeout: 10_000 })
    await ann.request('share.stop', { id })
    await bob.open(link, true)
  })
  afterEach(() => stopHurrying?.())
  after(async () => {
    await attacker?.close()
    for (const peer of [carl, bob, ann]) await peer?.stop()
    await dht?.stop()
  })

  async function connect(): Promise<{ stream: NoiseStream; keyPair: KeyPair }> {
    const connected = await attacker.connect(bobKey)
    assert.ok(connected)
    keyPairs.push(connected.keyPair)
    return connected
  }

  async function turnedAway(keyPair: KeyPair, why: string): Promise<void> {
    const peer = peerIdOf(keyPair.publicKey)
    await eventually(`it is turned away because ${why}`, async () => {
      await bob.state() // asking wakes Bob: he sleeps by the true clock
      return bob.process.stdout.some(
        line => line.includes(`peer ${peer} is turned away`) && line.includes(why),
      )
    })
    await eventually(
      'it is not listed any more',
      async () => !(await bob.state()).peers.some(({ id }) => id === peer),
    )
  }

  it('those that never answer or answer a byte a second are turned away, and the rest comes from another', async () => {
    const [deaf, dripping] = [await connect(), await connect()]
    for (const { stream } of [deaf, dripping]) {
      const peer = await attacker.replicate(drive, stream)
      peer.onrequest = async () => {}
      if (stream !== dripping.stream) continue
      const drops = setInterval(() => peer.extension('drip', Buffer.from([0])), 100)
      stream.once('close', () => clearInterval(drops))
    }
    await eventually('both are taken for ones who have it', async () => {
      const share = (await bob.state()).opened.find(share => share.id === id)
      return share?.peers === 3
    })
    const target = temporaryFolder('target')
    await bob.request('copy.start', { id, path: '/' as DrivePath, folder: target, job: 'slow' })
    stopHurrying = clock.hurry()
    await turnedAway(deaf.keyPair, 'it did not answer')
    await turnedAway(dripping.keyPair, 'it did not answer')
    stopHurrying()
    assert.equal((await bob.state()).opened[0]?.peers, 1, 'Carl is still there')
    await ann.request('share.start', { id })
    await bob.request('copy.wait', { job: 'slow', timeout: 20_000 }, 40_000)
    assert.deepEqual(await compareTrees(source, target), [])
  })

  it('one that says nothing after the handshake is turned away, and those who have the share stay', async () => {
    const { keyPair } = await connect()
    stopHurrying = clock.hurry()
    await turnedAway(keyPair, 'it said nothing')
    stopHurrying()
    assert.ok(!(await attacker.isLetIn(bobKey, keyPair)), 'it stays away')
    assert.equal((await bob.state()).opened[0]?.peers, 2)
  })

  it('each may come back when its time is over', async () => {
    clock.moveTo(clock.seconds + 60)
    for (const keyPair of keyPairs)
      await eventually('it may come back', () => attacker.isLetIn(bobKey, keyPair))
  })
})
