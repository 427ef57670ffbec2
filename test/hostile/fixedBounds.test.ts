/**
 * What one peer may ask and send, and how long a message to the peer process may be: bounds that nobody has to know,
 * since whatever is honest keeps within them. Whoever passes one is stopped, the log or the error says why, and nobody
 * else notices. Some could be set in earlier versions: what was chosen then changes nothing. (limits.test.ts has what
 * the user can set, peers.test.ts what peers do in bad faith.)
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import DHT from 'hyperdht'
import { introduce } from '../../src/client/introduce'
import type { DrivePath, ShareId } from '../../src/common/brand'
import { parseLink } from '../../src/common/link'
import type { Result } from '../../src/common/protocol'
import { peerIdOf } from '../../src/peer/keys'
import { Catalog } from '../../src/peer/store/catalog'
import { Connection } from '../../src/wire/connection'
import { dataFolderPaths } from '../../src/wire/dataFolder'
import { readEndpoint } from '../../src/wire/endpoint'
import { attackGroup } from '../support/attacks'
import { eventually } from '../support/eventually'
import { compareTrees, makeTree, randomBytes, temporaryFolder } from '../support/folders'
import { HostilePeer, publicKeyOf, type RawPeer } from '../support/hostilePeer'
import { PeerProcess } from '../support/peerProcess'
import { withPeople } from '../support/withPeople'

const MB = 1_000_000

/** What could be chosen in versions before: the least, and the most. */
const EARLIER: Record<string, number> = {
  openRequests: 1_024,
  peerMessageBytes: 10 * MB,
  requestBytes: 500 * MB,
}

attackGroup('the bounds of one peer', () => {
  const people = withPeople()
  let ann: PeerProcess
  let annsKey: Buffer
  let bob: PeerProcess
  let source: string
  let shared: Result<'share.add'>
  let stranger: HostilePeer

  before(async () => {
    const storage = temporaryFolder('ann')
    await chooseEarlier(storage, people.bootstrap)
    ann = await people.process({ storage })
    annsKey = publicKeyOf(storage)
    const files = Array.from({ length: 200 }, (_, at) => [`${at}.txt`, `content ${at}`])
    source = await makeTree(temporaryFolder('source'), Object.fromEntries(files))
    shared = await ann.share(source, true)
    bob = await people.process()
    stranger = await HostilePeer.start(people.bootstrap)
  })
  afterEach('others are served as before', async () => {
    const target = temporaryFolder('target')
    await bob.copy(await bob.open(shared.link), target)
    assert.deepEqual(await compareTrees(source, target), [])
    for (const { id } of (await bob.state()).opened) await bob.request('open.remove', { id })
  })
  after(() => stranger?.close())

  /** The line of Ann's log that says why. */
  const turnedAway = (key: Buffer) =>
    ann.process.line(text => text.includes(`peer ${peerIdOf(key)} is turned away`))

  it('give 8,000 blocks that are asked for in one breath, and turn away whoever asks for 9,000', async () => {
    const parsed = parseLink(shared.link)
    assert.ok(parsed.ok)
    const drive = await stranger.mirror(Buffer.from(parsed.link.key, 'hex'))
    /** → how many came; undefined: it was turned away. */
    const ask = async (many: number, keyPair = DHT.keyPair()): Promise<number | undefined> => {
      const connected = await stranger.connect(annsKey, keyPair)
      assert.ok(connected, 'it could not connect')
      const { stream } = connected
      const closed = new Promise<undefined>(resolve => stream.once('close', () => resolve(undefined)))
      const peer: RawPeer = await stranger.replicate(drive, stream)
      const answered = new Promise<number>(resolve => {
        let count = 0
        peer.ondata = async () => {
          if (++count === many) resolve(count)
        }
      })
      peer.protomux.cork()
      for (let id = 1_000; id < 1_000 + many; id++) peer.wireRequest.send(requestFor(id, id % 200))
      peer.protomux.uncork()
      const result = await Promise.race([answered, closed])
      stream.destroy()
      return result
    }

    assert.equal(await ask(8_000), 8_000)
    const keyPair = DHT.keyPair()
    assert.equal(await ask(9_000, keyPair), undefined)
    assert.match(await turnedAway(keyPair.publicKey), /: it asked for more than 8,192 blocks at once$/)
    assert.equal(await stranger.isLetIn(annsKey, keyPair), false)
  })

  it('turn away whoever announces a longer message than the largest block makes', async () => {
    const connected = await stranger.connect(annsKey)
    assert.ok(connected, 'it could not connect')
    const { stream, keyPair } = connected
    // The first three bytes of a message are its length.
    stream.rawStream.write(Buffer.from([0xff, 0xff, 0xff]))
    assert.match(await turnedAway(keyPair.publicKey), /: it sent a message of more than 16 MB$/)
    await eventually('its connection is closed', () => stream.destroyed)
  })
})

