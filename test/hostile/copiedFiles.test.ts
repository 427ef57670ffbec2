/**
 * Large files of an opened share lie in its copies alone, where anybody may do anything to them at any moment: what leaves
 * is what the share has, or nothing, and what is missing is fetched again.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import Corestore from 'corestore'
import type Hypercore from 'hypercore'
import type { DrivePath, EncryptionKey } from '../../src/common/brand'
import { runCopy } from '../../src/peer/copy/copy'
import { takeOverCopy } from '../../src/peer/copy/takeOverCopy'
import type { DriveEntry } from '../../src/peer/drive/format/entry'
import { ShareDrive } from '../../src/peer/drive/shareDrive'
import { piecesIn } from '../../src/peer/hypercore/pieces'
import { CopiedFiles } from '../../src/peer/inPlace/copiedFiles'
import { Publisher } from '../../src/peer/publish/version/publisher'
import { Bases } from '../../src/peer/store/bases'
import { StoreBudget } from '../../src/peer/store/budget'
import { Catalog, type ShareRecord } from '../../src/peer/store/catalog'
import { StoreSpace } from '../../src/peer/store/space'
import { Transfer } from '../../src/peer/transfer'
import { eventually } from '../support/eventually'
import { makeTree, randomBytes, temporaryFolder } from '../support/folders'
import { hears } from '../support/hears'

const SEED = '0'.repeat(32)
const KEY = 'ab'.repeat(32) as EncryptionKey
/** Streamed, in five blocks; the other is written at once. */
const SIZE = 4_700_000
const BLOCKS = 5
const PATH = '/folder/large.bin' as DrivePath
const LESS = '/less.bin' as DrivePath
/** What src/ and Hypercore hash blocks with. */
const hashing: object = createRequire(__filename)('hypercore-crypto')
const never = new AbortController().signal
const unexpected = (error: unknown) => assert.fail(String(error))

