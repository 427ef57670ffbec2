/** Messages over UDX: large ones come in few pieces, and the end of none waits for the next. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { NoiseStream } from '@hyperswarm/secret-stream'
import DHT from 'hyperdht'
import Hyperswarm from 'hyperswarm'
import { readInBulk } from '../../src/peer/hypercore/bulkReads'
import { type LocalDht, startLocalDht } from '../support/localDht'

const KiB = 1024
const MiB = 1024 * KiB
/** Bytes: what UDX gathers at most, and what must be missing of a message that it may gather. */
const BUFFER = 66 * KiB
const MUCH = 80 * KiB

describe('messages over UDX', () => {
  let dht: LocalDht
  const swarms: Hyperswarm[] = []
  let sender: NoiseStream
  let receiver: NoiseStream

  before(async () => {
    dht = await startLocalDht()
    const topic = randomBytes(32)
    const met = []
    for (const _ of ['sender', 'receiver']) {
      const node = new DHT({ bootstrap: [dht.bootstrap] })
      readInBulk(node)
      const swarm = new Hyperswarm({ dht: node })
      swarms.push(swarm)
      met.push(once(swarm, 'connection'))
      await swarm.join(topic).flushed()
    }
    ;[[sender], [receiver]] = (await Promise.all(met)) as [[NoiseStream], [NoiseStream]]
  })
  after(async () => {
    for (const stream of [sender, receiver]) stream.on('error', () => {}) // one of the two ends first
    for (const swarm of swarms) await swarm.destroy()
    await dht.stop()
  })

  async function arrives(messages: readonly Buffer[]): Promise<void> {
    const received: Buffer[] = []
    const all = new Promise<void>(resolve => {
      const take = (message: Buffer) => {
        if (received.push(message) < messages.length) return
        receiver.off('data', take)
        resolve()
      }
      receiver.on('data', take)
    })
    for (const message of messages) sender.write(message)
    await all
    messages.forEach((message, index) => {
      assert.ok(received[index]?.equals(message), `message ${index} of ${message.length} bytes`)
    })
  }

  it('come in pieces of many datagrams when they are large', async () => {
    let pieces = 0
    const count = () => pieces++
    receiver.rawStream.on('data', count)
    await arrives(Array.from({ length: 8 }, () => randomBytes(MiB)))
    const datagrams = (8 * MiB) / 1_500
    assert.ok(pieces < datagrams / 5, `${pieces} pieces of at least ${Math.round(datagrams)} datagrams`)
  })

  it('come whole, each before the next is sent, whatever their size', async () => {
    for (const near of [1, KiB, BUFFER, MUCH, BUFFER + MUCH, 2 * MUCH, MiB])
      for (const bytes of [near, near + 1, near + 37, near + 700, near + 1_400, near + 1_500, near + 3_000])
        await arrives([randomBytes(bytes)])
  })

  it('come whole when they are sent together', async () => {
    const sizes = Array.from(
      { length: 300 },
      (_, index) => (index * 7_919) % (index % 3 === 0 ? 300 : 200_000),
    )
    await arrives(sizes.map(bytes => randomBytes(bytes + 1)))
  })
})
