/** Which blocks of new content are pieces of a former one: whatever was changed, only what must be is fetched. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { findBlocks } from '../../src/peer/copy/former/findBlocks'

/** Bytes of a block here, and by which a block is searched. */
const BLOCK = 64
const SEARCHED_BY = 8

describe('finding the blocks of new content in a former one', () => {
  it('costs about the blocks that an edit touches, wherever and however long it is', async () => {
    const edit = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      taken: fc.integer({ min: 0, max: 5 * BLOCK }),
      put: fc.integer({ min: 0, max: 5 * BLOCK }),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 20, max: 120 }),
        fc.array(edit, { minLength: 1, maxLength: 3 }),
        async (blocks, edits) => {
          const former = bytesOf(blocks * BLOCK + 13, 1)
          let now = former
          let touched = 0
          for (const [n, { at, taken, put }] of edits.entries()) {
            const position = Math.floor(at * now.length)
            now = Buffer.concat([
              now.subarray(0, position),
              bytesOf(put, n + 2),
              now.subarray(position + taken),
            ])
            touched += Math.ceil(put / BLOCK) + 2
          }
          const { here, fetched } = await found(now, former)
          // Gaps of three blocks are fetched as they are, and the first of each that is looked into.
          const most = touched + 5 * edits.length
          const missing = here.filter(isHere => !isHere).length
          assert.ok(missing + fetched <= most, `${missing} + ${fetched} of ${here.length}, at most ${most}`)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('asks for hardly anything where everything is new', async () => {
    const { fetched, compared } = await found(bytesOf(500 * BLOCK, 1), bytesOf(480 * BLOCK, 2))
    assert.ok(fetched <= 2 && compared <= 32, `${fetched} fetched, ${compared} compared`)
  })

  it('compares once what is where it was', async () => {
    const former = bytesOf(500 * BLOCK, 1)
    const now = Buffer.from(former)
    now[250 * BLOCK] = (now[250 * BLOCK] ?? 0) ^ 1
    const { here, fetched, compared } = await found(now, former)
    assert.equal(here.filter(isHere => !isHere).length, 1)
    assert.equal(fetched, 0)
    assert.ok(compared <= 502, `${compared} compared`)
  })

  /** Never says that a block is here which is not. */
  async function found(
    now: Buffer,
    former: Buffer,
  ): Promise<{ here: boolean[]; fetched: number; compared: number }> {
    const blocks = Math.ceil(now.length / BLOCK)
    const here = Array.from({ length: blocks }, () => false)
    const blockAt = (block: number) => now.subarray(block * BLOCK, (block + 1) * BLOCK)
    let fetched = 0
    let compared = 0
    await findBlocks({
      blocks,
      drift: former.length - now.length,
      prepare: async () => {},
      isHere: block => here[block] === true,
      isPiece: async (block, shift) => {
        compared++
        const bytes = blockAt(block)
        const position = block * BLOCK + shift
        const isSame = position >= 0 && former.subarray(position, position + bytes.length).equals(bytes)
        if (isSame) here[block] = true
        return isSame
      },
      locate: async block => {
        fetched++
        here[block] = true
        const bytes = blockAt(block)
        const at = former.indexOf(bytes.subarray(-SEARCHED_BY))
        return at === -1
          ? undefined
          : at - (block * BLOCK + bytes.length - Math.min(SEARCHED_BY, bytes.length))
      },
    })
    return { here, fetched, compared }
  }
})

/** The same for the same seed, with hardly any eight bytes twice. */
function bytesOf(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length)
  let state = seed * 2_654_435_761
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + at) >>> 0
    bytes[at] = state >>> 24
  }
  return bytes
}