attackGroup('the bound of messages to the peer process', () => {
  const people = withPeople()
  let peer: PeerProcess
  let id: ShareId
  let content: Uint8Array
  let source: string
  let storage: string
  const TOO_LARGE = { code: 'message-too-large', message: /of at most 64 MB/ }

  before(async () => {
    storage = temporaryFolder('ann')
    await chooseEarlier(storage, people.bootstrap)
    peer = await people.process({ storage })
    content = randomBytes(70 * MB, 4)
    source = await makeTree(temporaryFolder('source'), { 'large.bin': content })
    id = (await peer.share(source)).id
  })
  afterEach('others are answered as before', async () => {
    const [share] = (await peer.request('state.get', {}, 2_000)).shares
    assert.equal(share?.status.kind, 'sharing')
  })

  const path = '/large.bin' as DrivePath
  const readRange = (start: number, length: number) =>
    peer.request('fs.readRange', { id, path, start, length, timeout: 5_000 })
  /** 65 MB. */
  const large = () => ({
    source,
    isPublic: false,
    once: true,
    keep: false,
    allow: Array.from({ length: 8_000 }, (_, at) => `/${at}`.padEnd(8_150, 'x') as DrivePath),
  })

  it('refuses answers and requests beyond it with their length, and goes on', async () => {
    const whole = peer.request('fs.read', { id, path, limit: 100 * MB, timeout: 5_000 })
    await assert.rejects(whole, TOO_LARGE)
    await assert.rejects(readRange(0, 66 * MB), TOO_LARGE)
    assert.equal((await readRange(0, 10)).length, 10)
    await assert.rejects(peer.request('share.preview', large()), TOO_LARGE)
  })

  it('keeps nobody from files of any size, which come in parts', async () => {
    const parts: Uint8Array[] = []
    for (let start = 0; start < content.length; start += 32 * MB) parts.push(await readRange(start, 32 * MB))
    assert.equal(Buffer.compare(Buffer.concat(parts), content), 0)
  })

  it('answers a client that sends more all the same, and does not keep what it sends', async () => {
    const endpoint = await readEndpoint(storage)
    assert.ok(endpoint)
    const socket = connect(endpoint.socket)
    await once(socket, 'connect')
    const connection = new Connection(socket, { longest: Number.POSITIVE_INFINITY })
    await introduce(connection, endpoint, { client: 'window' })
    const timeout = 10_000
    const refused = connection.request('share.preview', large(), { timeout })
    const beside = peer.request('state.get', {}, 2_000)
    await assert.rejects(refused, TOO_LARGE)
    await beside
    assert.equal(typeof (await connection.request('state.get', {}, { timeout })).revision, 'number')
    connection.close()
  })

  it('is not moved by a client of an earlier version', async () => {
    await peer.request('settings.set', { limits: { ...EARLIER, connections: 60 } })
    await assert.rejects(readRange(0, 66 * MB), TOO_LARGE)
  })
})

/** A data folder in which somebody chose limits that cannot be chosen any more. */
async function chooseEarlier(storage: string, bootstrap: string): Promise<void> {
  await (await PeerProcess.start({ storage, bootstrap })).stop()
  const catalog = await Catalog.open(dataFolderPaths(storage).catalog)
  await catalog.put('settings', '', { limits: EARLIER })
  await catalog.close()
}

function requestFor(id: number, index: number): Record<string, unknown> {
  const nothing = { hash: null, seek: null, upgrade: null, manifest: false }
  return { id, fork: 0, block: { index, nodes: 0 }, priority: 0, ...nothing }
}
