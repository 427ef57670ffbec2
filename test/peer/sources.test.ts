/** Many who have the same log, and many who want it: who is asked for which block, and how often each travels. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { KeyPair } from '@hyperswarm/secret-stream'
import type { ReplicatorPeer } from 'hypercore'
import DHT from 'hyperdht'
import { Blocks } from '../../src/peer/drive/blocks'
import { proveWithFirstBlock } from '../../src/peer/hypercore/firstRequests'
import { expectBlocks } from '../../src/peer/hypercore/scheduling'
import { eventually } from '../support/eventually'
import { Machine } from '../support/machines'

const BLOCK = 256 * 1024
const MB = 1_000_000
/** Bytes a second: faster than any source here. */
const FAST = 100 * MB

describe('many sources of one log', () => {
  const machines: Machine[] = []
  let keyPair: KeyPair
  let content: Buffer[]

  beforeEach(() => {
    keyPair = DHT.keyPair()
  })
  afterEach(async () => {
    await Promise.all(machines.splice(0).map(machine => machine.stop()))
  })

  /** A machine that has all of the log. */
  const source = async (rate: number, isStock = false): Promise<Machine> => {
    const machine = await Machine.start(rate, { keyPair }, isStock)
    machines.push(machine)
    await machine.log.append(content)
    return machine
  }

  const sources = async (blocks: number, ...rates: readonly number[]): Promise<Machine[]> => {
    content = Array.from({ length: blocks }, () => randomBytes(BLOCK))
    return Promise.all(rates.map(rate => source(rate)))
  }

  /** A machine that has nothing of it yet, connected to those who have. */
  const receiver = async (
    from: readonly Machine[],
    rate = FAST,
    isStock = false,
    window?: number,
  ): Promise<Machine> => {
    const machine = await Machine.start(rate, { key: from[0]?.log.key ?? Buffer.alloc(0) }, isStock)
    machines.push(machine)
    for (const one of from) machine.connect(one, window)
    await machine.log.update({ wait: true })
    await eventually('all have said what they have', () => {
      const { peers } = machine.log
      return (
        peers.length === from.length && peers.every(peer => peer.remoteContiguousLength === content.length)
      )
    })
    return machine
  }

  /** The same, which does not know how long the log is either. */
  const newcomer = async (from: readonly Machine[]): Promise<Machine> => {
    const machine = await Machine.start(FAST, { key: from[0]?.log.key ?? Buffer.alloc(0) })
    machines.push(machine)
    proveWithFirstBlock(machine.log)
    expectBlocks(machine.log, BLOCK)
    for (const one of from) machine.connect(one)
    await eventually('all have said what they have', () => {
      const { peers } = machine.log
      return (
        peers.length === from.length && peers.every(peer => peer.remoteContiguousLength === content.length)
      )
    })
    assert.equal(machine.log.length, 0)
    return machine
  }

  it('send no block twice, and each sends as much as it can', async () => {
    const all = await sources(64, 2 * MB, 2 * MB, 2 * MB, 2 * MB)
    await readAll(await receiver(all))
    const sent = all.map(({ blocksSent }) => blocksSent)
    assert.ok(sum(sent) <= 66, `64 blocks were sent ${sum(sent)} times: ${sent.join(', ')}`)
    assert.ok(Math.min(...sent) >= 9, `they sent ${sent.join(', ')}`)
  })

  it('do not wait for the slow one among them', async () => {
    const [fast, slow] = await sources(48, 4 * MB, 0.01 * MB)
    assert.ok(fast && slow)
    const took = await readAll(await receiver([slow, fast]), 12)
    const alone = BLOCK / 10 // milliseconds that the slow one needs for one block
    assert.ok(took < alone, `it took ${Math.round(took)} ms`)
    assert.ok(fast.blocksSent >= 46, `the fast one sent ${fast.blocksSent}`)
  })

  it('are asked for little before it is known how fast they are', async () => {
    const [fast, slow, other] = await sources(64, 8 * MB, 0.2 * MB, 0.2 * MB)
    assert.ok(fast && slow && other)
    await readAll(await receiver([slow, other, fast]))
    const sent = [slow.blocksSent, other.blocksSent]
    assert.ok(Math.max(...sent) <= 5, `the slow ones sent ${sent.join(' and ')}`)
  })

  it('are asked how long the log is before any large block, which would be waited for', async () => {
    const all = await sources(8, 8 * MB, 8 * MB, 8 * MB)
    const asked: string[] = []
    const blocksAsked: number[] = []
    for (const { log } of all)
      log.on('peer-add', (peer: ReplicatorPeer) => {
        const { onrequest } = peer
        peer.onrequest = request => {
          if (request.upgrade !== null) asked.push(request.block === null ? 'alone' : 'with a block')
          if (request.block !== null) blocksAsked.push(request.block.index)
          return onrequest.call(peer, request)
        }
      })
    const reader = await newcomer(all)
    const blocks = new Blocks(reader.log, '/file', { timeout: 20_000, isPatient: true })
    await Promise.all(content.map((_, index) => blocks.get(index)))
    blocks.close()
    assert.deepEqual(asked, ['alone'])
    // Any of them may be slow, and the rest would wait for the first block.
    assert.ok(!blocksAsked.slice(0, 3).includes(0), `they were asked for ${blocksAsked.join(', ')}`)
  })

  it('lose the first block to whoever comes later, when it takes them long', async () => {
    const [slow, fast] = await sources(8, 0.02 * MB, 8 * MB)
    assert.ok(slow && fast)
    const reader = await newcomer([slow])
    const [first] = reader.log.peers
    const came: string[] = []
    reader.log.on('download', (_index, _bytes, peer) => came.push(peer === first ? 'slow' : 'fast'))
    const blocks = new Blocks(reader.log, '/file', { timeout: 20_000, isPatient: true })
    const reading = content.map((_, index) => blocks.get(index))
    for (const block of reading) block.catch(() => {}) // taken back at the end
    await eventually('the slow one was asked', () => slow.blocksSent === 1)
    reader.connect(fast)
    await eventually('a block came', () => came.length > 0)
    blocks.close()
    assert.equal(came[0], 'fast')
  })

  it('lose what they were asked for to others when they fall silent', async () => {
    const [steady, other] = await sources(64, 3 * MB, 3 * MB)
    assert.ok(steady && other)
    const reader = await receiver([steady, other])
    const reading = readAll(reader)
    await eventually('both have sent some', () => other.blocksSent > 8 && steady.blocksSent > 8)
    other.uplink.rate = 0
    const before = other.blocksSent
    await reading
    assert.ok(other.blocksSent <= before + 8, `it was asked for ${other.blocksSent - before} more`)
    other.uplink.rate = 3 * MB
  })

  it('lose at most little to one that has all and gives nothing, stock Hyperdrive clients among them', async () => {
    const ours = await sources(64, 2 * MB, 2 * MB)
    const stock = await Promise.all([source(2 * MB, true), source(2 * MB, true)])
    const liar = await source(2 * MB)
    let asked = 0
    liar.log.on('peer-add', peer => {
      peer.onrequest = async () => {
        asked++
      }
    })
    const took = await readAll(await receiver([liar, ...ours, ...stock]))
    assert.ok(took < 15_000, `it took ${Math.round(took)} ms`)
    assert.ok(asked > 0 && asked <= 20, `the liar was asked for ${asked} blocks`)
    for (const machine of stock)
      assert.ok(machine.blocksSent >= 8, `a stock client sent ${machine.blocksSent}`)
  })

  it('give what somebody waits for before what a copy asked for ahead', async () => {
    const [only] = await sources(48, 1 * MB)
    assert.ok(only)
    const { log } = await receiver([only])
    const came: number[] = []
    log.on('download', index => came.push(index))
    const copy = new Blocks(log, '/file', { timeout: 20_000, isPatient: true })
    const ahead = Array.from({ length: 40 }, (_, index) => copy.get(index))
    for (const block of ahead) block.catch(() => {}) // taken back at the end
    await eventually('the copy has begun', () => came.length > 16)
    const before = came.length
    const editor = new Blocks(log, '/file', { timeout: 20_000 })
    await editor.get(47)
    assert.ok(came.length - before < 12, `${came.length - before} blocks came first`)
    copy.close()
    editor.close()
  })

  it('are the receivers too: they give each other what the sharer sends once', async () => {
    const [sharer] = await sources(48, 3 * MB)
    assert.ok(sharer)
    const crowd = await Promise.all([1, 2, 3, 4].map(() => receiver([sharer], 3 * MB)))
    for (const [place, one] of crowd.entries()) for (const other of crowd.slice(place + 1)) one.connect(other)
    await eventually('all are connected', () => crowd.every(({ log }) => log.peers.length === crowd.length))
    const out = outOfOrder(sharer)
    await Promise.all(crowd.map(one => readAll(one)))
    assert.ok(sharer.blocksSent <= 1.25 * 48, `the sharer sent 48 blocks ${sharer.blocksSent} times`)
    assert.ok(
      out.size <= 10,
      `what fell to a receiver came later than its later blocks: ${[...out].join(', ')}`,
    )
  })

  it('are not asked for the same by receivers that have not met yet', async () => {
    const [sharer] = await sources(64, 3 * MB)
    assert.ok(sharer)
    const crowd = await Promise.all([1, 2, 3, 4].map(() => receiver([sharer], 3 * MB)))
    const reading = crowd.map(one => readAll(one))
    await eventually('a third was sent', () => sharer.blocksSent >= 21)
    const twice = sharer.blocksSent - sharer.sent.size
    assert.ok(twice <= 10, `of ${sharer.blocksSent} blocks ${twice} were sent before`)
    for (const [place, one] of crowd.entries()) for (const other of crowd.slice(place + 1)) one.connect(other)
    await Promise.all(reading)
    assert.ok(sharer.blocksSent <= 1.5 * 64, `the sharer sent 64 blocks ${sharer.blocksSent} times`)
  })
})

