/** Blocks of a log are cleared, and all others are given to others as before. */
import assert from 'node:assert/strict'
import type { Duplex } from 'node:stream'
import Corestore from 'corestore'
import type Hypercore from 'hypercore'
import { type BlockRun, type BlockRuns, countBlocks } from '../../src/peer/hypercore/blockRuns'
import { clearBlocks } from '../../src/peer/hypercore/clearBlocks'
import { within } from '../../src/peer/time'
import { eventually } from '../support/eventually'
import { temporaryFolder } from '../support/folders'
import { olderHypercore } from '../support/olderHypercore'
import { randomFrom } from '../support/torture'

const BLOCKS = 37

/** Whoever reads what we cleared runs our Hypercore or an older one. */
const READERS = { 'this Hypercore': () => Corestore, 'hypercore 11.37.1': () => olderHypercore().Corestore }

describe('clearing blocks', () => {
  for (const [name, storeOf] of Object.entries(READERS)) {
    it(`takes nothing from their neighbours: a fresh reader with ${name} can have each`, async () => {
      const random = randomFrom(3)
      const cases: BlockRuns[] = [[{ start: 1, end: 2 }], [{ start: 2, end: 4 }], [{ start: 5, end: 7 }]]
      for (let round = 0; round < 3; round++) cases.push(randomRuns(random))
      for (const runs of cases) await servesTheRest(runs, storeOf())
    }).timeout(60_000)

    it(`leaves a connected reader with ${name} what it knew of the others`, async () => {
      await withLog(temporaryFolder('store'), async log => {
        await log.append(blocks(100))
        await withReader(log, storeOf(), async reader => {
          await reader.connect()
          const known = () => {
            const [peer] = reader.copy.peers
            return Array.from({ length: 100 }, (_, at) => at).filter(
              at => peer && (at < peer.remoteContiguousLength || peer.remoteBitfield.get(at)),
            )
          }
          await eventually('it knows all blocks', () => known().length === 100)
          await clearBlocks(log, [{ start: 5, end: 6 }], NEVER, () => true)
          await eventually('it knows that one is gone', () => !known().includes(5))
          await eventually('it knows all others', () => known().length === 99)
        })
      })
    })

    it(`lets a reader with ${name} go on that came no further than what is cleared`, async () => {
      await withLog(temporaryFolder('store'), async log => {
        await withReader(log, storeOf(), async reader => {
          await twoVersionsLater(log, reader, run => clearBlocks(log, [run], NEVER, () => true))
          await reader.connect()
          assert.equal(reader.copy.length, 24)
          assert.equal(String(await reader.copy.get(20, { timeout: 3_000 })), 'block 8')
        })
      })
    })
  }

  it("is not left to Hypercore's own clear(), as long as that forgets what such a reader needs", async () => {
    await withLog(temporaryFolder('store'), async log => {
      await withReader(log, Corestore, async reader => {
        await twoVersionsLater(log, reader, ({ start, end }) => log.clear(start, end))
        const reading = log.core.state.storage.read()
        const hash = reading.getTreeNode(HASH_ABOVE_6_AND_7)
        reading.tryFlush()
        assert.equal(await hash, null)
      })
    })
  })

  it('is kept over a restart, and counts the bytes', async () => {
    const folder = temporaryFolder('store')
    await withLog(folder, async log => {
      await log.append(Array.from({ length: 70_000 }, (_, at) => Buffer.from(`block ${at}`)))
      const runs = [
        { start: 3, end: 4 },
        { start: 9, end: 40_000 },
      ]
      const expected = blocksOf(runs).reduce((sum, at) => sum + `block ${at}`.length, 0)
      assert.equal(await clearBlocks(log, runs, NEVER, () => true), expected)
      assert.equal(log.contiguousLength, 3)
    })
    await withLog(folder, async log => {
      for (const at of [0, 2, 4, 8, 40_000, 69_999])
        assert.equal(String(await log.get(at, { wait: false })), `block ${at}`)
      for (const at of [3, 9, 32_767, 32_768, 39_999]) {
        assert.equal(log.core.bitfield.get(at), false)
        assert.equal(await log.get(at, { wait: false }), null)
      }
      assert.equal(log.contiguousLength, 3)
      assert.equal(log.core.bitfield.count(0, 70_000, true), 70_000 - 1 - 39_991)
      await log.append([Buffer.from('more')])
      assert.equal(log.length, 70_001)
    })
  })
})

