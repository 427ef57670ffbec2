/** The bytes of large files lie on the sharer's disk once: in the shared folder, from where they are served. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DrivePath } from '../../src/common/brand'
import { eventually } from '../support/eventually'
import { compareTrees, makeTree, randomBytes, temporaryFolder } from '../support/folders'
import type { PeerProcess } from '../support/peerProcess'
import { withPeople } from '../support/withPeople'

const MEGABYTE = 1_000_000
const LARGE = 24 * MEGABYTE
/** A store of a share without content has its journal. */
const LITTLE = 6 * MEGABYTE

describe('the large files of a share', () => {
  const people = withPeople()
  let ann: PeerProcess
  let bob: PeerProcess
  const annsFolder = temporaryFolder('ann')

  before(async () => {
    ;[ann, bob] = await Promise.all([people.process({ storage: annsFolder, hold: 0 }), people.process()])
  })

  async function assertCopied(link: string, source: string): Promise<void> {
    const copy = temporaryFolder('copy')
    await bob.copy(await bob.open(link), copy)
    assert.deepEqual(await compareTrees(source, copy), [])
  }

  it('are in the folder alone, and come over whole, also after the sharer was killed', async () => {
    const source = await makeTree(temporaryFolder('source'), {
      'large.bin': randomBytes(LARGE, 1),
      'twin.bin': randomBytes(LARGE, 1),
      folder: { 'other.bin': randomBytes(3 * MEGABYTE, 2), 'small.txt': 'small' },
    })
    const { id, link } = await ann.share(source)
    assert.ok(ann.storeBytes() < LITTLE, `${ann.storeBytes()} bytes in the store`)
    await ann.kill()
    ann = await people.process({ storage: annsFolder, hold: 0 })
    await assertCopied(link, source)
    assert.ok(ann.storeBytes() < LITTLE, `${ann.storeBytes()} bytes in the store`)
    await ann.request('share.remove', { id })
  })

  it('are never part old and part new for who fetches while they change, and the sharer goes on being asked', async () => {
    const source = await makeTree(temporaryFolder('source'), {
      'large.bin': randomBytes(LARGE, 3),
      'other.bin': randomBytes(2 * MEGABYTE, 4),
    })
    const { id, link } = await ann.share(source)
    const opened = await bob.open(link)
    const copy = temporaryFolder('copy')
    const job = 'overtaken'
    const large = join(source, 'large.bin')
    const part = { path: '/large.bin' as DrivePath, start: 0, length: LARGE / 4, timeout: 15_000 }
    await bob.request('fs.readRange', { id: opened, ...part })
    // Everything else of it is asked for before the file changes, and answered after that.
    ann.process.kill('SIGSTOP')
    await bob.request('copy.start', { id: opened, path: '/' as DrivePath, folder: copy, job })
    const moved = async () => (await bob.state()).transfers.find(({ id }) => id === job)?.bytes.done ?? 0
    await eventually('what was here is copied', async () => (await moved()) > LARGE / 5)
    const { atime, mtime } = statSync(large)
    writeFileSync(large, randomBytes(LARGE, 5))
    utimesSync(large, atime, mtime) // nothing but its content shows it
    ann.process.kill('SIGCONT')
    await bob.request('copy.wait', { job, timeout: 15_000 }, 50_000)
    assert.deepEqual(await compareTrees(source, copy), [])
    const { opened: all } = await bob.state()
    assert.equal(all.find(share => share.id === opened)?.peers, 1)
    await ann.request('share.remove', { id })
  })

  it('can be had again when the folder was away and came back, without being published anew', async () => {
    const source = await makeTree(temporaryFolder('source'), {
      'large.bin': randomBytes(LARGE, 6),
      'small.txt': 'small',
    })
    const { id, link } = await ann.share(source)
    const version = async () => (await ann.state()).shares.find(share => share.id === id)?.version
    const before = await version()
    const away = `${source}-away`
    renameSync(source, away)
    const opened = await bob.open(link)
    await assert.rejects(bob.read(opened, '/large.bin', 3_000), { code: 'offline' })
    assert.ok((await bob.read(opened, '/small.txt')).equals(Buffer.from('small')))
    renameSync(away, source)
    await ann.rescan(id)
    await eventually('it is here again', () =>
      bob.read(opened, '/large.bin').then(
        bytes => bytes.equals(randomBytes(LARGE, 6)),
        () => false,
      ),
    )
    assert.equal(await version(), before)
    await ann.request('share.remove', { id })
  })

  it('are kept in the store once the share is not followed, and given back when it is again', async () => {
    const source = await makeTree(temporaryFolder('source'), { 'large.bin': randomBytes(LARGE, 7) })
    const published = join(temporaryFolder('published'), 'large.bin')
    const share = (once: boolean) =>
      ann.request(
        'share.add',
        { source, isPublic: false, once, keep: false, allow: [], job: randomUUID() },
        60_000,
      )
    const { id, link } = await share(false)
    await share(true)
    assert.ok(ann.storeBytes() > LARGE, `${ann.storeBytes()} bytes in the store`)
    renameSync(join(source, 'large.bin'), published)
    writeFileSync(join(source, 'large.bin'), 'something else')
    assert.ok((await bob.read(await bob.open(link), '/large.bin')).equals(randomBytes(LARGE, 7)))

    rmSync(join(source, 'large.bin'))
    renameSync(published, join(source, 'large.bin'))
    await share(false)
    await eventually('the store is small again', () => ann.storeBytes() < LITTLE)
    await bob.request('open.remove', { id })
    await assertCopied(link, source)
  })

  it('have former versions where a share keeps them: of what it has at that moment, and from then on', async () => {
    const source = await makeTree(temporaryFolder('source'), { 'large.bin': randomBytes(LARGE, 8) })
    const { id } = await ann.share(source)
    const large = join(source, 'large.bin')
    const publish = async (seed?: number) => {
      if (seed !== undefined) writeFileSync(large, randomBytes(LARGE, seed))
      await ann.rescan(id)
      return (await ann.state()).shares.find(share => share.id === id)?.version ?? 0
    }
    const read = (version: number) => ann.read(id, '/large.bin', 15_000, version)
    const before = await publish()
    await ann.request('versions.keep', { id, large: true }, 60_000)
    assert.ok(ann.storeBytes() > LARGE, `${ann.storeBytes()} bytes in the store`)
    const between = await publish(9)
    rmSync(large)
    writeFileSync(join(source, 'other.txt'), 'other')
    await publish()
    assert.ok((await read(before)).equals(randomBytes(LARGE, 8)))
    assert.ok((await read(between)).equals(randomBytes(LARGE, 9)))

    await ann.request('versions.keep', { id, large: false, rule: { kind: 'none' } })
    const last = await publish(10)
    await publish(11)
    await assert.rejects(read(last), { code: 'not-kept' })
    await ann.request('share.remove', { id })
  })

  it('are in the copy alone at whoever has one, who gives them on when the sharer is gone, also after a kill', async () => {
    const source = await makeTree(temporaryFolder('source'), {
      'large.bin': randomBytes(LARGE, 8),
      folder: { 'other.bin': randomBytes(3 * MEGABYTE, 9), 'small.txt': 'small' },
    })
    const { id, link } = await ann.share(source)
    const storage = temporaryFolder('carl')
    let carl = await people.process({ storage })
    const opened = await carl.open(link, true)
    const copy = temporaryFolder('copy')
    await carl.copy(opened, copy)
    assert.ok(carl.storeBytes() < LITTLE, `${carl.storeBytes()} bytes in the store`)
    const second = temporaryFolder('second')
    assert.equal((await carl.copy(opened, second)).fetched, 0)
    rmSync(second, { recursive: true })
    await ann.request('share.remove', { id })

    await carl.kill()
    carl = await people.process({ storage })
    const got = temporaryFolder('got')
    const { fetched } = await bob.copy(await bob.open(link), got)
    assert.deepEqual(await compareTrees(source, got), [])
    assert.ok(fetched >= LARGE, `${fetched} bytes came`)
    assert.ok(carl.storeBytes() < LITTLE, `${carl.storeBytes()} bytes in the store`)
    await Promise.all([bob.request('open.remove', { id }), carl.request('open.remove', { id })])
  })
})