describe('ten receivers of one sharer', () => {
  const machines: Machine[] = []
  afterEach(async () => {
    await Promise.all(machines.splice(0).map(machine => machine.stop()))
  })

  /** Ten that know nobody else, each with so much of its own in the sharer's line. */
  const crowd = async (blocks: number, rate: number, windows: readonly number[]) => {
    const keyPair = DHT.keyPair()
    const start = async (rate: number, log: { keyPair: KeyPair } | { key: Uint8Array }) => {
      const machine = await Machine.start(rate, log)
      machines.push(machine)
      return machine
    }
    const sharer = await start(rate, { keyPair })
    await sharer.log.append(Array.from({ length: blocks }, () => randomBytes(BLOCK)))
    const { key } = sharer.log
    assert.ok(key)
    const receivers = await Promise.all(
      windows.map(async window => {
        const one = await start(FAST, { key })
        one.connect(sharer, window)
        await one.log.update({ wait: true })
        return one
      }),
    )
    return { sharer, receivers }
  }

  it('have equal parts within a fifth, although the line prefers some of them', async () => {
    const windows = Array.from({ length: 10 }, (_, at) => (at < 3 ? 256 * 1024 : 16 * 1024))
    const { receivers } = await crowd(40, 12 * MB, windows)
    const began = receivers.map(({ bytesReceived }) => bytesReceived)
    const reading = receivers.map(one => readAll(one))
    const parts = () => receivers.map(({ bytesReceived }, at) => (bytesReceived - (began[at] ?? 0)) / MB)
    // Late enough for a lead of a few blocks, which the first ones have, not to count.
    await eventually('most of all has come', () => sum(parts()) > (7.5 * 40 * BLOCK) / MB)
    const had = parts()
    const mean = sum(had) / had.length
    for (const one of had)
      assert.ok(Math.abs(one - mean) <= mean / 5, `they had ${had.map(n => n.toFixed(2)).join(', ')} MB`)
    await Promise.all(reading)
  })
})

/** Reads all blocks, so many asked for ahead, as a copy does. → milliseconds */
async function readAll({ log }: Machine, ahead = 32): Promise<number> {
  const began = performance.now()
  const blocks = new Blocks(log, '/file', { timeout: 20_000, isPatient: true })
  const waiting: Promise<Buffer>[] = []
  for (let next = 0, read = 0; read < log.length; read++) {
    for (; next < log.length && next < read + ahead; next++) waiting.push(blocks.get(next))
    await waiting.shift()
  }
  blocks.close()
  return performance.now() - began
}

/** Blocks that a machine sends for the first time, to one whom it sent a later one before. Grows as it sends. */
function outOfOrder({ log, sent }: Machine): ReadonlySet<number> {
  const out = new Set<number>()
  const last = new Map<ReplicatorPeer, number>()
  log.on('upload', (index: number, _bytes: number, peer: ReplicatorPeer) => {
    const before = last.get(peer) ?? -1
    if (sent.get(index) === 1 && index < before) out.add(index)
    last.set(peer, Math.max(index, before))
  })
  return out
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0)
}
