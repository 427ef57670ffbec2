/**
 * What a stranger learns and can make others do by being connected: which shares there are, and whom this machine
 * connects to. Each attacker meets the real peer process of somebody who shares two folders.
 */
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:net'
import type { NoiseStream } from '@hyperswarm/secret-stream'
import c from 'compact-encoding'
import Hypercore from 'hypercore'
import DHT from 'hyperdht'
import type Hyperdrive from 'hyperdrive'
import Hyperswarm from 'hyperswarm'
import Protomux from 'protomux'
import type { ShareId } from '../../src/common/brand'
import { parseLink } from '../../src/common/link'
import { peerIdOf } from '../../src/peer/keys'
import { attackGroup, attackGroups } from '../support/attacks'
import { BlindPeer, type Place } from '../support/blindPeer'
import { eventually } from '../support/eventually'
import { makeTree, temporaryFolder } from '../support/folders'
import { HostilePeer, publicKeyOf } from '../support/hostilePeer'
import type { PeerProcess } from '../support/peerProcess'
import { udpPortsOf } from '../support/udpPorts'
import { withPeople } from '../support/withPeople'

/** What a share costs a stranger: nothing but its link. */
const keyOf = (link: string): Buffer => {
  const parsed = parseLink(link)
  assert.ok(parsed.ok)
  return Buffer.from(parsed.link.key, 'hex')
}

attackGroups('strangers', () => {
  const people = withPeople()
  let ann: PeerProcess
  let annsKey: Buffer
  let first: string
  let second: string
  let secondId: ShareId
  let attacker: HostilePeer

  before(async function () {
    this.timeout(90_000)
    const storage = temporaryFolder('ann')
    ann = await people.process({ storage })
    annsKey = publicKeyOf(storage)
    ;({ link: first } = await ann.share(await makeTree(temporaryFolder('first'), { 'a.txt': 'a' }), true))
    ;({ link: second, id: secondId } = await ann.share(
      await makeTree(temporaryFolder('second'), { 'b.txt': 'b' }),
      true,
    ))
    attacker = await HostilePeer.start(people.bootstrap)
  })
  after(() => attacker?.close())

  attackGroup('strangers that list what they are offered', () => {
    it('who has one share is offered its two logs and none of another', async () => {
      const drive = await attacker.mirror(keyOf(first))
      await attacker.hideMirror()
      const connected = await attacker.connect(annsKey)
      assert.ok(connected !== undefined)
      const offered = offersOn(connected.stream)
      say(connected.stream, { type: 'hello', name: '', tcp: null })
      await attacker.replicate(drive, connected.stream)
      await settled(connected.stream)
      assert.deepEqual([...offered].sort(), (await logsOf(drive)).sort())
    })

    it('who knows nothing but the topic of a share is offered its path log alone', async () => {
      const topic = Hypercore.discoveryKey(keyOf(second))
      const [host = '', port] = people.bootstrap.split(':')
      const crawler = new Hyperswarm({ dht: new DHT({ bootstrap: [{ host, port: Number(port) }] }) })
      const found: { stream: NoiseStream; offered: ReadonlySet<string> }[] = []
      crawler.on('connection', (stream: NoiseStream) => {
        stream.on('error', () => {})
        found.push({ stream, offered: offersOn(stream) })
      })
      try {
        await crawler.join(topic, { server: true, client: false }).flushed()
        // Ann looks for peers of it at once, and again only minutes later.
        await ann.request('share.stop', { id: secondId })
        await ann.request('share.start', { id: secondId })
        await eventually('it is found by its topic, and offered something', () =>
          found.some(({ offered }) => offered.size > 0),
        )
        await Promise.all(found.map(({ stream }) => settled(stream)))
        for (const { offered } of found) assert.deepEqual([...offered], [topic.toString('hex')])
      } finally {
        await crawler.destroy()
      }
    })
  })

  attackGroup('peers that say they are somewhere else', () => {
    let liar: BlindPeer
    let annsPlace: Place

    /** Where she may be. A connection may come from a port that was opened for it alone. */
    const placesOfAnn = async (): Promise<readonly Place[]> => {
      const ports = udpPortsOf(ann.process.pid)
      if (ports.length > 0) return ports.map(port => ({ host: '127.0.0.1', port }))
      const connected = await attacker.connect(annsKey)
      connected?.stream.destroy()
      const { remoteHost = '', remotePort = 0 } = connected?.stream.rawStream ?? {}
      return [{ host: remoteHost ?? '', port: remotePort }]
    }

    before(async () => {
      liar = await BlindPeer.start(people.bootstrap)
      await eventually('it is known where the node of ann is', async () => {
        for (const place of await placesOfAnn()) {
          annsPlace = place
          if (await liar.isNodeAt(place)) return true
        }
        return false
      })
    })
    after(() => liar.close())

    it('cannot make this machine connect to a third party, nor be shown at its address', async () => {
      const third = await ThirdParty.at('127.0.0.77')
      try {
        const keyPair = DHT.keyPair()
        const claimed = { host: '127.0.0.77', port: third.port }
        const stream = await liar.connect(annsKey, annsPlace, claimed, keyPair)
        const control = say(
          stream,
          { type: 'hello', name: 'third', tcp: { port: third.port, addresses: [] } },
          { type: 'your-turn' },
          { type: 'answer', challenge: '' },
        )
        const id = peerIdOf(keyPair.publicKey)
        const shown = async () => (await ann.state()).peers.find(peer => peer.id === id)
        await eventually('it has been heard', async () => (await shown())?.name === 'third')
        const address = (await shown())?.address
        control?.send(null)
        await ann.process.line(line => line.includes(`peer ${id} is turned away`))
        assert.equal(third.connections, 0)
        assert.equal(address, undefined)
      } finally {
        await third.close()
      }
    })

    it('do not slip past the bound for one address by naming many', async () => {
      for (let at = 1; at <= 40; at++) {
        const stream = await liar.connect(annsKey, annsPlace, { host: `127.0.1.${at}`, port: 9 })
        say(stream, { type: 'hello', name: `crowd ${at}`, tcp: null })
      }
      const crowd = async () => (await ann.state()).peers.filter(({ name }) => name.startsWith('crowd'))
      await eventually('the last is here', async () =>
        (await crowd()).some(({ name }) => name === 'crowd 40'),
      )
      assert.ok((await crowd()).length <= 16)
      assert.ok(await attacker.isLetIn(annsKey, DHT.keyPair()), 'others are kept out')
    })
  })
})