describe('a large file that is served out of a copy', () => {
  const content = randomBytes(SIZE, 1)
  const less = randomBytes(1_500_000, 2)
  let source: string
  let sharer: Corestore
  let published: Catalog
  let shared: ShareDrive
  let publisher: Publisher
  let data: string
  let reader: Reader
  /** The file's blocks as the share has them. */
  let stored: readonly Buffer[]
  let target: string
  const file = () => join(target, PATH)

  before(async () => {
    source = await makeTree(temporaryFolder('source'), {
      folder: { 'large.bin': content },
      'less.bin': less,
      'small.txt': 'small',
    })
    const stores = temporaryFolder('shared')
    sharer = new Corestore(join(stores, 'store'))
    published = await Catalog.open(join(stores, 'catalog'))
    shared = await ShareDrive.create(sharer, SEED, KEY)
    const record: ShareRecord = {
      seed: SEED,
      source,
      isFile: false,
      name: 'shared',
      once: false,
      keep: true,
      stopped: false,
      allow: [],
      version: 0,
    }
    publisher = new Publisher(
      shared,
      published,
      () => record,
      async () => {},
      false,
      unexpected,
      0,
    )
    await publish()
    stored = await blocksOf(await shared.bytesReady(never), entryOf(shared)).then(all =>
      all.map(block => block ?? assert.fail('it was just published')),
    )
  })
  beforeEach(async () => {
    data = temporaryFolder('reader')
    target = temporaryFolder('copy')
    reader = await Reader.open(data, shared)
  })
  afterEach(() => reader.close())
  after(async () => {
    await publisher.settle()
    await shared.close()
    await published.close()
    await sharer.close()
  })

  async function publish(...named: DrivePath[]): Promise<void> {
    await publisher.publish({ ignore: [], dataFolder: '/nowhere', named: new Set(named) }, never, () => {})
    await publisher.settle()
    await shared.refresh(never, publisher.version)
  }

  const areOurs = (blocks: readonly (Buffer | null)[]) =>
    blocks.every((block, at) => block === null || block.equals(stored[at] ?? Buffer.alloc(0)))

  async function copied(into = target): Promise<void> {
    await reader.copy(into)
    assert.deepEqual(readFileSync(join(into, PATH)), Buffer.from(content))
  }

  /** Nobody is there but the copy. */
  async function copiedAndAlone(): Promise<void> {
    await copied()
    reader.disconnect()
  }

  async function restarted(): Promise<void> {
    await reader.close()
    reader = await Reader.open(data, shared, false)
  }

  async function assertServed(): Promise<void> {
    const blocks = await reader.blocks()
    assert.ok(areOurs(blocks) && !blocks.includes(null))
  }

  it('is in the copy alone from the first block on, and does not count as kept in the store', async () => {
    await copied()
    for (const path of [PATH, LESS]) {
      const { blob } = entryOf(reader.share, path)
      for (let at = 0; at < (blob?.blockLength ?? 0); at++)
        assert.equal(
          await piecesIn(reader.log)?.isStored((blob?.blockOffset ?? 0) + at),
          false,
          `${path} ${at}`,
        )
    }
    assert.ok(reader.putBytes < 100_000, `${reader.putBytes} bytes went into the database`)
    await assertServed()
    assert.ok((await reader.share.drive.get(LESS))?.equals(less))
  })

  it('is given to others without anybody else, also when the log was opened again, for which nothing is read', async () => {
    await copiedAndAlone()
    const hashes = counted(hashing, 'data')
    await restarted()
    await reader.copies.idle()
    hashes.end()
    assert.equal(hashes.calls, 0)
    assert.equal(reader.held(), BLOCKS)
    const other = new Corestore(temporaryFolder('other'))
    const log = other.get({ key: reader.log.key })
    await log.ready()
    connect(reader.log, log)
    for (const [at, block] of stored.entries())
      assert.deepEqual(await log.get(reader.first + at, { raw: true, timeout: 5_000 }), block)
    await other.close()
  })

  it('is compared with its hashes each time it is read, and encrypted each time', async () => {
    await copiedAndAlone()
    const hashes = counted(hashing, 'data')
    const ciphers = counted(reader.log.encryption ?? assert.fail('it is private'), 'encrypt')
    for (let round = 1; round <= 3; round++) {
      await assertServed()
      assert.deepEqual([hashes.calls, ciphers.calls], [round * BLOCKS, round * BLOCKS])
    }
    for (const each of [hashes, ciphers]) each.end()
  })

  const replaceBy = (bytes: Uint8Array) => {
    writeFileSync(`${file()}.new`, bytes)
    renameSync(`${file()}.new`, file())
  }
  const overwrite = (position: number, bytes: Uint8Array) => {
    const fd = openSync(file(), 'r+')
    writeSync(fd, bytes, 0, bytes.length, position)
    closeSync(fd)
  }
  const changes: Record<string, () => void> = {
    'is changed in place': () => overwrite(1_500_000, randomBytes(1_000, 3)),
    'is changed in its last byte': () => overwrite(SIZE - 1, Buffer.of(255 - (content[SIZE - 1] ?? 0))),
    'is truncated': () => truncateSync(file(), 2_000_000),
    'is made longer': () => truncateSync(file(), SIZE + 1),
    'is replaced by rename': () => replaceBy(randomBytes(SIZE, 4)),
    'is replaced by another of the same size and time': () => {
      const { atime, mtime } = statSync(file())
      replaceBy(randomBytes(SIZE, 5))
      utimesSync(file(), atime, mtime)
    },
    'gets a hole': () => overwrite(1_048_576, new Uint8Array(1_048_576)),
    'is a link to a file of the same content': () => {
      const elsewhere = join(temporaryFolder('outside'), 'same.bin')
      renameSync(file(), elsewhere)
      symlinkSync(elsewhere, file())
    },
    'lies behind a link in place of its folder': () => {
      const elsewhere = join(temporaryFolder('outside'), 'folder')
      renameSync(join(target, 'folder'), elsewhere)
      symlinkSync(elsewhere, join(target, 'folder'))
    },
    'is a pipe': () => {
      rmSync(file())
      execFileSync('mkfifo', [file()])
    },
    'is a folder': () => {
      rmSync(file())
      mkdirSync(file())
    },
    'is gone': () => rmSync(file()),
    'is gone with its disk': () => rmSync(target, { recursive: true }),
  }
  for (const [what, change] of Object.entries(changes)) {
    it(`gives what the share has or nothing once it ${what}, and is fetched again from elsewhere`, async () => {
      await copiedAndAlone()
      change()
      const blocks = await reader.blocks()
      assert.ok(areOurs(blocks) && blocks.includes(null))
      await eventually('nobody is told any more that it is here', () =>
        blocks.every((block, at) => reader.log.core.bitfield.get(reader.first + at) === (block !== null)),
      )
      reader.connect()
      assert.ok((await reader.share.drive.get(PATH, { timeout: 5_000 }))?.equals(content))
    })
  }

  it('is here again when its folder is, without being fetched', async () => {
    await copiedAndAlone()
    renameSync(target, `${target}-away`)
    assert.ok((await reader.blocks()).every(block => block === null))
    assert.equal(reader.held(), 0)
    await restarted()
    renameSync(`${target}-away`, target)
    await eventually('it is here again', () => reader.held() === BLOCKS)
    await assertServed()
  })

  it('is not said to be here when it went while nothing was running', async () => {
    await copiedAndAlone()
    await reader.close()
    rmSync(file())
    reader = await Reader.open(data, shared, false)
    await reader.copies.idle()
    assert.equal(reader.held(), 0)
  })

  it('is had from one copy when another is changed', async () => {
    await copied()
    const other = temporaryFolder('copy')
    await copied(other)
    reader.disconnect()
    overwrite(5, Buffer.from('changed'))
    await assertServed()
    rmSync(target, { recursive: true })
    await assertServed()
    assert.equal(reader.held(), BLOCKS)
  })

  it('leaves the store, where it was whole before it was copied', async () => {
    for (let at = 0; at < BLOCKS; at++) await reader.log.get(reader.first + at)
    assert.equal(await piecesIn(reader.log)?.isStored(reader.first), true)
    await copiedAndAlone()
    for (let at = 0; at < BLOCKS; at++)
      assert.equal(await piecesIn(reader.log)?.isStored(reader.first + at), false)
    assert.equal(
      reader.freed,
      stored.reduce((sum, { length }) => sum + length, 0),
    )
    await assertServed()
  })

  it('leaves the store when a copy that an earlier version made is shown to hold it, and stays where it does not', async () => {
    await reader.copy(target, 'earlier')
    assert.equal(await piecesIn(reader.log)?.isStored(reader.first), true)
    appendFileSync(join(target, LESS), 'changed')
    await takeOverCopy(reader.share, target, reader.copies, reader.catalog, 0, never)
    const place = entryOf(reader.share, LESS).blob?.blockOffset ?? 0
    assert.equal(await piecesIn(reader.log)?.isStored(reader.first), false)
    assert.equal(await piecesIn(reader.log)?.isStored(place), true)
    reader.disconnect()
    await assertServed()
    assert.ok((await reader.share.drive.get(LESS))?.equals(less))
  })

  it('goes with the version that takes its place, which is served instead', async () => {
    await copied()
    const { first } = reader
    const newer = randomBytes(SIZE, 7)
    try {
      writeFileSync(join(source, PATH), newer)
      await publish(PATH)
      await hears(reader.share.paths, shared.paths)
      await reader.share.refresh()
      assert.notEqual(reader.first, first)
      await reader.copy(target)
      assert.deepEqual(readFileSync(file()), Buffer.from(newer))
      assert.equal(reader.log.core.bitfield.count(first, BLOCKS, true), 0)
      reader.disconnect()
      assert.ok((await reader.share.drive.get(PATH))?.equals(newer))
    } finally {
      writeFileSync(join(source, PATH), content)
      await publish(PATH)
    }
  })

  it('has its other name as soon as a folder in sync gives it that', async () => {
    await copiedAndAlone()
    renameSync(file(), join(target, 'renamed.bin'))
    await reader.copies.moved(target, PATH, '/renamed.bin')
    await assertServed()
    rmSync(join(target, 'renamed.bin'))
    await reader.copies.removed(target, '/renamed.bin')
    assert.equal(reader.held(), 0)
  })

  it('leaves nothing in the catalog when its share is removed', async () => {
    await copied()
    await reader.copies.forget()
    const left: string[] = []
    for await (const [key] of reader.catalog.list('held')) left.push(key)
    assert.deepEqual(left, [])
  })

  it('is said to be here as far as it is written, whenever the process was killed', async () => {
    for (let written = 0; written <= BLOCKS; written++) {
      const folder = temporaryFolder('copy')
      await reader.close()
      data = temporaryFolder('reader')
      reader = await Reader.open(data, shared)
      const incoming = await reader.copies.begin(entryOf(reader.share), folder, '/whole.bin', '/part')
      assert.ok(incoming !== undefined)
      const came = Math.min(BLOCKS, written + 2)
      for (let at = 0; at < came; at++) {
        incoming.expects(reader.first + at)
        const block = await reader.log.get(reader.first + at)
        if (at < written) {
          appendFileSync(join(folder, 'part'), block ?? '')
          await incoming.written(reader.first + at, at * 1_048_576)
        }
      }
      await assertOnlyOurs(came)
      if (written === BLOCKS) renameSync(join(folder, 'part'), join(folder, 'whole.bin'))
      reader.disconnect()
      await reader.kill()
      reader = await Reader.open(data, shared, false)
      await reader.copies.idle()
      assert.equal(reader.held(), written)
      await assertOnlyOurs(written)
    }
  })

  it('is not said to be here by its length where its end was written first and the process was killed', async () => {
    const folder = temporaryFolder('copy')
    await reader.close()
    data = temporaryFolder('reader')
    reader = await Reader.open(data, shared)
    const incoming = await reader.copies.begin(entryOf(reader.share), folder, '/whole.bin', '/part')
    assert.ok(incoming !== undefined)
    await incoming.scatter()
    const part = openSync(join(folder, 'part'), 'w')
    for (const at of [BLOCKS - 1, 0, 1]) {
      incoming.expects(reader.first + at)
      const block = await reader.log.get(reader.first + at)
      if (at !== BLOCKS - 1) continue
      writeSync(part, block ?? Buffer.of(), 0, undefined, at * 1_048_576)
      await incoming.written(reader.first + at, at * 1_048_576)
    }
    closeSync(part)
    assert.equal(reader.held(), 3)
    reader.disconnect()
    await reader.kill()
    reader = await Reader.open(data, shared, false)
    await reader.copies.idle()
    assert.equal(reader.held(), 0)
  })

  async function assertOnlyOurs(blocks: number): Promise<void> {
    const all = await reader.blocks()
    assert.deepEqual(
      all.map(block => block !== null),
      Array.from({ length: BLOCKS }, (_, at) => at < blocks),
    )
    assert.ok(areOurs(all))
  }

  it('counts again after a loss of power once it was read, if the disk has it', async () => {
    await copiedAndAlone()
    const otherBoot = async () => {
      for await (const [key, held] of reader.catalog.list('held'))
        await reader.catalog.put('held', key, { ...held, unsynced: 'before' })
      await restarted()
      await reader.copies.idle()
    }
    await otherBoot()
    assert.equal(reader.held(), BLOCKS)
    overwrite(1_048_576, new Uint8Array(1_048_576))
    await otherBoot()
    assert.equal(reader.held(), BLOCKS - 1)
  })

  it('goes through the store where its blocks are not cut as the share says', async () => {
    const { blob } = entryOf(reader.share)
    assert.ok(blob !== undefined)
    const lie: DriveEntry = {
      ...entryOf(reader.share),
      size: 2_000_000,
      blob: { ...blob, blockLength: 2, byteLength: 2_000_000 },
    }
    const incoming = await reader.copies.begin(lie, target, '/odd.bin', '/part')
    assert.ok(incoming !== undefined)
    for (const at of [0, 1]) {
      incoming.expects(reader.first + at)
      assert.ok((await reader.log.get(reader.first + at)) !== null)
      await incoming.written(reader.first + at, at * 1_048_576 + at)
    }
    assert.equal(await piecesIn(reader.log)?.isStored(reader.first + 1), true)
    await incoming.end()
    reader.disconnect()
    assert.deepEqual((await reader.blocks())[1], stored[1])
  })
})

