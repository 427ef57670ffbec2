/** Who is blamed for blocks that do not come: the clock of conduct.ts is the true one, so this mostly waits. */
import assert from 'node:assert/strict'
import { type Duplex, duplexPair } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import NoiseSecretStream, { type KeyPair, type NoiseStream } from '@hyperswarm/secret-stream'
import Corestore from 'corestore'
import type Hypercore from 'hypercore'
import type { ReplicatorPeer } from 'hypercore'
import DHT from 'hyperdht'
import { PeerConduct } from '../../src/peer/network/guard/conduct'
import type { PeerLink } from '../../src/peer/network/link'
import { eventually } from '../support/eventually'
import { temporaryFolder } from '../support/folders'

const BLOCKS = 400

describe('a peer that owes blocks', () => {
  const stores = ['source', 'reader'].map(name => new Corestore(temporaryFolder(name)))
  const streams: NoiseStream[] = []
  const blamed: string[] = []
  const links = new Map<string, PeerLink>()
  const conduct = new PeerConduct(links, {
    offended: (_link, what) => blamed.push(what),
    onStoreError: error => assert.fail(String(error)),
  })
  let reader: Hypercore
  let source: Hypercore

  before(async () => {
    const [there, here] = stores
    assert.ok(there && here)
    source = there.get({ name: 'log' })
    await source.ready()
    await source.append(Array.from({ length: BLOCKS }, (_, at) => Buffer.from(`block ${at}`)))
    reader = here.get({ key: source.key })
    await reader.ready()
    conduct.watch(reader)
  })
  after(async () => {
    conduct.close()
    for (const stream of streams) stream.destroy()
    for (const store of stores) await store.close()
  })

  /** Both ends of a new stream to the source, which gives blocks over it, or never does. */
  async function connect(keyPair: KeyPair, gives: boolean): Promise<void> {
    const [near, far] = duplexPair()
    const [ours, theirs] = [noise(true, near, DHT.keyPair()), noise(false, far, keyPair)]
    streams.push(ours, theirs)
    await Promise.all([ours.opened, theirs.opened])
    const key = keyPair.publicKey.toString('hex')
    const all = [...(links.get(key)?.carried.all ?? []), ours]
    links.set(key, { greeted: true, carried: { all } } as unknown as PeerLink)
    if (!gives)
      source.on('peer-add', (peer: ReplicatorPeer & { onrequest(): Promise<void> }) => {
        if (peer.stream === theirs) peer.onrequest = async () => {}
      })
    source.replicate(theirs)
    reader.replicate(ours)
    await eventually('it says what it has', () =>
      reader.peers.some(({ stream, remoteOpened }) => stream === ours && remoteOpened),
    )
  }

  it('on a dead stream is not blamed because it gives them over another, and is because somebody else does', async () => {
    const keyPair = DHT.keyPair()
    await connect(keyPair, false)
    reader.download({ start: 0, end: BLOCKS })
    await eventually('it is asked', () => reader.peers.some(({ inflight }) => inflight > 0))
    await connect(keyPair, true)
    const looks = 8
    for (let look = 0; look < looks; look++) await delay(2_000)
    assert.ok(
      reader.peers.some(({ inflight }) => inflight > 0),
      'it still owes',
    )
    assert.equal(blamed.join(), '')
    await connect(DHT.keyPair(), true)
    await eventually('it is blamed', () => blamed.includes('it did not answer'))
  })
})

function noise(isInitiator: boolean, end: Duplex, keyPair: KeyPair): NoiseStream {
  const made: unknown = new NoiseSecretStream(isInitiator, end, { keyPair })
  const stream = made as NoiseStream
  stream.on('error', () => {}) // one of the two ends first
  return stream
}
