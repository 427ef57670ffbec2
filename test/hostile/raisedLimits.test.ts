/**
 * The limits of one peer, and of what windows and commands send to the peer process: whoever passes one is stopped with
 * a message that names the setting, whoever honestly needs more can go on as soon as the user raises it, and nobody
 * else notices either. (limits.test.ts has those of the whole installation, peers.test.ts what peers do in bad faith.)
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import DHT from 'hyperdht'
import { attachToPeer } from '../../src/client/attach'
import { introduce } from '../../src/client/introduce'
import type { DrivePath, ShareId } from '../../src/common/brand'
import { parseLink } from '../../src/common/link'
import type { Result } from '../../src/common/protocol'
import { peerIdOf } from '../../src/peer/keys'
import { openConnection } from '../../src/wire/connection'
import { readEndpoint } from '../../src/wire/endpoint'
import { attackGroup } from '../support/attacks'
import { eventually } from '../support/eventually'
import { compareTrees, makeTree, randomBytes, temporaryFolder } from '../support/folders'
import { HostilePublisher } from '../support/hostileDrive'
import { HostilePeer, publicKeyOf, type RawPeer } from '../support/hostilePeer'
import { type LocalDht, startLocalDht } from '../support/localDht'
import { PeerProcess } from '../support/peerProcess'

const MB = 1_000_000

attackGroup('the limits of one peer', () => {
  let dht: LocalDht
  let ann: PeerProcess
  let annsKey: Buffer
  let bob: PeerProcess
  let source: string
  let shared: Result<'share.add'>

  before(async () => {
    dht = await startLocalDht()
    const storage = temporaryFolder('ann')
    ann = await PeerProcess.start({ storage, bootstrap: dht.bootstrap })
    annsKey = publicKeyOf(storage)
    const files = Array.from({ length: 100 }, (_, at) => [`${at}.txt`, `content ${at}`])
    source = await makeTree(temporaryFolder('source'), Object.fromEntries(files))
    shared = await ann.share(source, true)
    bob = await PeerProcess.start({ storage: temporaryFolder('bob'), bootstrap: dht.bootstrap })
  })
  afterEach(async () => {
    for (const { id } of (await bob.state()).opened) await bob.request('open.remove', { id })
  })
  after(async () => {
    await bob?.stop()
    await ann?.stop()
    await dht?.stop()
  })

  async function assertOthersAreServed(): Promise<void> {
    const target = temporaryFolder('target')
    await bob.copy(await bob.open(shared.link), target)
    assert.deepEqual(await compareTrees(source, target), [])
  }

  const warnings = (peer: PeerProcess, setting: string) =>
    peer.notices.filter(({ level, message }) => level === 'warning' && message.includes(setting))

  it('turn away whoever asks for too much at once, say which it was, and let it in when they are raised', async () => {
    const many = 1_500
    const reader = await HostilePeer.start(dht.bootstrap)
    try {
      const parsed = parseLink(shared.link)
      assert.ok(parsed.ok)
      const drive = await reader.mirror(Buffer.from(parsed.link.key, 'hex'))
      const keyPair = DHT.keyPair()
      /** Asks for many blocks in one breath. → how many came; undefined: it was turned away. */
      const ask = async (): Promise<number | undefined> => {
        const connected = await reader.connect(annsKey, keyPair)
        assert.ok(connected, 'it could not connect')
        const { stream } = connected
        const closed = new Promise<undefined>(resolve => stream.once('close', () => resolve(undefined)))
        const peer: RawPeer = await reader.replicate(drive, stream)
        const answered = new Promise<number>(resolve => {
          let count = 0
          peer.ondata = async () => {
            if (++count === many) resolve(count)
          }
        })
        peer.protomux.cork()
        for (let id = 1_000; id < 1_000 + many; id++) peer.wireRequest.send(requestFor(id, id % 100))
        peer.protomux.uncork()
        const result = await Promise.race([answered, closed])
        stream.destroy()
        return result
      }

      await ann.request('settings.set', { limits: { openRequests: 1_024 } })
      assert.equal(await ask(), undefined)
      const turnedAway = `peer ${peerIdOf(keyPair.publicKey)} is turned away`
      const line = await ann.process.line(text => text.includes(turnedAway))
      assert.match(line, /more than 1,024 blocks at once \(limit: peerfold\.maxOpenRequests\)/)
      await eventually('it is told', () => warnings(ann, 'peerfold.maxOpenRequests').length === 1)
      const [isLetIn] = await Promise.all([reader.isLetIn(annsKey, keyPair), assertOthersAreServed()])
      assert.equal(isLetIn, false)

      await ann.request('settings.set', { limits: { openRequests: 2_000 } })
      await eventually('it is let in', () => reader.isLetIn(annsKey, keyPair))
      assert.equal(await ask(), many)
      assert.equal(warnings(ann, 'peerfold.maxOpenRequests').length, 1)
    } finally {
      await reader.close()
    }
  })

  it('keep out blocks that are too large, until they are raised for the one who shares such', async () => {
    const publisher = await HostilePublisher.start(dht.bootstrap)
    try {
      const drive = await publisher.drive()
      const content = randomBytes(12 * MB, 3)
      await drive.file('/large.bin', content)
      await drive.file('/small.txt', 'small')
      await publisher.serve(drive)
      const { id } = await bob.request('open.add', { link: drive.link, keep: true })
      const read = (path: string, timeout: number) =>
        bob.request('fs.read', { id, path: path as DrivePath, limit: 20 * MB, timeout })
      await bob.request('open.ready', { id, newest: true, timeout: 20_000 })
      assert.equal(String(Buffer.from(await read('/small.txt', 10_000))), 'small')

      const target = temporaryFolder('target')
      const job = 'large-blocks'
      await bob.request('copy.start', { id, path: '/' as DrivePath, folder: target, job })
      const line = await bob.process.line(text => text.includes('is turned away'))
      assert.match(line, /a message of more than 10 MB \(limit: peerfold\.maxPeerMessage\)/)
      await eventually('it is told', () => warnings(bob, 'peerfold.maxPeerMessage').length === 1)
      await assertOthersAreServed()

      await bob.request('settings.set', { limits: { peerMessageBytes: 16 * MB } })
      await bob.request('copy.wait', { job, timeout: 20_000 }, 40_000)
      const expected = await makeTree(temporaryFolder('expected'), {
        'large.bin': content,
        'small.txt': 'small',
      })
      assert.deepEqual(await compareTrees(expected, target), [])
    } finally {
      await publisher.close()
    }
  })
})

