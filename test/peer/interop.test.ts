/**
 * Other Hyperdrive clients read what we publish, and we read what they publish, nobody knowing of the other. They run an
 * older Hypercore than we do; those upon ours are in other suites (secondHand, firstVersion). So do versions of Peerfold
 * that do not understand each other, while those that do skip what is new.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { NoiseStream } from '@hyperswarm/secret-stream'
import c from 'compact-encoding'
import Protomux from 'protomux'
import type { DriveKey, EncryptionKey } from '../../src/common/brand'
import { formatKey, formatLink, parseLink } from '../../src/common/link'
import {
  compareTrees,
  executable,
  makeTree,
  randomBytes,
  symbolicLink,
  type Tree,
  temporaryFolder,
} from '../support/folders'
import { olderHypercore } from '../support/olderHypercore'
import type { Person } from '../support/person'
import { listAll, StockClient } from '../support/stockClient'
import { withPeople } from '../support/withPeople'

describe('a stock Hyperdrive client on hypercore 11.37.1', () => {
  const people = withPeople()
  let ann: Person
  let stock: StockClient
  const large = randomBytes(5_000_000, 1)

  before(async () => {
    ;[ann, stock] = await Promise.all([people.start(), StockClient.start(people.bootstrap, olderHypercore())])
  })
  after(() => stock.close())

  const keysOf = (link: string) => {
    const parsed = parseLink(link)
    assert.ok(parsed.ok)
    const { key, encryptionKey } = parsed.link
    return {
      key: Buffer.from(key, 'hex'),
      encryptionKey: encryptionKey === undefined ? undefined : Buffer.from(encryptionKey, 'hex'),
    }
  }

  /** Enough small files that Peerfold packs them and writes a listing, which others must not stumble over. */
  const tree = (): Tree => {
    const many = Array.from({ length: 400 }, (_, n) => [`small ${n}.txt`, `small file number ${n}`])
    return {
      'large.bin': large,
      'empty.txt': '',
      'run.sh': executable('#!/bin/sh\n'),
      'zoë 🙂.txt': 'a name',
      link: symbolicLink('many/small 0.txt'),
      many: Object.fromEntries(many),
    }
  }

  for (const isPublic of [true, false]) {
    it(`reads all of a ${isPublic ? 'public' : 'private'} share of ours`, async () => {
      const source = await makeTree(temporaryFolder('source'), tree())
      const added = await ann.publish(source, { isPublic })
      const { key, encryptionKey } = keysOf(added.link)
      assert.equal(encryptionKey === undefined, isPublic)
      const drive = await stock.open(key, encryptionKey)
      const entries = await listAll(drive)
      assert.equal(entries.size, 405)
      assert.deepEqual(entries.get('/run.sh'), { executable: true, linkname: null })
      assert.deepEqual(entries.get('/link'), { executable: false, linkname: 'many/small 0.txt' })
      for (const [path, { linkname }] of entries) {
        if (linkname !== null) continue
        const bytes = (await drive.get(path)) ?? Buffer.alloc(0)
        assert.ok(bytes.equals(await readFile(join(source, path))), path)
      }
      await drive.close()
    })
  }

  it('is shown with its address, which it proves without knowing of it', async () => {
    const source = await makeTree(temporaryFolder('source'), { 'a.txt': 'a' })
    const drive = await stock.open(keysOf((await ann.publish(source, { isPublic: true })).link).key)
    await ann.until('it is there', () => ann.state.peers.some(({ address }) => address === '127.0.0.1'))
    await drive.close()
  })

  it('without the key of a private share learns no name and no byte', async () => {
    const source = await makeTree(temporaryFolder('source'), { 'a secret name.txt': 'a secret text' })
    const { key } = keysOf((await ann.publish(source)).link)
    const drive = await stock.open(key)
    const seen = await drive.core.get(1, { timeout: 20_000 })
    assert.ok(seen !== null)
    assert.equal(seen.includes('secret'), false)
    await drive.close()
  })

  it('follows what is published later', async () => {
    const source = await makeTree(temporaryFolder('source'), { 'a.txt': 'before' })
    const { link, id } = await ann.publish(source, { isPublic: true })
    const drive = await stock.open(keysOf(link).key)
    assert.equal((await drive.get('/a.txt'))?.toString(), 'before')
    const longer = new Promise<void>(resolve => drive.core.on('append', () => resolve()))
    await makeTree(source, { 'a.txt': 'after', 'b.txt': 'b' })
    await ann.rescan(id)
    await longer
    await ann.until('both are published', () => ann.share(id)?.files === 2)
    await drive.update({ wait: true })
    assert.equal((await drive.get('/a.txt'))?.toString(), 'after')
    await drive.close()
  })
})

