/** Small files are in the database once: their own blocks are pieces of their packs, and nobody who asks can tell. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import Corestore from 'corestore'
import fc from 'fast-check'
import type Hypercore from 'hypercore'
import { clearBlocks } from '../../src/peer/hypercore/clearBlocks'
import { keepPieces, piecesIn } from '../../src/peer/hypercore/pieces'
import { BlockAppender } from '../../src/peer/publish/version/appender'
import { temporaryFolder } from '../support/folders'

const ENCRYPTED = Buffer.alloc(32, 7)
const NEVER = new AbortController().signal

describe('a log whose small files are pieces of their packs', () => {
  const stores: Corestore[] = []

  afterEach(() => Promise.all(stores.splice(0).map(store => store.close())))

  async function openLog(
    folder: string,
    primaryKey: Buffer,
    encryptionKey: Buffer | null,
    isKept = true,
  ): Promise<{ store: Corestore; log: Hypercore }> {
    const store = new Corestore(folder, { primaryKey, unsafe: true })
    stores.push(store)
    const log = store.get({ name: 'bytes', encryptionKey })
    await log.ready()
    if (isKept) keepPieces(log)
    return { store, log }
  }

  const close = async (store: Corestore) => {
    stores.splice(stores.indexOf(store), 1)
    await store.close()
  }

  const pack = (appender: BlockAppender, files: readonly { block: number; bytes: Buffer }[]) => {
    const block = appender.add(Buffer.concat(files.map(({ bytes }) => bytes)))
    let offset = 0
    for (const file of files) {
      appender.keepAsPiece(file.block, { block, offset, length: file.bytes.length })
      offset += file.bytes.length
    }
    return block
  }

  const raw = (log: Hypercore, index: number) => log.get(index, { raw: true, wait: false })

  it('has the same blocks and the same hash as one that keeps everything, also when it is opened again', async () => {
    const files = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 6 })
    const step = fc.record({ files, isWritten: fc.boolean(), isPackedFirst: fc.boolean() })
    const check = async (
      steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[],
      key: Buffer | null,
    ) => {
      const primaryKey = randomBytes(32)
      const folder = temporaryFolder('pieces')
      const [kept, plain] = await Promise.all([
        openLog(folder, primaryKey, key),
        openLog(temporaryFolder('plain'), primaryKey, key, false),
      ])
      const contents = steps.map(({ files }) => files.map(length => randomBytes(length)))
      const ofFiles: number[] = []
      for (const { log } of [kept, plain]) {
        const appender = new BlockAppender(log)
        for (const [at, { isWritten, isPackedFirst }] of steps.entries()) {
          const bytes = contents[at] ?? []
          const first = isPackedFirst ? appender.add(Buffer.concat(bytes)) : -1
          let offset = 0
          const files = bytes.map(content => {
            const block = appender.add(content)
            if (first !== -1) appender.keepAsPiece(block, { block: first, offset, length: content.length })
            offset += content.length
            return { block, bytes: content }
          })
          if (log === kept.log) ofFiles.push(...files.map(({ block }) => block))
          if (isWritten) await appender.write()
          if (first === -1) pack(appender, files)
        }
        await appender.flush()
        await appender.close()
      }
      const { length } = plain.log
      assert.deepEqual(await kept.log.treeHash(), await plain.log.treeHash())
      for (let at = 0; at < length; at++) assert.deepEqual(await raw(kept.log, at), await raw(plain.log, at))
      await close(kept.store)

      const again = await openLog(folder, primaryKey, key, false)
      for (const at of ofFiles) assert.equal(await raw(again.log, at), null, 'it is not in the database')
      keepPieces(again.log)
      for (let at = 0; at < length; at++) {
        assert.deepEqual(await raw(again.log, at), await raw(plain.log, at))
        assert.deepEqual(await again.log.get(at), await plain.log.get(at))
      }
      await Promise.all([close(again.store), close(plain.store)])
    }
    const steps = fc.array(step, { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(steps, fc.boolean(), (all, isPrivate) => check(all, isPrivate ? ENCRYPTED : null)),
      { numRuns: 12 },
    )
  })

  it('gives them to a peer that has nothing but the key', async () => {
    const { log } = await openLog(temporaryFolder('pieces'), randomBytes(32), ENCRYPTED)
    const files = Array.from({ length: 40 }, (_, block) => ({ block, bytes: randomBytes(1_000) }))
    const appender = new BlockAppender(log)
    for (const { bytes } of files) appender.add(bytes)
    pack(appender, files)
    await appender.flush()
    await appender.close()
    const reader = new Corestore(temporaryFolder('reader'))
    stores.push(reader)
    const copy = reader.get({ key: log.key, encryptionKey: ENCRYPTED })
    await copy.ready()
    const stream = log.replicate(true)
    stream.pipe(copy.replicate(false)).pipe(stream)
    for (const { block, bytes } of files) assert.deepEqual(await copy.get(block), bytes)
    stream.destroy()
  })

  it('gives nothing in place of a piece that is not what its hash says, or whose pack is gone', async () => {
    const { log } = await openLog(temporaryFolder('pieces'), randomBytes(32), ENCRYPTED)
    const [good, bad, orphan] = [randomBytes(500), randomBytes(500), randomBytes(500)]
    const appender = new BlockAppender(log)
    const [first, second, third] = [good, bad, orphan].map(bytes => appender.add(bytes))
    assert(first !== undefined && second !== undefined && third !== undefined)
    const block = appender.add(Buffer.concat([good, bad]))
    const lost = appender.add(orphan)
    appender.keepAsPiece(first, { block, offset: 0, length: 500 })
    appender.keepAsPiece(second, { block, offset: 499, length: 500 })
    appender.keepAsPiece(third, { block: lost, offset: 0, length: 500 })
    await appender.flush()
    await appender.close()
    await clearBlocks(log, [{ start: lost, end: lost + 1 }], NEVER, () => true)
    assert.deepEqual(await log.get(first), good)
    assert.equal(await raw(log, second), null)
    assert.equal(await raw(log, third), null)
  })

  it('forgets a piece with its block', async () => {
    const { log } = await openLog(temporaryFolder('pieces'), randomBytes(32), null)
    const files = Array.from({ length: 4 }, (_, block) => ({ block, bytes: randomBytes(100) }))
    const appender = new BlockAppender(log)
    for (const { bytes } of files) appender.add(bytes)
    const block = pack(appender, files)
    await appender.flush()
    await appender.close()
    await clearBlocks(log, [{ start: 1, end: 3 }], NEVER, () => true)
    const left: [number, unknown][] = []
    for await (const piece of piecesIn(log)?.all() ?? []) left.push(piece)
    assert.deepEqual(left, [
      [0, { block, offset: 0, length: 100 }],
      [3, { block, offset: 300, length: 100 }],
    ])
    assert.deepEqual([await raw(log, 1), await raw(log, 3)], [null, files[3]?.bytes])
  })
})
