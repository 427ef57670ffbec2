/** What a share's newest version does not need any more leaves the disk, on both sides, and nothing else does. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { DrivePath, ShareId } from '../../src/common/brand'
import type { PeerfoldError } from '../../src/common/errors'
import { eventually } from '../support/eventually'
import { compareTrees, makeTree, randomBytes, temporaryFolder } from '../support/folders'
import type { PeerProcess } from '../support/peerProcess'
import { withPeople } from '../support/withPeople'

const LARGE = 8_000_000
const MEGABYTE = 1_000_000
/** A store has up to as much again that is not in use, and its journal. */
const boundOf = (bytes: number) => 2 * bytes + 16 * MEGABYTE

describe('what is superseded', () => {
  const people = withPeople()

  /** Hold 0: most of a folder is deleted here, and that is meant. */
  const start = (grace = 1) => people.process({ grace, hold: 0 })

  afterEach(() => people.leave())

  it('does not pile up, neither with a publisher whose file changes six times nor with its follower', async () => {
    const ann = await start()
    const bob = await start()
    const source = await makeTree(temporaryFolder('source'), { 'large.bin': randomBytes(LARGE, 0) })
    const { id, link } = await ann.share(source)
    const opened = await bob.open(link, true)
    const copy = temporaryFolder('copy')
    for (let change = 1; change <= 6; change++) {
      writeFileSync(join(source, 'large.bin'), randomBytes(LARGE, change))
      await ann.rescan(id)
      await knows(bob, opened, ann, id)
      if (change % 3 === 0) await bob.copy(opened, copy)
    }
    await bob.copy(opened, copy)
    for (const [name, peer] of Object.entries({ ann, bob }))
      await eventually(
        `the store of ${name} holds one version, not ${peer.storeBytes()} bytes`,
        () => peer.storeBytes() < boundOf(LARGE),
        30_000,
      )
    assert.ok((await bob.read(opened, '/large.bin')).equals(randomBytes(LARGE, 6)))
    assert.equal((await bob.copy(opened, temporaryFolder('again'))).fetched, 0, 'all of it is still here')
  }).timeout(120_000)

  it('is no bytes that another path still has: twins outlive each other, also for a fresh reader', async () => {
    const ann = await start(0.2)
    const twin = randomBytes(3 * MEGABYTE, 1)
    const small = randomBytes(500, 2)
    const source = await makeTree(temporaryFolder('source'), {
      a: { 'one.bin': twin, 'one.txt': small },
      b: { 'two.bin': twin, 'two.txt': small },
      'other.bin': randomBytes(12 * MEGABYTE, 3),
      'block.bin': randomBytes(MEGABYTE, 5),
    })
    const { id, link } = await ann.share(source)
    const before = ann.storeBytes()
    rmSync(join(source, 'a'), { recursive: true })
    rmSync(join(source, 'block.bin'))
    writeFileSync(join(source, 'other.bin'), randomBytes(16 * MEGABYTE, 4))
    await ann.rescan(id)
    rmSync(join(source, 'other.bin'))
    await ann.rescan(id)
    await eventually('the other file is cleared', () => ann.storeBytes() < before, 20_000)
    // What comes back after it was cleared is stored again.
    writeFileSync(join(source, 'again.bin'), randomBytes(16 * MEGABYTE, 4))
    writeFileSync(join(source, 'block.bin'), randomBytes(MEGABYTE, 5))
    await ann.rescan(id)
    const bob = await start()
    const opened = await bob.open(link)
    assert.ok((await bob.read(opened, '/b/two.bin')).equals(twin))
    assert.ok((await bob.read(opened, '/b/two.txt')).equals(small))
    assert.ok((await bob.read(opened, '/block.bin')).equals(randomBytes(MEGABYTE, 5)))
    assert.ok((await bob.read(opened, '/again.bin')).equals(randomBytes(16 * MEGABYTE, 4)))
    assert.equal((await bob.copy(opened, temporaryFolder('copy'))).files, 4)
  })

  it('is no pack of which one file is left', async () => {
    const ann = await start(0.2)
    const files = Array.from({ length: 900 }, (_, at) => [`${at}.bin`, randomBytes(40_000, at)] as const)
    const source = await makeTree(temporaryFolder('source'), Object.fromEntries(files))
    const { id, link } = await ann.share(source)
    const before = ann.storeBytes()
    for (const [path] of files.slice(1)) rmSync(join(source, path))
    await ann.rescan(id)
    await eventually('the others are cleared', () => ann.storeBytes() < before / 2, 20_000)
    const bob = await start()
    const opened = await bob.open(link)
    assert.equal((await bob.copy(opened, temporaryFolder('copy'))).files, 1)
    assert.ok((await bob.read(opened, '/0.bin')).equals(randomBytes(40_000, 0)))
  })

  it('lets a copy that it overtook end with the newest version, whole, and with that alone', async () => {
    const ann = await start(0.5)
    const bob = await start(600)
    // A copy has 24 MiB on the way at once. Larger files are not in the store.
    const names = Array.from({ length: 40 }, (_, at) => `${at + 10}.bin`)
    const files = names.map((name, at) => [name, randomBytes(MEGABYTE, at)] as const)
    const source = await makeTree(temporaryFolder('source'), Object.fromEntries(files))
    const { id, link } = await ann.share(source)
    const opened = await bob.open(link)
    await limit(bob, 2 * MEGABYTE)
    const target = temporaryFolder('copy')
    const job = 'overtaken'
    await bob.request('copy.start', { id: opened, path: '/' as DrivePath, folder: target, job })
    const status = async () => (await bob.state()).transfers.find(transfer => transfer.id === job)?.status
    const isPaused = async () => {
      const now = await status()
      return now?.kind === 'paused' && now.error.code === 'store-limit'
    }
    await eventually('the copy has come to the limit', isPaused)

    const before = ann.storeBytes()
    for (const name of [...names.slice(0, 18), ...names.slice(24)]) rmSync(join(source, name))
    writeFileSync(join(source, '30.bin'), randomBytes(MEGABYTE, 44))
    writeFileSync(join(source, '39.bin'), randomBytes(MEGABYTE, 45))
    await ann.rescan(id)
    await knows(bob, opened, ann, id)
    await eventually('the publisher has cleared what was', () => ann.storeBytes() < before / 2)
    await limit(bob, 10 ** 12)
    const result = await bob.request('copy.wait', { job, timeout: 15_000 }, 50_000)
    assert.deepEqual(await compareTrees(source, target), [])
    assert.equal(result.files, 7)
    assert.deepEqual(result.conflicts, [])
  }).timeout(60_000)

  it('is cleared or is not when the process is killed meanwhile, and what is in use stays', async () => {
    const options = { storage: temporaryFolder('killed'), grace: 0.02 }
    const content = (at: number, round: number) =>
      randomBytes(at % 10 === 0 ? MEGABYTE : 9_000, at + 1_000 * round)
    const names = Array.from({ length: 120 }, (_, at) => `${at}.bin`)
    const files = names.map((name, at) => [name, content(at, 0)] as const)
    const source = await makeTree(temporaryFolder('source'), Object.fromEntries(files))
    let ann = await people.process(options)
    const { id, link } = await ann.share(source)
    for (let round = 1; round <= 3; round++) {
      for (const [at, name] of names.entries())
        if ((at + round) % 3 !== 0) writeFileSync(join(source, name), content(at, round))
      await ann.rescan(id)
      await delay(15 + 20 * round)
      await ann.kill()
      ann = await people.process(options)
    }
    await ann.rescan(id)
    const bob = await start()
    const copy = temporaryFolder('copy')
    await bob.copy(await bob.open(link), copy)
    assert.deepEqual(await compareTrees(source, copy), [])
    await eventually('one version is left', () => ann.storeBytes() < boundOf(14 * MEGABYTE))
  }).timeout(60_000)
})

