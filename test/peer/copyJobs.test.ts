/** Copies as jobs of a peer: how they begin and end. Nobody else is there: the copied share is its own. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import DHT from 'hyperdht'
import type { DrivePath, ShareId } from '../../src/common/brand'
import { Peer } from '../../src/peer/peer'
import { Catalog } from '../../src/peer/store/catalog'
import { ensureDataFolder } from '../../src/wire/dataFolder'
import { compareTrees, makeTree, temporaryFolder } from '../support/folders'
import { withPeople } from '../support/withPeople'

describe('a copy', () => {
  const people = withPeople()
  const never = new AbortController().signal
  let peer: Peer
  let source: string
  let id: ShareId
  let target: string

  before(async () => {
    peer = await Peer.open({
      paths: ensureDataFolder(temporaryFolder('peer')),
      keyPair: DHT.keyPair(),
      bootstrap: [people.bootstrap],
      tcp: false,
      log: () => {},
      onDamage: error => assert.fail(String(error)),
      onRoomAgain: () => {},
    })
    source = await makeTree(temporaryFolder('source'), { 'a.txt': 'a' })
    const wanted = { source, isPublic: false, once: true, keep: true, allow: [] }
    const added = await peer.service.parts.folders.add(wanted, randomUUID(), never, () => {})
    id = added.id
  })
  after(() => peer?.close())
  beforeEach(() => {
    target = temporaryFolder('target')
  })

  const start = () =>
    peer.service.parts.copies.start({ id, path: '/' as DrivePath, folder: target, job: randomUUID() })
  const wait = (job: string) => peer.service.parts.copies.wait(job, 5_000, AbortSignal.timeout(5_000))

  /** While it runs, nothing about the end of a copy can be written. */
  async function onFullCatalog(action: () => Promise<void>): Promise<void> {
    const { put, write } = Catalog.prototype
    Catalog.prototype.put = function (table, key, value) {
      const isEnd = typeof value === 'object' && ('result' in value || 'failure' in value)
      return isEnd ? Promise.reject(new Error('the disk is full')) : put.call(this, table, key, value)
    }
    Catalog.prototype.write = function (changes) {
      const all = [...changes]
      const isFull = all.some(({ table }) => table === 'copy')
      return isFull ? Promise.reject(new Error('the disk is full')) : write.call(this, all)
    }
    try {
      await action()
    } finally {
      Object.assign(Catalog.prototype, { put, write })
    }
  }

  it('ends for whoever waits for it, also when that cannot be noted', () =>
    onFullCatalog(async () => {
      const { files } = await wait(await start())
      assert.equal(files, 1)
      assert.deepEqual(await compareTrees(source, target), [])
    }))

  it('says what stopped it, also when that cannot be noted', () =>
    onFullCatalog(async () => {
      const { copies } = peer.service.parts
      const job = randomUUID()
      await copies.start({ id, path: '/absent' as DrivePath, folder: target, job })
      await assert.rejects(wait(job), { code: 'file-not-found' })
    }))

  it('is one, when it is asked for twice at once', async () => {
    const jobs = await Promise.all([start(), start()])
    assert.equal(new Set(jobs).size, 1)
    await wait(jobs[0])
  })
})
