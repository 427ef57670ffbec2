/**
 * Other Hyperdrive clients read what we publish, and we read what they publish, nobody knowing of the other. They run an
 * older Hypercore than we do; those upon ours are in other suites (secondHand, firstVersion).
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
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
import { type LocalDht, startLocalDht } from '../support/localDht'
import { olderHypercore } from '../support/olderHypercore'
import { People, type Person } from '../support/person'
import { listAll, StockClient } from '../support/stockClient'

describe('a stock Hyperdrive client on hypercore 11.37.1', () => {
  let dht: LocalDht
  let ann: Person
  let stock: StockClient
  const people = new People(() => dht.bootstrap)
  const large = randomBytes(5_000_000, 1)

  before(async () => {
    dht = await startLocalDht()
    ;[ann, stock] = await Promise.all([people.start(), StockClient.start(dht.bootstrap, olderHypercore())])
  })
  after(async () => {
    await stock.close()
    await people.leave()
    await dht.stop()
  })

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
    await ann.request('share.rescan', { id })
    await longer
    await ann.until('both are published', () => ann.share(id)?.files === 2)
    await drive.update({ wait: true })
    assert.equal((await drive.get('/a.txt'))?.toString(), 'after')
    await drive.close()
  })
})

describe('a drive of a stock Hyperdrive client on hypercore 11.37.1', () => {
  let dht: LocalDht
  let bob: Person
  let stock: StockClient
  const people = new People(() => dht.bootstrap)

  before(async () => {
    dht = await startLocalDht()
    ;[bob, stock] = await Promise.all([people.start(), StockClient.start(dht.bootstrap, olderHypercore())])
  })
  after(async () => {
    await stock.close()
    await people.leave()
    await dht.stop()
  })

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