/** Somebody who opened the share: what the peer process has of it, without the network. */
class Reader {
  putBytes = 0
  freed = 0
  private streams: Duplex[] = []
  private readonly closing = new AbortController()

  private constructor(
    private readonly store: Corestore,
    readonly catalog: Catalog,
    readonly share: ShareDrive,
    private readonly from: ShareDrive,
  ) {
    this.copies = new CopiedFiles(
      {
        drive: share,
        catalog,
        onStored: bytes => {
          this.freed -= bytes
        },
        onChanged: () => {},
        onError: unexpected,
        signal: this.closing.signal,
      },
      50,
    )
  }

  readonly copies: CopiedFiles

  static async open(data: string, from: ShareDrive, isConnected = true): Promise<Reader> {
    const store = new Corestore(join(data, 'store'))
    const catalog = await Catalog.open(join(data, 'catalog'))
    const share = await ShareDrive.open(store, from.key, KEY)
    const reader = new Reader(store, catalog, share, from)
    if (isConnected) {
      reader.streams.push(...connect(from.paths, share.paths))
      await share.paths.update({ wait: true })
      await share.drive.getBlobs()
      await share.bytesReady(never)
      reader.connect()
    }
    await share.bytesReady(never)
    await share.refresh(never)
    const { storage } = reader.log.core
    const { write } = storage
    storage.write = () => {
      const writing = write.call(storage)
      const { putBlock } = writing
      writing.putBlock = (index, block) => {
        const isKept = reader.copies.incoming.get(index) !== undefined
        putBlock.call(writing, index, block)
        if (!isKept && reader.copies.incoming.get(index) === undefined) reader.putBytes += block.length
      }
      return writing
    }
    return reader
  }

