/** Room for datagrams in the sockets that links go through, asked of the system itself. */
import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import Corestore from 'corestore'
import DHT from 'hyperdht'
import { makePacketRoom } from '../../src/peer/hypercore/packetRoom'
import { DEFAULT_LIMITS } from '../../src/peer/limits'
import { Network } from '../../src/peer/network/swarm'
import { eventually } from '../support/eventually'
import { temporaryFolder } from '../support/folders'
import { withPeople } from '../support/withPeople'

const MOST = '/proc/sys/net/core/rmem_max'
/** Bytes: what UDX lets one peer have on their way. */
const WINDOW = 4 * 1024 * 1024

describe('room for datagrams', () => {
  const people = withPeople()
  const networks: Network[] = []
  const stores: Corestore[] = []

  before(async () => {
    const [one, other] = [new Corestore(temporaryFolder('one')), new Corestore(temporaryFolder('other'))]
    stores.push(one, other)
    const log = one.get({ name: 'log' })
    await log.ready()
    const copy = other.get({ key: log.key })
    await copy.ready()
    for (const core of [log, copy]) {
      const network = new Network({
        keyPair: DHT.keyPair(),
        bootstrap: [people.bootstrap],
        name: () => '',
        tcp: () => false,
        isBlocked: () => false,
        limits: () => DEFAULT_LIMITS,
        log: () => {},
        onError: () => {},
      })
      networks.push(network)
      await network.join(core).announced
    }
    for (const network of networks) network.refresh()
    await eventually('they meet', () => networks.every(({ links }) => links.size === 1))
  })
  after(async () => {
    for (const network of networks) await network.close()
    for (const store of stores) await store.close()
  })

  const socketOf = (network: Network | undefined) => {
    const [link] = network?.links.values() ?? []
    const socket = link?.udx.rawStream.socket
    assert.ok(socket, 'there is no link')
    return socket
  }

  it('is enough for all that a peer may have on its way, or all that the system gives', function () {
    if (process.platform !== 'linux') return this.skip() // others tell what they give in ways of their own
    const given = 2 * Math.min(WINDOW, Number(readFileSync(MOST, 'utf8'))) // the system counts its own share too
    for (const network of networks) assert.equal(socketOf(network).getRecvBufferSize(), given)
  })

  it('stays as it was where the system refuses', async () => {
    const socket = socketOf(networks[0])
    await networks[0]?.close()
    assert.throws(() => socket.setRecvBufferSize(WINDOW), 'a closed socket took it')
    makePacketRoom(
      Object.assign(new EventEmitter(), { socket, remoteHost: null, remotePort: 0, write: () => false }),
    )
  })
})
