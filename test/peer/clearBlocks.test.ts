/** Blocks of a log are cleared, and all others are given to others as before. */
import assert from 'node:assert/strict'
import Corestore from 'corestore'
import type Hypercore from 'hypercore'
import { type BlockRuns, countBlocks } from '../../src/peer/drive/blockRuns'
import { clearBlocks } from '../../src/peer/drive/clearBlocks'
import { temporaryFolder } from '../support/folders'
import { randomFrom } from '../support/torture'

const BLOCKS = 37

describe('clearing blocks', () => {
  it('takes nothing from their neighbours: each can be had by a fresh reader', async () => {
    const random = randomFrom(3)
    const cases: BlockRuns[] = [[{ start: 1, end: 2 }], [{ start: 2, end: 4 }], [{ start: 5, end: 7 }]]
    for (let round = 0; round < 6; round++) cases.push(randomRuns(random))
    for (const runs of cases) await servesTheRest(runs)
  }).timeout(60_000)

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

async function servesTheRest(runs: BlockRuns): Promise<void> {
  await withLog(temporaryFolder('store'), async log => {
    await log.append(Array.from({ length: BLOCKS }, (_, at) => Buffer.from(`block ${at}`)))
    for (const run of runs) await clearBlocks(log, [run], NEVER, () => true)
    const reader = new Corestore(temporaryFolder('reader'))
    await reader.ready()
    const copy = reader.get({ key: log.key })
    await copy.ready()
    const [a, b] = [log.replicate(true), copy.replicate(false)]
    a.pipe(b).pipe(a)
    await copy.update({ wait: true })
    const cleared = new Set(blocksOf(runs))
    const left = Array.from({ length: BLOCKS }, (_, at) => at).filter(at => !cleared.has(at))
    for (const at of left)
      assert.equal(
        String(await copy.get(at, { timeout: 3_000 })),
        `block ${at}`,
        `${at} of ${JSON.stringify(runs)}`,
      )
    assert.equal(copy.core.bitfield.count(0, BLOCKS, true), BLOCKS - countBlocks(runs))
    a.destroy()
    b.destroy()
    await reader.close()
  })
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