describe('a Peerfold of another version', () => {
  const people = withPeople()
  let ann: Person
  let link: string
  let other: OtherVersion | undefined

  before(async () => {
    ann = await people.start()
    ;({ link } = await ann.publish(await makeTree(temporaryFolder('source'), { 'a.txt': 'a' }), {
      isPublic: true,
    }))
  })
  afterEach(() => other?.close())

  const peerNamed = (name: string) => ann.state.peers.find(peer => peer.name === name)
  /** Both ways: it reads Ann's share, and she reads its drive. */
  async function assertExchange({ client }: OtherVersion): Promise<void> {
    const parsed = parseLink(link)
    assert.ok(parsed.ok)
    const drive = await client.open(Buffer.from(parsed.link.key, 'hex'))
    assert.equal((await drive.get('/a.txt'))?.toString(), 'a')
    const own = await client.create()
    await own.put('/b.txt', Buffer.from('b'))
    assert.equal(await ann.read(await ann.open(own.key.toString('hex')), '/b.txt'), 'b')
    await Promise.all([drive.close(), own.close()])
  }

  it('that shares no version with this one is served and used as a stock client is, and told nothing', async () => {
    other = await OtherVersion.start(people.bootstrap, [
      {
        type: 'hello',
        version: 99,
        oldest: 50,
        name: 'stranger',
        tcp: { port: 9, addresses: [] },
        challenge: 'x',
      },
      { type: 'name', name: 'means something else by now' },
    ])
    await assertExchange(other)
    assert.deepEqual(other.kinds(), ['hello'])
    assert.equal(other.isClosed, true)
    await ann.until('the state tells of it', () => ann.state.peers.length > 0)
    assert.deepEqual(
      ann.state.peers.map(({ name, transport, blocked }) => [name, transport, blocked]),
      [['', 'udx', false]],
    )
  })

  it('that knows this one and more may say what it likes: the rest is skipped, and nobody is turned away', async () => {
    const news = Array.from({ length: 200 }, (_, at) => ({ type: 'news', at, of: { any: ['shape'] } }))
    other = await OtherVersion.start(people.bootstrap, [
      { type: 'hello', version: 99, oldest: 2, name: 'earlier name', tcp: null, challenge: 'x', more: [1] },
      ...news,
      {},
      { type: 7 },
      { type: 'name', name: 'newcomer', reason: 'none' },
    ])
    await assertExchange(other)
    await ann.until('the last message is heard', () => peerNamed('newcomer') !== undefined)
    assert.equal(peerNamed('newcomer')?.blocked, false)
    assert.equal(other.isClosed, false)
    const { version, oldest } = other.heard[0] ?? {}
    assert.deepEqual([version, oldest], [4, 1])
  })

  it('that is 0.3.0 hears only what that knows, in fewer messages than it bears', async () => {
    other = await OtherVersion.start(people.bootstrap, [{ type: 'hello', name: 'Zoë', tcp: null }])
    await assertExchange(other)
    await ann.until('it is greeted', () => peerNamed('Zoë') !== undefined)
    for (let at = 0; at < 20; at++) await ann.request('settings.set', { name: `Ann ${at}` })
    for (const name of ['one', 'two', 'three'])
      await ann.publish(await makeTree(temporaryFolder(name), { [name]: name }))
    await assertExchange(other)
    assert.deepEqual(
      other.kinds().filter(kind => kind !== 'hello' && kind !== 'your-turn'),
      [],
    )
    assert.ok(other.heard.length <= 16)
    assert.ok(Buffer.byteLength(JSON.stringify(other.heard[0])) <= 4_000)
  })
})

/** A Hyperdrive client that says a few things on Peerfold's own channel. */
class OtherVersion {
  readonly heard: Readonly<Record<string, unknown>>[] = []
  /** The other side closed the channel. */
  isClosed = false

  private constructor(readonly client: StockClient) {}

  static async start(bootstrap: string, messages: readonly object[]): Promise<OtherVersion> {
    let made: OtherVersion | undefined
    const speak = (stream: NoiseStream) => {
      const channel = Protomux.from(stream).createChannel({
        protocol: 'peerfold/1',
        onclose: () => {
          if (made !== undefined) made.isClosed = true
        },
      })
      const control = channel?.addMessage<object>({
        encoding: c.json,
        onmessage: message => made?.heard.push({ ...message }),
      })
      channel?.open()
      for (const message of messages) control?.send(message)
    }
    made = new OtherVersion(await StockClient.start(bootstrap, olderHypercore(), speak))
    return made
  }

