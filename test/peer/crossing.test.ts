/** Two peers that connect to each other at the same time. */
import assert from 'node:assert/strict'
import type { KeyPair, NoiseStream } from '@hyperswarm/secret-stream'
import DHT from 'hyperdht'
import { PeerSwarm } from '../../src/peer/hypercore/connecting'
import { eventually } from '../support/eventually'
import { withPeople } from '../support/withPeople'

/** Says something on every connection. */
class Meeting extends PeerSwarm {
  /** Connections that it had and has no more. */
  lost = 0
  private readonly open = new Set<NoiseStream>()

  constructor(keyPair: KeyPair, bootstrap: string) {
    const [host = '', port] = bootstrap.split(':')
    super({ keyPair, dht: new DHT({ bootstrap: [{ host, port: Number(port) }] }) })
    this.on('connection', (stream: NoiseStream) => {
      this.open.add(stream)
      stream.on('error', () => {}) // one of two is dropped
      stream.on('close', () => {
        this.open.delete(stream)
        this.lost++
      })
      stream.write(Buffer.from('here'))
    })
  }

  /** The connections that are open. Both ends of one have the same name. */
  get names(): string[] {
    return [...this.open].map(({ handshakeHash }) => handshakeHash.toString('hex'))
  }
}

/** Connects to whoever connects to it, and takes that connection only when its own has carried bytes both ways. */
class SlowToTake extends Meeting {
  /** Whether it has taken a connection, or dropped it. */
  crossed = false

  override _handleServerConnection(stream: NoiseStream): void {
    stream.on('error', () => {}) // the other one drops it
    this.joinPeer(stream.remotePublicKey)
    void eventually('its own is used', () => {
      const own = this._allConnections.get(stream.remotePublicKey)
      return own !== undefined && own.rawBytesRead > 0 && own.rawBytesWritten > 0
    }).then(() => {
      super._handleServerConnection(stream)
      this.crossed = true
    })
  }
}

describe('connections that cross', () => {
  const people = withPeople()
  const meetings: Meeting[] = []

  after(() => Promise.all(meetings.map(meeting => meeting.destroy({ force: true }))))

  it('both sides keep the same one, also when it has carried bytes before the other one comes', async () => {
    const keys = [DHT.keyPair(), DHT.keyPair()].sort((a, b) => Buffer.compare(a.publicKey, b.publicKey))
    const [less, greater] = keys
    assert.ok(less && greater)
    const slow = new SlowToTake(greater, people.bootstrap)
    const quick = new Meeting(less, people.bootstrap)
    meetings.push(slow, quick)
    for (const meeting of meetings) await meeting.listen()
    quick.joinPeer(greater.publicKey)
    await eventually('their connections cross', () => slow.crossed)
    await eventually('one is left', () => slow.names.length === 1 && quick.names.length === 1, 3_000)
    assert.deepEqual(slow.names, quick.names)
    assert.equal(slow.lost, 0, 'the one that the other side keeps was dropped')
  })
})
