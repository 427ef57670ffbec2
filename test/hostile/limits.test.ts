/**
 * The limits of the whole installation: what all opened shares together may keep, and how many peers may be connected.
 * Whoever wants more waits with a message until the user raises the limit or makes room; nothing else suffers. (The
 * limits of one share are tested in shareLogs.test.ts, those of one peer in peers.test.ts.)
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attachToPeer } from '../../src/client/attach'
import type { DrivePath, ShareId } from '../../src/common/brand'
import type { Result } from '../../src/common/protocol'
import { Catalog } from '../../src/peer/store/catalog'
import { dataFolderPaths } from '../../src/wire/dataFolder'
import { attackGroup } from '../support/attacks'
import { eventually } from '../support/eventually'
import { compareTrees, makeTree, randomBytes, temporaryFolder } from '../support/folders'
import { HostilePeer, publicKeyOf } from '../support/hostilePeer'
import type { PeerProcess } from '../support/peerProcess'
import { withPeople } from '../support/withPeople'

const MB = 1_000_000
/** Bytes that may be on their way when the limit is reached. */
const IN_FLIGHT = 32 * MB

attackGroup('the limit of what all opened shares keep', () => {
  const people = withPeople()
  let ann: PeerProcess
  let bob: PeerProcess
  let large: { source: string; shared: Result<'share.add'> }
  let small: { source: string; shared: Result<'share.add'> }
  const bobsStorage = temporaryFolder('bob')
  const target = temporaryFolder('target')
  let jobs = 0

  before(async () => {
    ann = await people.process()
    large = await shareOf(ann, { ...manyFiles(60, 0), 'one.bin': randomBytes(30 * MB, 99) })
    const files = { 'a.txt': 'a', 'b.bin': randomBytes(2 * MB, 100), 'c.bin': randomBytes(MB, 101) }
    small = await shareOf(ann, files) // of a copy, c.bin alone is sure to need the store
    bob = await people.process({ storage: bobsStorage })
  })

  async function shareOf(peer: PeerProcess, tree: Parameters<typeof makeTree>[1]) {
    const source = await makeTree(temporaryFolder('source'), tree)
    return { source, shared: await peer.share(source) }
  }

  /** A megabyte each: larger ones would lie in their copies alone, and keep nothing in the store. */
  function manyFiles(count: number, seed: number): Record<string, Uint8Array> {
    return Object.fromEntries(Array.from({ length: count }, (_, at) => [`${at}`, randomBytes(MB, seed + at)]))
  }

  async function startCopy(id: ShareId, folder: string): Promise<string> {
    const job = `limit-${jobs++}`
    await bob.request('copy.start', { id, path: '/' as DrivePath, folder, job })
    return job
  }

  const wait = (job: string) => bob.request('copy.wait', { job, timeout: 20_000 }, 40_000)
  const isPaused = async (job: string) => {
    const status = (await bob.state()).transfers.find(({ id }) => id === job)?.status
    return status?.kind === 'paused' && status.error.code === 'store-limit'
  }
  /** Of the large share. */
  const bytesHere = async () =>
    (await bob.state()).opened.find(({ id }) => id === large.shared.id)?.bytesHere ?? 0
  const read = (id: ShareId, path: string) =>
    bob.request('fs.read', { id, path: path as DrivePath, limit: MB * 40, timeout: 10_000 })

  const deleted = ({ process }: PeerProcess) =>
    process.stdout.filter(line => line.includes('it is in no list any more')).length

  async function openInOtherWindow(link: string): Promise<void> {
    const other = await attachToPeer({ storage: bobsStorage, client: 'window' })
    await other?.connection.request('open.add', { link, keep: false }, { timeout: 10_000 })
    other?.connection.close()
  }

  it('pauses what wants more, with a message, and nothing else', async () => {
    await bob.request('settings.set', { limits: { storeBytes: 8 * MB } })
    const id = await bob.open(large.shared.link, true)
    const job = await startCopy(id, target)
    await assert.rejects(wait(job), { code: 'store-limit', message: /8\.0 MB.*maxStoreSize/ })
    assert.equal(await isPaused(job), true)
    const here = await bytesHere()
    assert.ok(here < 8 * MB + IN_FLIGHT, `${here} bytes are here`)

    const other = await bob.open(small.shared.link, true)
    await assert.rejects(read(other, '/b.bin'), { code: 'store-limit' })
    writeFileSync(join(small.source, 'new.txt'), 'new')
    await eventually('what is followed is still followed', async () => {
      const list = await bob.request('fs.list', { id: other, path: '/' as DrivePath })
      return list.some(({ name }) => name === 'new.txt')
    })

    const own = await shareOf(bob, { 'mine.bin': randomBytes(20 * MB, 7) })
    const annsCopy = temporaryFolder('anns-copy')
    await ann.copy(await ann.open(own.shared.link), annsCopy)
    assert.deepEqual(await compareTrees(own.source, annsCopy), [])
    const mine = temporaryFolder('mine')
    await wait(await startCopy(own.shared.id, mine))
    assert.deepEqual(await compareTrees(own.source, mine), [])
  })

  it('is remembered over a restart, and what is here can be read', async () => {
    const before = await bytesHere()
    await bob.stop()
    await bob.process.ended
    bob = await people.process({ storage: bobsStorage })
    await eventually('the copy is paused again', async () =>
      (await bob.state()).transfers.some(
        ({ folder, status }) =>
          folder === target && status.kind === 'paused' && status.error.code === 'store-limit',
      ),
    )
    const id = await bob.open(large.shared.link)
    const names = (await bob.request('fs.list', { id, path: '/' as DrivePath })).map(({ name }) => name)
    const results = await Promise.allSettled(names.map(name => read(id, `/${name}`)))
    const bytes = results.filter(({ status }) => status === 'fulfilled').length
    assert.ok(bytes > 0 && bytes < names.length, `${bytes} of ${names.length} files could be read`)
    assert.ok((await bytesHere()) <= before, 'nothing was fetched')
  })

  it('lets what was paused go on when it is raised', async () => {
    await bob.request('settings.set', { limits: {} })
    const job = (await bob.state()).transfers.find(({ folder }) => folder === target)?.id ?? ''
    await wait(job)
    assert.deepEqual(await compareTrees(large.source, target), [])
  })

  it('lets it go on when another share is removed', async () => {
    await bob.request('settings.set', { limits: { storeBytes: 50 * MB } })
    const id = await bob.open(small.shared.link)
    const copy = temporaryFolder('small')
    const job = await startCopy(id, copy)
    await eventually('it is paused', () => isPaused(job))
    const seeding = bob.request('seed.wait', { id, job: 'seed' }, 40_000)
    await eventually('seeding is paused as well', () => isPaused('seed'))
    await bob.request('open.remove', { id: await bob.open(large.shared.link) })
    await seeding
    await eventually('the copy ended', async () =>
      (await bob.state()).transfers.some(({ id, status }) => id === job && status.kind === 'done'),
    )
    assert.deepEqual(await compareTrees(small.source, copy), [])
  })

  it('first costs what commands fetched and nobody lists any more', async () => {
    await bob.request('settings.set', { limits: {} })
    const first = await bob.open((await shareOf(ann, manyFiles(9, 200))).shared.link)
    await bob.copy(first, temporaryFolder('first'))
    await bob.stop()
    await bob.process.ended
    bob = await people.process({ storage: bobsStorage })
    await bob.request('settings.set', { limits: { storeBytes: 14 * MB } })
    const second = await shareOf(ann, manyFiles(9, 300))
    const copy = temporaryFolder('second')
    await wait(await startCopy(await bob.open(second.shared.link), copy)).catch(error =>
      assert.equal(error.code, 'store-limit'),
    )
    await eventually('room was made, and the copy ended', async () =>
      (await bob.state()).transfers.some(({ folder, status }) => folder === copy && status.kind === 'done'),
    )
    assert.deepEqual(await compareTrees(second.source, copy), [])
    await bob.process.line(line => line.includes('it is in no list any more'))
  })

  it('costs that also when it was still being used as the limit was reached', async () => {
    const third = await shareOf(ann, manyFiles(90, 400))
    const other = (await shareOf(ann, { 'a.txt': 'a' })).shared
    const job = await startCopy(await bob.open(third.shared.link), temporaryFolder('third'))
    await eventually('it is paused', () => isPaused(job))
    const former = bob
    const deletedBefore = deleted(former)
    await bob.stop()
    await bob.process.ended
    bob = await people.process({ storage: bobsStorage })
    // The one that ends lets go of it as its window goes, and may delete it itself.
    await eventually('it is deleted', () => deleted(former) + deleted(bob) > deletedBefore)

    await eventually('the limit is reached again', () => isPaused(job))
    const count = deleted(bob)
    await openInOtherWindow(other.link)
    await eventually(
      'what its window let go of is deleted: a copy waits for room',
      () => deleted(bob) === count + 1,
    )

    // What was restored for its copy is used no more when that is cancelled and its window gone. Nobody waits then.
    await bob.request('transfer.cancel', { job })
    await openInOtherWindow(third.shared.link)
    await eventually('it is closed', async () =>
      (await bob.state()).opened.every(({ id }) => id !== third.shared.id),
    )
    await bob.open(small.shared.link)
    await eventually('it is deleted', () => deleted(bob) === count + 2)
  })

  it('counts nothing of a share that nobody can remove any more, also when a removal is cut off', async () => {
    const id = await bob.open(small.shared.link)
    bob.request('open.remove', { id }).catch(() => {}) // cut off
    await eventually('it is going', async () => (await bob.state()).opened.every(share => share.id !== id))
    await bob.kill()
    const catalog = await Catalog.open(dataFolderPaths(bobsStorage).catalog)
    try {
      for await (const [counted] of catalog.list('kept'))
        assert.ok(await catalog.get('opened', counted), 'what it keeps is counted, and the share is gone')
    } finally {
      await catalog.close()
    }
  })
})

attackGroup('the limit of connections', () => {
  const people = withPeople()
  let bob: PeerProcess
  let crowd: HostilePeer
  let bobsKey: Buffer

  before(async () => {
    const storage = temporaryFolder('bob')
    bob = await people.process({ storage })
    bobsKey = publicKeyOf(storage)
    await bob.request('settings.set', { limits: { connections: 8 } })
    await bob.share(await makeTree(temporaryFolder('source'), { 'a.txt': 'a' }))
    crowd = await HostilePeer.start(people.bootstrap)
  })
  after(() => crowd?.close())

  const connected = async () => (await bob.state()).peers.length
  const come = (count: number) =>
    Promise.all(Array.from({ length: count }, () => crowd.connect(bobsKey).catch(() => undefined)))

  it('is what the user says, and can be raised while the process runs', async () => {
    await come(12)
    // A quarter of all places is for those who have not proven where they are.
    await eventually('those above it are refused', async () => (await connected()) === 2)
    await bob.request('settings.set', { limits: { connections: 40 } })
    await come(10)
    await eventually('more have room', async () => (await connected()) > 8)
    assert.ok((await connected()) <= 15)
  })
})