  kinds(): unknown[] {
    return this.heard.map(({ type }) => type)
  }

  close(): Promise<void> {
    return this.client.close()
  }
}

describe('a drive of a stock Hyperdrive client on hypercore 11.37.1', () => {
  const people = withPeople()
  let bob: Person
  let stock: StockClient

  before(async () => {
    ;[bob, stock] = await Promise.all([people.start(), StockClient.start(people.bootstrap, olderHypercore())])
  })
  after(() => stock.close())

  it('is saved whole: files, programs, links, deletions', async () => {
    const drive = await stock.create()
    await drive.put('/a.txt', Buffer.from('a'))
    await drive.put('/deep/er/b.bin', randomBytes(3_000_000, 2))
    await drive.put('/empty.txt', Buffer.alloc(0))
    await drive.put('/run.sh', Buffer.from('#!/bin/sh\n'), { executable: true })
    await drive.put('/gone.txt', Buffer.from('gone'))
    await drive.symlink('/link', 'deep/er/b.bin')
    await drive.del('/gone.txt')
    await drive.put('/a.txt', Buffer.from('a again'))
    const copy = temporaryFolder('copy')
    const result = await bob.get(drive.key.toString('hex'), copy)
    assert.deepEqual(result.skipped, [])
    const expected = await makeTree(temporaryFolder('expected'), {
      'a.txt': 'a again',
      deep: { er: { 'b.bin': randomBytes(3_000_000, 2) } },
      'empty.txt': '',
      'run.sh': executable('#!/bin/sh\n'),
      link: symbolicLink('deep/er/b.bin'),
    })
    assert.deepEqual(await compareTrees(copy, expected), [])
    await drive.close()
  })

  it('is opened by its key in every form that people pass around', async () => {
    const drive = await stock.create()
    await drive.put('/a.txt', Buffer.from('found'))
    const hex = drive.key.toString('hex') as DriveKey
    const z32 = formatKey(hex)
    const forms = [z32, hex, `pear://${z32}`, `hyper://${hex}`, `hyper://${z32}/`]
    for (const form of forms) {
      const id = await bob.open(form)
      assert.equal(await bob.read(id, '/a.txt'), 'found', form)
      await bob.request('open.remove', { id })
    }
    await drive.close()
  })

  it('is read with its encryption key', async () => {
    const encryptionKey = Buffer.alloc(32, 7)
    const drive = await stock.create(encryptionKey)
    await drive.put('/a.txt', Buffer.from('encrypted'))
    const link = formatLink({
      key: drive.key.toString('hex') as DriveKey,
      encryptionKey: encryptionKey.toString('hex') as EncryptionKey,
      isFile: false,
    })
    assert.equal(await bob.read(await bob.open(link), '/a.txt'), 'encrypted')
    await drive.close()
  })

  it('gives files whose equal blocks are stored once', async () => {
    const drive = await stock.create()
    const block = randomBytes(64 * 1024, 3)
    const blocks = [block, randomBytes(64 * 1024, 4), block, block, randomBytes(1_000, 5)]
    await pipeline(
      async function* () {
        yield* blocks.map(bytes => Buffer.from(bytes))
      },
      drive.createWriteStream('/deduplicated.bin', { dedup: true }),
    )
    const whole = Buffer.concat(blocks)
    assert.deepEqual(await drive.get('/deduplicated.bin'), whole)
    const copy = temporaryFolder('copy')
    const id = await bob.open(drive.key.toString('hex'))
    const result = await bob.copy(id, copy)
    assert.deepEqual(result.skipped, [])
    assert.ok((await readFile(join(copy, 'deduplicated.bin'))).equals(whole))
    assert.equal(await bob.read(id, '/deduplicated.bin'), whole.toString('utf8'))
    await drive.close()
  })

  it('shows what its owner writes later', async () => {
    const drive = await stock.create()
    await drive.put('/a.txt', Buffer.from('before'))
    const id = await bob.open(drive.key.toString('hex'))
    assert.equal(await bob.read(id, '/a.txt'), 'before')
    await drive.put('/b/c.txt', Buffer.from('new'))
    await drive.put('/a.txt', Buffer.from('after'))
    await bob.until('the new version is seen', () => bob.opened(id)?.contents?.version === drive.version)
    assert.equal(await bob.read(id, '/a.txt'), 'after')
    assert.deepEqual(await bob.list(id), ['a.txt', 'b'])
    await drive.close()
  })
})