const NEVER = new AbortController().signal
/** Its place in the tree of hashes: what a log of six blocks needs first to grow. */
const HASH_ABOVE_6_AND_7 = 13

/** A reader has six blocks of a log. While it is away two more versions come, and what they supersede goes. */
async function twoVersionsLater(
  log: Hypercore,
  reader: Reader,
  clear: (run: BlockRun) => Promise<unknown>,
): Promise<void> {
  await log.append(blocks(6))
  await reader.connect()
  reader.disconnect()
  await log.append(blocks(6))
  await clear({ start: 0, end: 6 })
  await log.append(blocks(12))
  await clear({ start: 6, end: 12 })
}

async function servesTheRest(runs: BlockRuns, Store: typeof Corestore): Promise<void> {
  await withLog(temporaryFolder('store'), async log => {
    await log.append(blocks(BLOCKS))
    for (const run of runs) await clearBlocks(log, [run], NEVER, () => true)
    await withReader(log, Store, async reader => {
      await reader.connect()
      const cleared = new Set(blocksOf(runs))
      const left = Array.from({ length: BLOCKS }, (_, at) => at).filter(at => !cleared.has(at))
      for (const at of left) {
        const block = String(await reader.copy.get(at, { timeout: 3_000 }))
        assert.equal(block, `block ${at}`, `${at} of ${JSON.stringify(runs)}`)
      }
      assert.equal(reader.copy.core.bitfield.count(0, BLOCKS, true), BLOCKS - countBlocks(runs))
    })
  })
}

/** Somebody else's copy of a log, which starts with nothing. */
interface Reader {
  readonly copy: Hypercore
  /** Resolves when it is as long as the log. */
  connect(): Promise<void>
  disconnect(): void
}

async function withReader(
  log: Hypercore,
  Store: typeof Corestore,
  use: (reader: Reader) => Promise<void>,
): Promise<void> {
  const store = new Store(temporaryFolder('reader'))
  await store.ready()
  const copy = store.get({ key: log.key })
  await copy.ready()
  const streams: Duplex[] = []
  const disconnect = () => {
    for (const stream of streams.splice(0)) stream.destroy()
  }
  const connect = async () => {
    const [ours, theirs] = [log.replicate(true), copy.replicate(false)]
    streams.push(ours, theirs)
    ours.pipe(theirs).pipe(ours)
    await within(copy.update({ wait: true }), 5_000)
  }
  await use({ copy, connect, disconnect })
  disconnect()
  await store.close()
}

function blocks(count: number): Buffer[] {
  return Array.from({ length: count }, (_, at) => Buffer.from(`block ${at}`))
}

async function withLog(folder: string, use: (log: Hypercore) => Promise<void>): Promise<void> {
  const store = new Corestore(folder)
  await store.ready()
  const log = store.get({ name: 'log' })
  await log.ready()
  await use(log)
  await store.close()
}

function randomRuns(random: () => number): BlockRuns {
  const runs: { start: number; end: number }[] = []
  for (let at = 0; at < BLOCKS - 1; ) {
    const start = at + Math.floor(random() * 6)
    const end = Math.min(BLOCKS, start + 1 + Math.floor(random() * 5))
    if (start < end) runs.push({ start, end })
    at = end + 1
  }
  return runs
}

function blocksOf(runs: BlockRuns): number[] {
  return runs.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, at) => start + at))
}
