/** Which files of copies hold which blocks. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type BlockHolder, BlockHolders } from '../../src/peer/inPlace/blockHolders'

/** Contents lie one behind the other in the log. */
const BLOCKS = 3

describe('files that hold blocks', () => {
  const place = fc.record({ content: fc.nat(6), folder: fc.constantFrom('/a', '/b'), name: fc.nat(3) })
  const change = fc.record({ place, isPut: fc.boolean() })

  const heldAt = ({
    content,
    folder,
    name,
  }: typeof place extends fc.Arbitrary<infer P> ? P : never): BlockHolder => ({
    first: content * BLOCKS,
    file: { folder, path: `/${name}`, size: 3_000_000, blocks: BLOCKS },
  })
  const keyOf = ({ first, file: { folder, path } }: BlockHolder) => `${first}:${folder}${path}`
  const keys = (all: Iterable<BlockHolder>) => [...all].map(keyOf).sort()

  it('are found by each of their blocks and by their places, whatever came and went before', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), changes => {
        const files = new BlockHolders()
        const known = new Map<string, BlockHolder>()
        for (const { place, isPut } of changes) {
          const held = heldAt(place)
          if (isPut) assert.deepEqual(files.put(held), [])
          else assert.equal(files.remove(held), known.has(keyOf(held)))
          if (isPut) known.set(keyOf(held), held)
          else known.delete(keyOf(held))
        }
        const all = [...known.values()]
        for (let block = 0; block < 8 * BLOCKS; block++) {
          const first = block - (block % BLOCKS)
          assert.deepEqual(keys(files.having(block)), keys(all.filter(held => held.first === first)))
        }
        for (const { file } of all) {
          const there = all.filter(
            other => other.file.folder === file.folder && other.file.path === file.path,
          )
          assert.deepEqual(keys(files.at(file.folder, file.path)), keys(there))
        }
        assert.deepEqual(
          files.firsts,
          [...new Set(all.map(({ first }) => first))].sort((a, b) => a - b),
        )
      }),
    )
  })

  it('of one content are eight at most: the one that came first is forgotten', () => {
    const files = new BlockHolders()
    const all = Array.from({ length: 10 }, (_, name) => heldAt({ content: 1, folder: '/a', name }))
    assert.deepEqual(
      all.flatMap(held => [...files.put(held)]),
      all.slice(0, 2),
    )
    assert.deepEqual(keys(files.having(BLOCKS)), keys(all.slice(2)))
    assert.deepEqual(files.at('/a', '/0'), [])
  })
})
