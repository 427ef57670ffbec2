/** Blocks of a large file, decrypted in one piece of memory: what Hypercore itself would say, and nothing else changed. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import Corestore from 'corestore'
import type Hypercore from 'hypercore'
import { Decrypter } from '../../src/peer/hypercore/decrypter'
import { temporaryFolder } from '../support/folders'

describe('decrypting the blocks of a file', () => {
  // The longest in the middle: memory that is too small is replaced, and what is left in it is never told.
  const blocks = [40, 0, 100_000, 7, 65_536].map(length => randomBytes(length))
  let store: Corestore

  before(async () => {
    store = new Corestore(temporaryFolder('store'))
    await store.ready()
  })
  after(() => store.close())

  async function logOf(name: string, encryptionKey: Buffer | null): Promise<Hypercore> {
    const core = store.get({ name, encryptionKey })
    await core.ready()
    await core.append(blocks)
    return core
  }

  async function stored(core: Hypercore, index: number): Promise<Buffer> {
    const block = await core.get(index, { raw: true })
    assert(block !== null)
    return block
  }

  it('says what was appended, and leaves the stored block to its other readers', async () => {
    const core = await logOf('private', randomBytes(32))
    const decrypter = Decrypter.of(core)
    assert(decrypter !== undefined)
    for (const [index, bytes] of blocks.entries()) {
      const block = await stored(core, index)
      const before = Buffer.from(block)
      assert.deepEqual(await decrypter.decrypt(index, block), bytes)
      assert.deepEqual(block, before)
    }
    assert.deepEqual(await decrypter.decrypt(0, await stored(core, 0)), blocks[0])
  })

  it('takes no more memory than the longest block', async () => {
    const core = await logOf('memory', randomBytes(32))
    const decrypter = Decrypter.of(core)
    assert(decrypter !== undefined)
    const [longest, shorter] = [2, 4]
    const first = await decrypter.decrypt(longest, await stored(core, longest))
    const next = await decrypter.decrypt(shorter, await stored(core, shorter))
    assert.equal(next.buffer, first.buffer)
    assert.equal(next.byteOffset, first.byteOffset)
  })

  it('says nothing, and does no harm, for a block that is too short to be one', async () => {
    const core = await logOf('short', randomBytes(32))
    assert.deepEqual(await Decrypter.of(core)?.decrypt(0, Buffer.from([1, 2, 3])), Buffer.alloc(0))
  })

  it('is not needed for a log that is not encrypted', async () => {
    assert.equal(Decrypter.of(await logOf('public', null)), undefined)
  })
})
