/** Which blocks of a log are in use, and which are not: against the plainest way to tell. */
import assert from 'node:assert/strict'
import { BlockReferences } from '../../src/peer/drive/blockReferences'
import type { BlobRef } from '../../src/peer/drive/format/entry'
import {
  type BlockRuns,
  countBlocks,
  intersectRuns,
  isInRuns,
  slicesOf,
  unusedRuns,
} from '../../src/peer/hypercore/blockRuns'
import { randomFrom } from '../support/torture'

const LENGTH = 60

describe('blocks in use', () => {
  it('are those that at least one entry names, whatever else names them too', () => {
    const references = new BlockReferences()
    references.add({ blob: blob(4, 3) })
    references.add({ blob: blob(4, 3), pack: { block: 20, offset: 0 } })
    references.add({ blob: blob(6, 2) })
    references.add({ blob: blob(9, 0) })
    assert.deepEqual(references.runs(), [
      { start: 4, end: 8 },
      { start: 20, end: 21 },
    ])
    assert.equal(references.isIncomplete, false)
  })

  it('are not known where an entry names a map of blocks', () => {
    const references = new BlockReferences()
    references.add({ blob: { ...blob(4, 1), blockMap: true } })
    assert.equal(references.isIncomplete, true)
  })

  it('and those that are not are told apart as a list of all blocks would, in two thousand random logs', () => {
    const random = randomFrom(7)
    const below = (limit: number) => Math.floor(random() * limit)
    for (let round = 0; round < 2_000; round++) {
      const held = Array.from({ length: LENGTH }, () => random() < 0.7)
      const named = new Set<number>()
      const references = new BlockReferences()
      for (let entry = below(12); entry > 0; entry--) {
        const [start, length] = [below(LENGTH + 10), below(6)]
        const pack = below(LENGTH + 10)
        references.add({ blob: blob(start, length), pack: { block: pack, offset: 0 } })
        named.add(pack)
        for (let at = 0; at < length; at++) named.add(start + at)
      }
      const used = references.runs()
      assert.deepEqual(blocksOf(used), [...named].sort(byNumber))
      const unused = unusedRuns(bitfieldOf(held), LENGTH, used)
      const plain = held.flatMap((here, block) => (here && !named.has(block) ? [block] : []))
      assert.deepEqual(blocksOf(unused), plain)

      const others = Array.from({ length: LENGTH }, () => random() < 0.5)
      const both = intersectRuns(unused, unusedRuns(bitfieldOf(others), LENGTH, []))
      assert.deepEqual(
        blocksOf(both),
        plain.filter(block => others[block]),
      )
      const slices = [...slicesOf(unused, 1 + below(5), 1 + below(3))]
      assert.deepEqual(slices.flatMap(blocksOf), plain)
      const [start, length] = [below(LENGTH), below(4)]
      const all = Array.from({ length }, (_, at) => named.has(start + at)).every(Boolean)
      assert.equal(isInRuns(used, start, length), all, `${start}+${length} in ${JSON.stringify(used)}`)
    }
  })

  it('cost no more when a million entries name the same million blocks', () => {
    const references = new BlockReferences()
    for (let entry = 0; entry < 1_000_000; entry++) references.add({ blob: blob(entry % 7, 1_000_000) })
    assert.equal(countBlocks(references.runs()), 1_000_006)
  })
})

function blob(blockOffset: number, blockLength: number): BlobRef {
  return { blockOffset, blockLength, byteOffset: blockOffset * 10, byteLength: blockLength * 10 }
}

function blocksOf(runs: BlockRuns): number[] {
  return runs.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, at) => start + at))
}

function bitfieldOf(bits: readonly boolean[]) {
  const find = (value: boolean) => (position: number) => {
    for (let at = position; at < bits.length; at++) if (bits[at] === value) return at
    return value ? -1 : Math.max(position, bits.length)
  }
  return { firstSet: find(true), firstUnset: find(false) }
}

function byNumber(a: number, b: number): number {
  return a - b
}