/** The logs that the other side opens channels for, from now on (discovery keys, hex). */
function offersOn(stream: NoiseStream): ReadonlySet<string> {
  const offered = new Set<string>()
  const mux = Protomux.from(stream)
  const open = mux._onopensession.bind(mux)
  mux._onopensession = state => {
    const copy = { buffer: state.buffer, start: state.start, end: state.end }
    c.uint.decode(copy)
    const protocol = c.string.decode(copy)
    const id = c.optionalBuffer.decode(copy)
    if (protocol.startsWith('hypercore') && id !== null) offered.add(id.toString('hex'))
    return open(state)
  }
  return offered
}

/** Resolves when the other side has answered what comes after all that it has sent. */
async function settled(stream: NoiseStream): Promise<void> {
  const channel = Protomux.from(stream).createChannel({ protocol: 'unknown' })
  channel?.open()
  assert.equal(await channel?.fullyOpened(), false)
}

async function logsOf(drive: Hyperdrive): Promise<string[]> {
  const { core } = await drive.getBlobs()
  return [drive.core, core].map(log => log.discoveryKey.toString('hex'))
}

function say(
  stream: NoiseStream,
  ...messages: readonly unknown[]
): { send(value: unknown): boolean } | undefined {
  const channel = Protomux.from(stream).createChannel({ protocol: 'peerfold/1' })
  const control = channel?.addMessage<unknown>({ encoding: c.json })
  channel?.open()
  for (const message of messages) control?.send(message)
  return control
}

/** Somebody who has nothing to do with it, and counts who connects. */
class ThirdParty {
  connections = 0

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {
    server.on('connection', socket => {
      this.connections++
      socket.destroy()
    })
  }

  static async at(host: string): Promise<ThirdParty> {
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, host, resolve))
    const address = server.address()
    assert.ok(typeof address === 'object' && address !== null)
    return new ThirdParty(server, address.port)
  }

  async close(): Promise<void> {
    await new Promise<void>(resolve => this.server.close(() => resolve()))
  }
}