  get log(): Hypercore {
    return this.share.bytes ?? assert.fail('it is not open')
  }

  get first(): number {
    return entryOf(this.share).blob?.blockOffset ?? -1
  }

  held(): number {
    return this.log.core.bitfield.count(this.first, BLOCKS, true)
  }

  blocks(): Promise<(Buffer | null)[]> {
    return blocksOf(this.log, entryOf(this.share))
  }

  connect(): void {
    const bytes = this.from.bytes ?? assert.fail('it is published')
    this.streams.push(...connect(bytes, this.log))
  }

  disconnect(): void {
    for (const stream of this.streams.splice(0)) stream.destroy()
  }

  async copy(folder: string, version: 'this' | 'earlier' = 'this'): Promise<void> {
    await runCopy({
      share: this.share,
      id: this.share.id,
      path: '/' as DrivePath,
      folder,
      umask: undefined,
      catalog: this.catalog,
      bases: new Bases(this.catalog),
      onFound: () => {},
      transfer: new Transfer('job', 'copy', 'copy', folder, () => {}),
      copied: version === 'this' ? this.copies : undefined,
      space: new StoreSpace(folder, () => {}, unexpected),
      budget: new StoreBudget(this.catalog, () => 1e12, unexpected),
      fetched: () => 0,
      peerCame: async () => {},
      stale: () => false,
      isInDoubt: false,
      isEnding: () => false,
      closing: never,
    })
  }