describe('former versions', () => {
  const people = withPeople()
  const path = '/a.bin' as DrivePath
  const start = () => people.process({ grace: 0.1, hold: 0, keepVersions: true })
  const content = (version: number) => randomBytes(200_000, version)

  it('stay as long as the rule of a share says, are given back by any reader, and waited for by nobody once let go', async () => {
    const [ann, bob, carla] = await Promise.all([start(), start(), start()])
    const source = await makeTree(temporaryFolder('source'), { 'a.bin': content(1), 'b.txt': 'stays' })
    const saved = join(temporaryFolder('saved'), 'a.bin')
    const { id, link } = await ann.share(source)
    const opened = await bob.open(link, true)
    for (let change = 1; change <= 4; change++) {
      // In one step: the watcher looks while this goes on, and an emptied file would be a version of its own.
      writeFileSync(saved, content(change))
      if (change > 1) renameSync(saved, join(source, 'a.bin'))
      await ann.rescan(id)
      await knows(bob, opened, ann, id)
      assert.ok((await bob.read(opened, path)).equals(content(change)))
    }
    const { versions } = await ann.request('versions.list', { id, limit: 10, timeout: 5_000 })
    const [, , second = 0, first = 0] = versions.map(({ version }) => version)
    assert.equal(versions.length, 4)
    await bob.request('versions.pin', { id: opened, version: first, pinned: true })
    await ann.request('versions.pin', { id, version: second, pinned: true })
    await ann.request('versions.keep', { id, rule: { kind: 'count', count: 1 } })
    await eventually('the publisher let the first version go', async () => {
      const listed = await ann.request('versions.list', { id, limit: 10, timeout: 5_000 })
      return listed.versions.map(({ kept }) => kept !== false).join() === 'true,true,true,false'
    })
    assert.ok((await ann.read(id, path)).equals(content(4)))
    assert.ok((await readAt(ann, id, second)).equals(content(2)), 'a pinned version stays')
    const back = await ann.request('copy.start', { id, path, folder: source, job: 'back', version: second })
    const { conflicts } = await ann.request('copy.wait', { job: back.job, timeout: 10_000 })
    assert.ok(readFileSync(join(source, 'a.bin')).equals(content(4)), 'what is there now stays')
    assert.ok(readFileSync(conflicts[0]?.copy ?? '').equals(content(2)), 'what was there lands beside it')
    rmSync(conflicts[0]?.copy ?? '') // it would be shared as well
    await ann.rescan(id)
    await untilLetGo(ann, id, first)
    await assert.rejects(ann.request('versions.pin', { id, version: first, pinned: true }), {
      code: 'not-kept',
    })

    assert.ok((await readAt(bob, opened, first)).equals(content(1)), 'a reader keeps what it has')
    const later = { id: opened, version: 1_000_000, timeout: 5_000 }
    await assert.rejects(bob.request('versions.at', later), { code: 'no-such-version' })
    await ann.stop()
    const alone = () => bob.request('versions.at', later).catch((error: PeerfoldError) => error.code)
    await eventually('nobody is left who could know', async () => (await alone()) === 'version-not-here')
    const third = await carla.open(link)
    const restored = temporaryFolder('restored')
    const { job } = await carla.request('copy.start', {
      id: third,
      path: '/' as DrivePath,
      folder: restored,
      job: 'restore',
      version: first,
    })
    // What the reader never fetched waits for somebody who has it.
    await eventually('the file is restored from the reader', () => existsSync(join(restored, 'a.bin')))
    assert.ok(readFileSync(join(restored, 'a.bin')).equals(content(1)))
    await carla.request('transfer.cancel', { job })

    await bob.stop()
    const again = await people.process({ ...ann.options })
    await again.request('versions.pin', { id, version: second, pinned: false })
    await again.request('versions.keep', { id, rule: { kind: 'none' } })
    await untilLetGo(again, id, second)
    await eventually('the publisher is there again', async () => {
      const state = await carla.state()
      return state.opened[0]?.status.kind === 'connected'
    })
    await letGo(carla, third, second)
  }).timeout(60_000)

  function readAt(peer: PeerProcess, id: ShareId, version: number): Promise<Buffer> {
    const params = { id, path, limit: 60_000_000, timeout: 15_000, version }
    return peer.request('fs.read', params).then(bytes => Buffer.from(bytes))
  }

  async function untilLetGo(peer: PeerProcess, id: ShareId, version: number): Promise<void> {
    const isGone = () =>
      letGo(peer, id, version).then(
        () => true,
        () => false,
      )
    await eventually('the content of the version is let go', isGone)
  }

  /** It is said soon that nobody keeps it. */
  async function letGo(peer: PeerProcess, id: ShareId, version: number): Promise<void> {
    const begun = performance.now()
    await assert.rejects(readAt(peer, id, version), { code: 'not-kept' })
    assert.ok(performance.now() - begun < 5_000)
  }
})

async function knows(
  reader: PeerProcess,
  opened: ShareId,
  publisher: PeerProcess,
  own: ShareId,
): Promise<void> {
  const { shares } = await publisher.state()
  const version = shares.find(({ id }) => id === own)?.version
  await eventually('the reader knows the newest version', async () => {
    const state = await reader.state()
    return state.opened.find(({ id }) => id === opened)?.contents?.version === version
  })
}

function limit(peer: PeerProcess, storeBytes: number): Promise<unknown> {
  return peer.request('settings.set', { limits: { storeBytes } })
}