attackGroup('the limit of requests to the peer process', () => {
  let dht: LocalDht
  let peer: PeerProcess
  let id: ShareId
  let content: Uint8Array
  let source: string
  let storage: string
  const TOO_LARGE = { code: 'message-too-large', message: /limit is 64 MB.*peerfold\.maxRequestSize/ }

  before(async () => {
    dht = await startLocalDht()
    storage = temporaryFolder('ann')
    peer = await PeerProcess.start({ storage, bootstrap: dht.bootstrap })
    content = randomBytes(70 * MB, 4)
    source = await makeTree(temporaryFolder('source'), { 'large.bin': content })
    id = (await peer.share(source)).id
  })
  afterEach('others are answered as before', async () => {
    const [share] = (await peer.request('state.get', {}, 2_000)).shares
    assert.equal(share?.status.kind, 'sharing')
  })
  after(async () => {
    await peer?.stop()
    await dht?.stop()
  })

  /** Of another window, which says what it likes. */
  async function stranger() {
    const endpoint = await readEndpoint(storage)
    assert.ok(endpoint)
    const socket = connect(endpoint.socket)
    await once(socket, 'connect')
    const connection = openConnection(socket)
    await introduce(connection, endpoint, { client: 'window' })
    return connection
  }

  const path = '/large.bin' as DrivePath
  const read = () => peer.request('fs.read', { id, path, limit: 100 * MB, timeout: 5_000 })
  const readRange = (length: number) =>
    peer.request('fs.readRange', { id, path, start: 0, length, timeout: 5_000 })
  /** 65 MB. */
  const large = () => ({
    source,
    isPublic: false,
    once: true,
    keep: false,
    allow: Array.from({ length: 8_000 }, (_, at) => `/${at}`.padEnd(8_150, 'x') as DrivePath),
  })

  it('refuses answers and requests beyond it by name, and goes on', async () => {
    await assert.rejects(read(), TOO_LARGE)
    await assert.rejects(readRange(66 * MB), TOO_LARGE)
    assert.equal((await readRange(10)).length, 10)
    await assert.rejects(peer.request('share.preview', large()), TOO_LARGE)
  })

  it('answers a client that sends more all the same, and does not keep what it sends', async () => {
    const connection = await stranger()
    connection.sendAtMost(Number.POSITIVE_INFINITY)
    const timeout = 10_000
    const refused = connection.request('share.preview', large(), { timeout })
    const beside = peer.request('state.get', {}, 2_000)
    await assert.rejects(refused, TOO_LARGE)
    await beside
    assert.equal(typeof (await connection.request('state.get', {}, { timeout })).revision, 'number')
    connection.close()
  })

  it('lets them through when it is raised, at once and for every client that is there', async () => {
    const other = await attachToPeer({ storage, client: 'window' })
    assert.ok(other)
    await other.connection.request('settings.set', { limits: { requestBytes: 100 * MB } }, { timeout: 5_000 })
    assert.equal(Buffer.compare(await read(), content), 0)
    assert.equal((await readRange(66 * MB)).length, 66 * MB)
    assert.equal((await peer.request('share.preview', large())).files, 1)
    other.connection.close()
  })
})

function requestFor(id: number, index: number): Record<string, unknown> {
  const nothing = { hash: null, seek: null, upgrade: null, manifest: false }
  return { id, fork: 0, block: { index, nodes: 0 }, priority: 0, ...nothing }
}
