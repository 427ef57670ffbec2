/**
 * What comes in from strangers, made up ten thousand times for each door: the result is well-formed or nothing, and
 * nothing else happens.
 */
import assert from 'node:assert/strict'
import { promisify } from 'node:util'
import { deflateRaw, deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import type { Method } from '../../src/common/protocol'
import { ABOUT, parseAbout } from '../../src/peer/drive/format/about'
import {
  type BlobRef,
  type DriveEntry,
  entryValue,
  parseBlob,
  parseEntry,
} from '../../src/peer/drive/format/entry'
import { decodeChunk, encodeListing, parseListingHeader } from '../../src/peer/drive/format/listing'
import { parseBlock } from '../../src/peer/drive/format/pathBlock'
import { readHello } from '../../src/peer/network/hello'
import { candidates } from '../../src/peer/network/tcp'
import { parseParams } from '../../src/peer/service/params'
import { holds } from '../support/fuzz'

const compress = promisify(deflateRaw)

/** Where the listings of these tests end. */
const END = { blockOffset: 1_000, byteOffset: 1_000_000 }

/** Numbers that programs trip over, and ordinary ones. */
const number = fc.oneof(
  fc.constantFrom(
    -1,
    0,
    1,
    0.5,
    2 ** 31,
    2 ** 32,
    2 ** 53 - 1,
    2 ** 53,
    -(2 ** 53),
    1e308,
    Number.NaN,
    Infinity,
  ),
  fc.integer(),
  fc.nat(1_000),
)
const scalar = fc.oneof(number, fc.string(), fc.boolean(), fc.constantFrom(null, undefined, '__proto__'))
const anything = fc.oneof(scalar, fc.anything({ maxDepth: 3, withNullPrototype: true }))
const path = fc.oneof(
  fc.string({ unit: 'binary' }).map(text => `/${text}`),
  fc.constantFrom('/', '//', '/..', '/a/../b', '/__proto__', '/\ud800', ''),
  anything,
)
const blob = fc.oneof(
  fc.record({
    blockOffset: fc.oneof(fc.nat(), number),
    blockLength: fc.oneof(fc.nat(100), number),
    byteOffset: fc.oneof(fc.nat(), number),
    byteLength: fc.oneof(fc.nat(100_000), number),
    blockMap: fc.oneof(fc.constant(undefined), fc.boolean(), anything),
  }),
  anything,
)
const value = fc.oneof(
  fc.record(
    {
      executable: fc.oneof(fc.boolean(), anything),
      linkname: fc.oneof(fc.constantFrom(null, undefined), fc.string(), anything),
      blob: fc.oneof(blob, fc.constant(null)),
      metadata: fc.oneof(fc.record({ mtime: number, mode: number }, { requiredKeys: [] }), anything),
      __proto__: anything,
    },
    { requiredKeys: [] },
  ),
  anything,
)

const isCount = (value: number) => Number.isSafeInteger(value) && value >= 0

function assertWellFormed(entry: DriveEntry): void {
  assert.ok(typeof entry.path === 'string' && entry.path.startsWith('/') && entry.path.length > 1)
  assert.ok(isCount(entry.size))
  if (entry.mtime !== undefined) assert.ok(Math.floor(entry.mtime) === new Date(entry.mtime).getTime())
  assert.equal(typeof entry.executable, 'boolean')
  assert.equal(entry.kind === 'link', entry.linkTarget !== undefined)
  if (entry.blob !== undefined) {
    const { blockOffset, blockLength, byteOffset, byteLength } = entry.blob
    assert.ok([blockOffset, blockLength, byteOffset, byteLength, blockOffset + blockLength].every(isCount))
    assert.ok(blockLength > 0 || entry.blob.blockMap)
  }
  if (entry.pack !== undefined) assert.ok(isCount(entry.pack.block) && isCount(entry.pack.offset))
}

describe('the doors', () => {
  it('take an entry of a drive only when it is one', () => {
    holds(
      'parseEntry',
      fc.property(path, value, (key, stored) => {
        const entry = parseEntry(key, stored)
        if (entry !== undefined) assertWellFormed(entry)
      }),
    )
  })

  it('take back every entry that we write, as it was', () => {
    const entry = fc.record({
      path: fc.string({ minLength: 1 }).map(text => `/${text}` as DriveEntry['path']),
      kind: fc.constant('file' as const),
      mtime: fc.oneof(fc.integer(), fc.constantFrom(0, -1, -8.64e15, 8.64e15, undefined)),
      executable: fc.boolean(),
      blob: fc.record({
        blockOffset: fc.nat(),
        blockLength: fc.integer({ min: 1, max: 100 }),
        byteOffset: fc.nat(),
        byteLength: fc.integer({ min: 1, max: 100_000 }),
      }),
    })
    holds(
      'entryValue',
      fc.property(entry, made => {
        const whole = { ...made, blob: { ...made.blob }, size: made.blob.byteLength }
        assert.deepEqual(parseEntry(made.path, JSON.parse(JSON.stringify(entryValue(whole)))), whole)
      }),
    )
  })

  it('take a place in the log of bytes only when it can be one', () => {
    holds(
      'parseBlob',
      fc.property(blob, stored => {
        const parsed = parseBlob(stored)
        if (parsed === undefined) return
        assert.ok(isCount(parsed.byteOffset + parsed.byteLength))
        assert.ok(isCount(parsed.blockOffset + parsed.blockLength))
      }),
    )
  })

  it('take a chunk of a listing, whatever its rows are', async () => {
    const row = fc.oneof(
      fc.tuple(
        fc.nat(30),
        fc.string({ unit: 'binary' }),
        number,
        number,
        fc.nat(3),
        number,
        number,
        number,
        number,
        number,
      ),
      fc.array(scalar, { maxLength: 12 }),
      anything,
    )
    const cases: unknown[][] = []
    holds(
      'decodeChunk',
      fc.property(fc.array(row, { maxLength: 6 }), rows => {
        cases.push(rows)
      }),
    )
    for (const rows of cases) {
      const { entries } = await decodeChunk(
        deflateRawSync(JSON.stringify(rows, withoutBigInts), { level: 0 }),
        END,
      )
      for (const entry of entries) assertWellFormed(entry)
    }
  })

  it('take back every listing that we write, as it was', async () => {
    const paths = fc.uniqueArray(fc.string({ minLength: 1, unit: 'binary' }), { maxLength: 20 })
    const cases: string[][] = []
    holds(
      'encodeListing',
      fc.property(paths, made => {
        cases.push(made.filter(text => !/[\ud800-\udfff]/.test(text)))
      }),
      1_000,
    )
    for (const made of cases) {
      const entries = made.map((text, at): DriveEntry => {
        const blob = { blockOffset: at, blockLength: 1, byteOffset: at * 10, byteLength: 10 }
        return {
          path: `/${text}` as DriveEntry['path'],
          kind: 'file',
          size: 10,
          mtime: at,
          executable: at % 2 === 0,
          blob,
        }
      })
      const decoded: DriveEntry[] = []
      const isAfter = ({ blockOffset }: BlobRef) => blockOffset % 3 === 1
      for await (const chunk of encodeListing(entries, isAfter))
        decoded.push(...(await decodeChunk(chunk, END)).entries)
      const placed = entries.map(({ blob, ...entry }) =>
        blob !== undefined && isAfter(blob)
          ? {
              ...entry,
              blob: {
                ...blob,
                blockOffset: blob.blockOffset + END.blockOffset,
                byteOffset: blob.byteOffset + END.byteOffset,
              },
            }
          : { ...entry, blob },
      )
      assert.deepEqual(decoded, placed)
    }
  })

  it('refuse a chunk that is none', async () => {
    for (const text of ['', 'null', '{}', '7', '[', '"x"', '[[', `[${'['.repeat(100_000)}`]) {
      await assert.rejects(decodeChunk(await compress(Buffer.from(text)), END))
    }
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(100), Buffer.from('rubbish')])
      await assert.rejects(decodeChunk(bytes, END))
  })

  it('take what a share says of itself only when it is well-formed', () => {
    const about = fc.oneof(
      fc.record(
        { name: anything, isFile: anything, time: anything, listing: anything },
        { requiredKeys: [] },
      ),
      anything,
    )
    const key = ABOUT.encode('share')
    holds(
      'parseAbout',
      fc.property(about, stored => {
        const parsed = parseAbout({ key, value: Buffer.from(JSON.stringify(stored, withoutBigInts) ?? '') })
        if (parsed === undefined) return
        const { name, isFile, time } = parsed.info
        assert.ok(name === undefined || (name !== '' && name.length <= 200))
        assert.equal(typeof isFile, 'boolean')
        assert.ok(time === undefined || Number.isFinite(time))
      }),
    )
    holds(
      'parseListingHeader',
      fc.property(
        fc.record({
          format: fc.constantFrom(1, 2, '1'),
          version: number,
          files: number,
          bytes: number,
          chunks: blob,
        }),
        head => {
          const parsed = parseListingHeader(head)
          if (parsed !== undefined)
            assert.ok(isCount(parsed.version) && isCount(parsed.files) && isCount(parsed.bytes))
        },
      ),
    )
  })

  it('take a block of a path log, whatever its bytes are', () => {
    holds(
      'parseBlock',
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        const change = parseBlock(Buffer.from(bytes))
        if (change === undefined) return
        assert.ok(Buffer.isBuffer(change.key))
        assert.ok(change.value === undefined || Buffer.isBuffer(change.value))
      }),
    )
  })

  it('take a peer’s hello only as a name and an address to try', () => {
    const tcp = fc.record(
      { port: number, addresses: fc.oneof(fc.array(scalar), anything) },
      { requiredKeys: [] },
    )
    const hello = fc.record({
      name: fc.oneof(fc.string({ unit: 'binary' }), anything),
      tcp: fc.oneof(tcp, anything),
    })
    holds(
      'readHello',
      fc.property(hello, message => {
        const { name, tcp } = readHello(message)
        assert.doesNotMatch(name, /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u)
        assert.ok([...name].length <= 64 * 8)
        if (tcp === null) return
        assert.ok(Number.isInteger(tcp.port) && tcp.port > 0 && tcp.port < 65_536)
        assert.ok(tcp.addresses.length <= 8 && tcp.addresses.every(address => typeof address === 'string'))
        for (const host of candidates(tcp, '203.0.113.9', true)) assert.match(host, /^[0-9.]+$/)
      }),
    )
  })

  it('take a request only with the parameters it has', () => {
    const methods: Method[] = [
      'challenge',
      'hello',
      'share.add',
      'open.add',
      'open.ready',
      'fs.read',
      'fs.readRange',
      'copy.start',
      'settings.set',
      'peer.block',
    ]
    const fields = fc.constantFrom(
      'id',
      'path',
      'limit',
      'timeout',
      'start',
      'length',
      'job',
      'folder',
      'source',
      'link',
      'keep',
      'name',
      'limits',
      'peer',
      'token',
      'protocol',
      'client',
      '__proto__',
      'toString',
    )
    holds(
      'parseParams',
      fc.property(
        fc.constantFrom(...methods),
        fc.oneof(fc.dictionary(fields, anything), anything),
        (method, given) => {
          try {
            const params: object = parseParams(method, given)
            assert.ok(given !== null && typeof given === 'object')
            assert.deepEqual(Object.getPrototypeOf(params), Object.prototype)
          } catch (error) {
            assert.ok(
              error instanceof Error && 'code' in error && error.code === 'bad-request',
              String(error),
            )
          }
        },
      ),
    )
  })
})

/** fast-check makes values that JSON has no word for. */
function withoutBigInts(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