  async close(): Promise<void> {
    this.disconnect()
    this.closing.abort()
    await this.copies.settle()
    await this.kill()
  }

  /** Nothing is settled before. */
  async kill(): Promise<void> {
    await this.share.close()
    await this.store.close()
    await this.catalog.close()
  }
}

function entryOf(share: ShareDrive, path = PATH): DriveEntry {
  return share.version?.index.entry(path) ?? assert.fail(`${path} is not listed`)
}

function blocksOf(log: Hypercore, { blob }: DriveEntry): Promise<(Buffer | null)[]> {
  const { blockOffset, blockLength } = blob ?? assert.fail('it has no blocks')
  const indices = Array.from({ length: blockLength }, (_, at) => blockOffset + at)
  return Promise.all(indices.map(index => log.get(index, { raw: true, wait: false })))
}

function connect(one: Hypercore, other: Hypercore): Duplex[] {
  const streams = [one.replicate(true), other.replicate(false)] as const
  for (const stream of streams) stream.on('error', () => {}) // the other side was closed first
  streams[0].pipe(streams[1]).pipe(streams[0])
  return [...streams]
}

/** Counts calls of a method from now on. */
function counted(object: object, name: string): { calls: number; end(): void } {
  const method: unknown = Reflect.get(object, name)
  assert.ok(typeof method === 'function')
  const count = { calls: 0, end: () => void Reflect.set(object, name, method) }
  Reflect.set(object, name, function (this: unknown, ...parameters: unknown[]): unknown {
    count.calls++
    return Reflect.apply(method, this, parameters)
  })
  return count
}
