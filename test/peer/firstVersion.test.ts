/**
 * The first version of a folder with thousands of small files: its link is given out when Peerfold can read it all, and
 * what only others need comes after.
 */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseLink } from '../../src/common/link'
import { eventually } from '../support/eventually'
import { compareTrees, makeTree, randomBytes, type Tree, temporaryFolder } from '../support/folders'
import { PeerProcess } from '../support/peerProcess'
import type { Person } from '../support/person'
import { listAll, StockClient } from '../support/stockClient'
import { withPeople } from '../support/withPeople'

/** Enough for a first version in two steps. */
const SMALL = 1_100
/** The header of the path log, and one block that names the listing. */
const AHEAD = 2

/** @param large bytes of the largest file */
function tree(large = 3_000_000): Tree {
  const folder = (n: number): Tree =>
    Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`${at}.txt`, `file ${at} of folder ${n}`]))
  return {
    ...Object.fromEntries(Array.from({ length: SMALL / 100 - 1 }, (_, n) => [`folder ${n}`, folder(n)])),
    same: Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`${at}.txt`, 'all the same'])),
    pair: { 'a.txt': 'one of two', 'b.txt': 'the other' },
    'large.bin': randomBytes(large),
    'empty.txt': '',
  }
}
const FILES = SMALL + 4

describe('a first version of many small files', () => {
  const people = withPeople()
  let stock: StockClient
  let bob: Person
  let carl: Person

  before(async () => {
    ;[stock, bob, carl] = await Promise.all([
      StockClient.start(people.bootstrap),
      people.start(),
      people.start(),
    ])
  })
  after(() => stock.close())

  /** What another Hyperdrive client has, once it knows as many files. */
  async function othersSee(link: string, source: string, files = FILES): Promise<void> {
    const parsed = parseLink(link)
    assert.ok(parsed.ok)
    const { key, encryptionKey = '' } = parsed.link
    const drive = await stock.open(Buffer.from(key, 'hex'), Buffer.from(encryptionKey, 'hex'))
    const entries = await listAll(drive)
    assert.equal(entries.size, files)
    const paths = [...entries.keys()].filter((_, at) => at % 29 === 0)
    for (const path of [...paths, '/same/99.txt', '/pair/b.txt', '/large.bin', '/empty.txt'])
      assert.deepEqual(await drive.get(path), await readFile(join(source, path)), path)
  }

  it('is read by Peerfold at once, and by others soon, while nothing changes for Peerfold', async () => {
    const options = { storage: temporaryFolder('ann'), bootstrap: people.bootstrap, grace: 2 }
    const ann = await PeerProcess.start(options)
    const version = async () => (await ann.state()).shares[0]?.version
    const source = await makeTree(temporaryFolder('source'), tree())
    const { link } = await ann.share(source)
    assert.equal(await version(), AHEAD)
    const opened = await bob.open(link)
    assert.deepEqual(
      await bob.request('fs.read', { id: opened, path: '/pair/a.txt' as never, limit: 100, timeout: 15_000 }),
      Buffer.from('one of two'),
    )
    const copy = temporaryFolder('copy')
    await bob.copy(opened, copy)
    assert.deepEqual(await compareTrees(source, copy), [])

    await eventually('all is written', async () => (await version()) === AHEAD + FILES + 1)
    await bob.request('open.ready', { id: opened, newest: true, timeout: 15_000 })
    await othersSee(link, source)
    writeFileSync(join(source, 'pair', 'b.txt'), 'changed')
    await bob.until('a change comes', () => bob.changes.some(({ paths }) => paths?.length === 1))
    const [all, ...later] = bob.changes.map(({ paths }) => paths)
    assert.equal(all, undefined, 'it was opened')
    assert.deepEqual(later.flat(), [{ path: '/pair/b.txt', type: 'changed' }])
    await ann.stop()
  })

  it('is served by those who have it when the one who shared it is gone before the rest came', async () => {
    const ann = await people.process()
    const source = await makeTree(temporaryFolder('source'), tree())
    const { link } = await ann.share(source)
    const opened = await bob.open(link, { keep: true })
    await bob.copy(opened, temporaryFolder('copy'))
    await ann.kill()

    const copy = temporaryFolder('copy')
    const id = await carl.open(link)
    await carl.copy(id, copy, '/pair') // fewer files than a pack is fetched for
    assert.deepEqual(await compareTrees(join(source, 'pair'), join(copy, 'pair')), [])
    await carl.copy(id, copy)
    assert.deepEqual(await compareTrees(source, copy), [])
  })

  const meanwhile = {
    'and followed on': { once: false, change: 'a folder is removed' },
    'also of a folder that is not followed': { once: true, change: 'a folder is removed' },
    'also when its folder is gone': { once: false, change: 'all is removed' },
  } as const
  for (const [title, { once, change }] of Object.entries(meanwhile)) {
    it(`is finished after a kill, ${title}`, async () => {
      const options = people.place('killed')
      // Larger files are in their folder alone.
      const large = change === 'all is removed' ? 1_000_000 : 3_000_000
      const source = await makeTree(temporaryFolder('source'), tree(large))
      const original = await makeTree(temporaryFolder('original'), tree(large))
      const killed = await PeerProcess.start(options)
      const share = { source, isPublic: false, once, keep: true, allow: [], job: 'first' }
      const { link } = await killed.request('share.add', share, 60_000)
      assert.equal((await killed.state()).shares[0]?.version, AHEAD)
      await killed.kill()

      rmSync(change === 'all is removed' ? source : join(source, 'folder 0'), { recursive: true })
      const follows = !once && change !== 'all is removed'
      if (follows) rmSync(join(original, 'folder 0'), { recursive: true })
      const ann = await PeerProcess.start({ ...options, grace: 1 })
      const version = AHEAD + FILES + 1 + (follows ? 101 : 0)
      await eventually('all is written', async () => (await ann.state()).shares[0]?.version === version)
      await othersSee(link, original, follows ? FILES - 100 : FILES)
      const copy = temporaryFolder('copy')
      await carl.get(link, copy)
      assert.deepEqual(await compareTrees(original, copy), [])
      await ann.stop()
    })
  }

  it('is finished also when it is killed again and again while the rest is written', async () => {
    const options = { storage: temporaryFolder('killed'), bootstrap: people.bootstrap, grace: 0 }
    const source = await makeTree(temporaryFolder('source'), tree())
    let ann = await PeerProcess.start({ ...options, grace: 60 })
    const { link } = await ann.share(source)
    const version = async () => (await ann.state()).shares[0]?.version
    for (const pause of [0, 20, 50, 100]) {
      await ann.kill()
      ann = await PeerProcess.start(options)
      await delay(pause * (1 + Math.random()))
    }
    await eventually('all is written', async () => (await version()) === AHEAD + FILES + 1)
    await othersSee(link, source)
    const copy = temporaryFolder('copy')
    await carl.get(link, copy)
    assert.deepEqual(await compareTrees(source, copy), [])
    await ann.stop()
  })
})
