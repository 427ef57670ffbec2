/**
 * Large files are served out of the shared folder, where anybody may do anything to them at any moment: what leaves is
 * what was published, or nothing, and in the end what there is.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes as random } from 'node:crypto'
import {
  closeSync,
  cpSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
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
import Corestore from 'corestore'
import type Hypercore from 'hypercore'
import type { DrivePath, EncryptionKey } from '../../src/common/brand'
import type { BlobRef } from '../../src/peer/drive/format/entry'
import { ShareDrive } from '../../src/peer/drive/shareDrive'
import { SharedFiles } from '../../src/peer/publish/version/inPlace/sharedFiles'
import { Publisher } from '../../src/peer/publish/version/publisher'
import { Catalog, type ShareRecord } from '../../src/peer/store/catalog'
import { eventually } from '../support/eventually'
import { makeTree, randomBytes, temporaryFolder } from '../support/folders'
import { hears } from '../support/hears'

const SEED = '0'.repeat(32)
const KEY = 'ab'.repeat(32) as EncryptionKey
const SIZE = 3_300_000
const PATH = '/folder/large.bin' as DrivePath
/** What src/ and Hypercore hash blocks with. */
const hashing: object = createRequire(__filename)('hypercore-crypto')
const never = new AbortController().signal

describe('a large file that is served out of the shared folder', () => {
  let source: string
  let stores: string
  let outside: string
  let store: Corestore
  let catalog: Catalog
  let share: ShareDrive
  let publisher: Publisher
  let files: SharedFiles
  let log: Hypercore
  let lost: DrivePath[]
  /** The file's blocks as they were published. */
  let stored: readonly Buffer[]
  const content = randomBytes(SIZE, 1)
  const file = () => join(source, PATH)

  beforeEach(async () => {
    stores = temporaryFolder('shared')
    outside = temporaryFolder('outside')
    source = await makeTree(temporaryFolder('source'), {
      folder: { 'large.bin': content },
      'other.txt': 'other',
    })
    store = new Corestore(join(stores, 'store'))
    catalog = await Catalog.open(join(stores, 'catalog'))
    share = await ShareDrive.create(store, SEED, KEY)
    lost = []
    publisher = newPublisher()
    await publish()
    log = await share.bytesReady(never)
    stored = (await blocks()).map(block => block ?? assert.fail('it was just published'))
  })
  afterEach(async () => {
    await publisher.settle()
    files.close()
    await share.close()
    await catalog.close()
    await store.close()
  })

  function newPublisher(): Publisher {
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
    files = new SharedFiles({
      share,
      root: () => source,
      onLost: paths => lost.push(...paths),
      signal: never,
    })
    return new Publisher(
      share,
      catalog,
      () => record,
      async () => {},
      false,
      error => assert.fail(String(error)),
      0,
      files,
    )
  }

  async function publish(...named: string[]): Promise<void> {
    const options = { ignore: [], dataFolder: '/nowhere', named: new Set(named as DrivePath[]) }
    for (let again = true; again; ) {
      const result = await publisher.publish(options, never, () => {})
      again = result.inDoubt
    }
    await publisher.settle()
    await share.refresh(never, publisher.version)
    if (share.version !== undefined) await files.published(share.version)
  }

  const place = () => share.version?.index.entry(PATH)?.blob ?? assert.fail('it is not published')

  function blocks({ blockOffset, blockLength } = place()): Promise<(Buffer | null)[]> {
    const indices = Array.from({ length: blockLength }, (_, at) => blockOffset + at)
    return Promise.all(indices.map(index => log.get(index, { raw: true, wait: false })))
  }

  const areBlocks = async (of: BlobRef) =>
    (await blocks(of)).every((block, at) => block?.equals(stored[at] ?? Buffer.alloc(0)) === true)

  const held = ({ blockOffset, blockLength } = place()) =>
    log.core.bitfield.count(blockOffset, blockLength, true)

  async function assertServedAsIs(): Promise<void> {
    const now = readFileSync(file())
    assert.ok((await share.drive.get(PATH))?.equals(now))
    assert.equal(held(), place().blockLength)
  }

  it('is not in the store', async () => {
    const folder = join(stores, 'store', 'db')
    const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
    assert.ok(bytes < SIZE / 2, `${bytes} bytes`)
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
  }
  for (const [what, change] of Object.entries(changes)) {
    it(`gives what was published or nothing once it ${what}, and then what there is`, async () => {
      const before = place()
      change()
      files.close() // as after a pause: what is open goes on being what it was
      for (const [at, block] of (await blocks()).entries())
        assert.ok(block === null || block.equals(stored[at] ?? Buffer.alloc(0)), `block ${at}`)
      assert.ok((await blocks()).includes(null))
      await eventually('nobody is told any more that it is here', () => held(before) === 0)
      assert.deepEqual(new Set(lost), new Set([PATH]))
      await publish(PATH)
      assert.notEqual(place().blockOffset, before.blockOffset)
      await assertServedAsIs()
    })
  }

  const ways: Record<string, () => void> = {
    'is a link to a file of the same content': () => {
      cpSync(file(), join(outside, 'same.bin'))
      rmSync(file())
      symlinkSync(join(outside, 'same.bin'), file())
    },
    'lies behind a link in place of its folder': () => {
      cpSync(join(source, 'folder'), join(outside, 'folder'), { recursive: true })
      rmSync(join(source, 'folder'), { recursive: true })
      symlinkSync(join(outside, 'folder'), join(source, 'folder'))
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
    'is gone with its disk': () => rmSync(source, { recursive: true }),
  }
  for (const [what, change] of Object.entries(ways)) {
    it(`gives nothing, and waits for nothing, when it ${what}`, async () => {
      change()
      files.close()
      assert.ok((await blocks()).every(block => block === null))
      await eventually('nobody is told any more that it is here', () => held() === 0)
    })
  }

  it('comes back, as the same blocks, when it was moved away and is there again', async () => {
    const { length } = log
    renameSync(join(source, 'folder'), join(outside, 'folder'))
    files.close()
    assert.ok((await blocks()).every(block => block === null))
    await eventually('nobody is told any more that it is here', () => held() === 0)
    renameSync(join(outside, 'folder'), join(source, 'folder'))
    await publish()
    assert.ok(await areBlocks(place()))
    assert.equal(log.length, length)
    await assertServedAsIs()
  })

  it('keeps its blocks under another name', async () => {
    const { length } = log
    renameSync(join(source, 'folder'), join(source, 'renamed'))
    await publish()
    const moved = share.version?.index.entry('/renamed/large.bin' as DrivePath)?.blob
    assert.ok(moved !== undefined)
    assert.ok(log.length - length < 3, 'nothing of it was appended again')
    assert.ok(await areBlocks(moved))
  })

  it('is had from a twin when it is changed itself', async () => {
    cpSync(file(), join(source, 'twin.bin'))
    await publish()
    overwrite(5, Buffer.from('changed'))
    assert.ok(await areBlocks(place()))
    assert.equal(held(), place().blockLength)
  })

  it('is compared with its hashes each time it is read or sent, and encrypted each time', async () => {
    const reader = new Corestore(join(stores, 'reader'))
    const copy = reader.get({ key: log.key })
    await copy.ready()
    const { blockOffset, blockLength } = place()
    const ours = counted(log.encryption ?? assert.fail('it is private'), 'encrypt')
    const hashes = counted(hashing, 'data')
    for (let round = 1; round <= 3; round++) {
      assert.ok(await areBlocks(place()))
      assert.deepEqual([hashes.calls, ours.calls], [round * blockLength, round * blockLength])
    }
    const stream = log.replicate(true)
    stream.pipe(copy.replicate(false)).pipe(stream)
    for (let at = 0; at < blockLength; at++)
      assert.ok((await copy.get(blockOffset + at, { raw: true }))?.equals(stored[at] ?? Buffer.alloc(0)))
    assert.equal(ours.calls, 4 * blockLength)
    assert.ok(hashes.calls >= 5 * blockLength, 'once here, and once there')
    for (const each of [ours, hashes]) each.end()
    stream.destroy()
    await reader.close()
  })

  it('is in the store from the third version on when it changes while others fetch it, and can be fetched then', async () => {
    const reader = new Corestore(join(stores, 'reader'))
    const copy = reader.get({ key: log.key })
    await copy.ready()
    const stream = log.replicate(true)
    stream.pipe(copy.replicate(false)).pipe(stream)
    const fetch = (index: number) => copy.get(index, { raw: true, timeout: 5_000 })
    for (const seed of [11, 12]) {
      assert.ok((await fetch(place().blockOffset)) !== null)
      replaceBy(randomBytes(SIZE, seed))
      await publish(PATH)
    }
    const third = place()
    const whole = await blocks()
    replaceBy(randomBytes(SIZE, 13))
    await publish(PATH)
    for (const [at, block] of whole.entries())
      assert.ok((await fetch(third.blockOffset + at))?.equals(block ?? Buffer.alloc(0)))
    stream.destroy()
    await reader.close()
  })

  it('does not make others give up who asked for much of it as it changed', async () => {
    const reader = new Corestore(join(stores, 'reader'))
    const bytes = random(40 * 1024 * 1024)
    replaceBy(bytes)
    await publish(PATH)
    const copy = reader.get({ key: log.key })
    await copy.ready()
    const stream = log.replicate(true)
    stream.pipe(copy.replicate(false)).pipe(stream)
    const { blockOffset, blockLength } = place()
    const range = copy.download({ start: blockOffset, end: blockOffset + blockLength })
    await eventually(
      'some of it is there',
      () => copy.core.bitfield.count(blockOffset, blockLength, true) > 1,
    )
    overwrite(0, random(bytes.length))
    await publish(PATH)
    range.destroy()
    const now = place()
    await hears(copy, log)
    for (let at = 0; at < now.blockLength; at++)
      assert.ok((await copy.get(now.blockOffset + at, { timeout: 5_000 })) !== null)
    stream.destroy()
    await reader.close()
  })

  it('is open while it is read, and a moment later not any more', async function () {
    if (process.platform !== 'linux') this.skip() // only there it shows what is open
    assert.ok(await areBlocks(place()))
    assert.ok(openFiles().includes(file()))
    await eventually('it is closed', () => !openFiles().includes(file()))
  })

  it('is never served in part of another while a program rewrites it all the time', async () => {
    const other = randomBytes(SIZE, 9)
    const [a, b] = [join(outside, 'a'), join(outside, 'b')]
    let [same, none] = [0, 0]
    for (let round = 0; round < 40; round++) {
      writeFileSync(a, round % 2 === 0 ? other : content)
      writeFileSync(b, content)
      const reading = blocks({ ...place(), byteOffset: 0, byteLength: 0 })
      if (round % 3 === 0) renameSync(a, file())
      else overwrite(0, round % 2 === 0 ? other : content)
      renameSync(b, file())
      for (const [at, block] of (await reading).entries()) {
        assert.ok(block === null || block.equals(stored[at] ?? Buffer.alloc(0)), `block ${at}`)
        if (block === null) none++
        else same++
      }
      await publish(PATH)
    }
    assert.ok(same > 0, `${same} blocks came, ${none} did not`)
  })
})

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

function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap(fd => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)]
    } catch {
      return [] // it was closed meanwhile
    }
  })
}
