/**
 * Copies whose disk is full, read-only or gone, end to end: the transfer pauses and says why, what arrived stays, and
 * when the cause is gone it goes on by itself. Small disks are mounted where the tests may do that (root on Linux).
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DrivePath, ShareId } from '../../src/common/brand'
import type { UserError } from '../../src/common/errors'
import type { Result } from '../../src/common/protocol'
import { attackGroup } from '../support/attacks'
import { eventually } from '../support/eventually'
import { compareTrees, makeTree, randomBytes, temporaryFolder } from '../support/folders'
import { PeerProcess } from '../support/peerProcess'
import { withPeople } from '../support/withPeople'

const MB = 1_000_000

attackGroup('copies on disks that fail', () => {
  const people = withPeople()
  let ann: PeerProcess
  let bob: PeerProcess
  let source: string
  let id: ShareId
  let disk: string
  let target: string
  let jobs = 0

  before(async function () {
    disk = join(temporaryFolder('disk'), 'small')
    mkdirSync(disk)
    if (!mount('size=20m')) this.skip()
    const files = Object.fromEntries(
      Array.from({ length: 12 }, (_, at) => [`${at}.bin`, randomBytes(MB, at)]),
    )
    source = await makeTree(temporaryFolder('source'), { ...files, small: { 'a.txt': 'a', 'b.txt': 'b' } })
    ann = await people.process()
    bob = await people.process()
    id = await bob.open((await ann.share(source)).link)
  })
  beforeEach(() => {
    target = join(disk, `copy ${jobs}`)
    mkdirSync(target)
  })
  afterEach(() => rmSync(target, { recursive: true, force: true }))
  after(async () => {
    await bob?.stop()
    await ann?.stop()
    if (disk !== undefined) spawnSync('umount', ['-l', disk])
  })

  function mount(options: string): boolean {
    return spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', disk]).status === 0
  }

  async function start(): Promise<string> {
    const job = `disk-${jobs++}`
    await bob.request('copy.start', { id, path: '/' as DrivePath, folder: target, job })
    return job
  }

  async function paused(job: string, code: UserError['code']): Promise<void> {
    await eventually(`it pauses with ${code}`, async () => {
      const status = (await bob.state()).transfers.find(transfer => transfer.id === job)?.status
      return status?.kind === 'paused' && status.error.code === code
    })
  }

  async function arrives(job: string): Promise<void> {
    await bob.request('copy.wait', { job, timeout: 20_000 }, 40_000)
    assert.deepEqual(await compareTrees(source, target), [])
  }

  it('a full one pauses the copy, and room makes it go on', async () => {
    const ballast = join(disk, 'ballast')
    writeFileSync(ballast, Buffer.alloc(15 * MB))
    const job = await start()
    await paused(job, 'no-space')
    for (const difference of await compareTrees(source, target)) assert.match(difference, /is only in/)
    rmSync(ballast)
    await arrives(job)
  })

  it('a read-only one pauses the copy, and goes on when it can be written again', async () => {
    const ballast = join(disk, 'ballast')
    writeFileSync(ballast, Buffer.alloc(15 * MB))
    const job = await start()
    await paused(job, 'no-space')
    // Busy while the copy has a file open to see whether there is room again.
    await eventually('it is read-only', () => spawnSync('mount', ['-o', 'remount,ro', disk]).status === 0)
    await paused(job, 'disk-read-only')
    assert.equal(spawnSync('mount', ['-o', 'remount,rw', disk]).status, 0)
    rmSync(ballast)
    await arrives(job)
  })

  it('a folder that vanishes pauses the copy, and goes on when it is put back', async () => {
    const ballast = join(disk, 'ballast')
    writeFileSync(ballast, Buffer.alloc(15 * MB))
    const job = await start()
    await paused(job, 'no-space')
    renameSync(target, `${target}.away`)
    rmSync(ballast)
    await paused(job, 'target-vanished')
    renameSync(`${target}.away`, target)
    await arrives(job)
  })
})

attackGroup('the store’s own disk, when it is full', () => {
  const people = withPeople()
  let ann: PeerProcess
  let source: string
  let share: Result<'share.add'>
  let disk: string
  let runs = 0
  const ROOM = 400 * MB

  before(async function () {
    disk = join(temporaryFolder('disk'), 'small')
    mkdirSync(disk)
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${ROOM}`, 'tmpfs', disk]).status !== 0) this.skip()
    // More than what the database's journal has room for from the start, about 70 MB. Larger files would lie in the copy alone.
    const files = Object.fromEntries(
      Array.from({ length: 96 }, (_, at) => [`${at}.bin`, randomBytes(MB, at)]),
    )
    source = await makeTree(temporaryFolder('source'), files)
    ann = await people.process()
    share = await ann.share(source)
  })
  afterEach(() => {
    rmSync(join(disk, `bob ${runs}`), { recursive: true, force: true })
    makeRoom()
  })
  after(async () => {
    await ann?.stop()
    if (disk !== undefined) spawnSync('umount', ['-l', disk])
  })

  const startBob = () =>
    PeerProcess.start({ storage: join(disk, `bob ${runs}`), bootstrap: people.bootstrap })

  const resize = (bytes: number) => spawnSync('mount', ['-o', `remount,size=${bytes}`, disk]).status === 0

  /** The disk has room for so many bytes more, as if others had filled it; what the store gives back later is room again. */
  async function leaveRoom(bytes: number): Promise<void> {
    // Between the look and the change the store may take more, and no disk is smaller than what is on it.
    const shrink = () => {
      const { blocks, bfree, bsize } = statfsSync(disk)
      return resize((blocks - bfree) * bsize + bytes)
    }
    await eventually('the disk is smaller', shrink, 20_000, 1)
  }

  async function becomesShort({ process }: PeerProcess): Promise<void> {
    await eventually('the shortage is seen', async () => {
      await leaveRoom(50 * MB)
      return process.stdout.some(line => line.includes('downloads pause'))
    })
  }

  function makeRoom(): void {
    assert.ok(resize(ROOM))
  }

  async function pausedForSpace(bob: PeerProcess): Promise<void> {
    await eventually('it pauses for want of space', async () => {
      const [transfer] = (await bob.state()).transfers
      const status = transfer?.status
      return (
        status?.kind === 'paused' && status.error.code === 'no-space' && status.error.message.includes(disk)
      )
    })
  }

  it('pauses downloads while there is still some room, says so, and they go on', async () => {
    runs++
    const bob = await startBob()
    try {
      const id = await bob.open(share.link)
      const target = temporaryFolder('target')
      await becomesShort(bob)
      const copying = bob.copy(id, target, 20_000)
      await pausedForSpace(bob)
      makeRoom()
      await copying
      assert.deepEqual(await compareTrees(source, target), [])
    } finally {
      await bob.stop()
    }
  })

  const statusOf = async (peer: PeerProcess, id: ShareId) =>
    (await peer.state()).shares.find(one => one.id === id)?.status

  async function isFull(peer: PeerProcess, id: ShareId): Promise<boolean> {
    const status = await statusOf(peer, id)
    if (status?.kind !== 'failed') return false
    assert.equal(status.error.code, 'store-full', status.error.message)
    return status.error.message.includes(disk)
  }

  async function hasFailedToWrite({ process }: PeerProcess): Promise<boolean> {
    const said = () => process.stdout.some(line => line.includes('the disk of the data folder is used up'))
    return eventually('it says so', said, 10_000).then(
      () => true,
      () => false,
    )
  }

  it('says so of what cannot be published, and publishes it when there is room', async () => {
    runs++
    const bob = await startBob()
    const folder = await makeTree(temporaryFolder('shared'), { 'a.txt': 'a' })
    try {
      const { id } = await bob.share(folder)
      await becomesShort(bob)
      writeFileSync(join(folder, 'b.bin'), randomBytes(30 * MB, 1))
      await eventually('the share says that its disk is full', () => isFull(bob, id))
      const refused = bob.share(await makeTree(temporaryFolder('other'), { 'c.txt': 'c' }))
      await assert.rejects(refused, { code: 'store-full' })
      makeRoom()
      await eventually('it is published', async () => (await statusOf(bob, id))?.kind === 'sharing')
      assert.deepEqual(await bob.read(id, '/b.bin'), Buffer.from(randomBytes(30 * MB, 1)))
    } finally {
      await bob.stop()
    }
  })

  it('says so when a write failed all the same, and publishes after the start that follows', async () => {
    runs++
    const bob = await startBob()
    const folder = await makeTree(temporaryFolder('shared'), { 'a.txt': 'a' })
    try {
      const { id } = await bob.share(folder)
      let files = 1
      // What is published between the change of the room and the look at it may find room in the journal.
      const change = async () => {
        const refuses = async () => {
          await leaveRoom(0)
          writeFileSync(join(folder, `${files}.bin`), randomBytes(MB, files))
          files++
          return isFull(bob, id)
        }
        await eventually('the share says that its disk is full', refuses, 20_000, 500)
      }
      await change()
      // A look at the disk just before the write saw the shortage, and nothing was written: once more.
      while (!(await hasFailedToWrite(bob))) {
        assert.ok(files < 100, 'nothing was written to a full disk')
        makeRoom()
        await eventually('it is published', async () => (await statusOf(bob, id))?.kind === 'sharing')
        await change()
      }
      makeRoom()
      assert.equal((await bob.process.ended).code, 4)
      const again = await startBob()
      try {
        await eventually('it is published', async () => {
          const share = (await again.state()).shares.find(one => one.id === id)
          return share?.status.kind === 'sharing' && share.files === files
        })
      } finally {
        await again.stop()
      }
    } finally {
      await bob.kill()
    }
  })

  it('lets nobody be blamed, and the process start anew, when a write failed all the same', async () => {
    runs++
    const bob = await startBob()
    const target = temporaryFolder('target')
    try {
      const id = await bob.open(share.link, true)
      await ann.request('share.stop', { id: share.id })
      await bob.request('copy.start', { id, path: '/' as DrivePath, folder: target, job: 'full' })
      await leaveRoom(0)
      await ann.request('share.start', { id: share.id })
      // A look before that may have seen only that room was short.
      await bob.process.line(line => line.includes('the disk of the data folder is used up'))
      await pausedForSpace(bob)
      assert.ok(!bob.process.stdout.some(line => line.includes('is turned away')))
      makeRoom()
      assert.equal((await bob.process.ended).code, 4)
    } finally {
      await bob.kill()
    }
    const again = await startBob()
    try {
      await again.request('copy.wait', { job: 'full', timeout: 20_000 }, 40_000)
      assert.deepEqual(await compareTrees(source, target), [])
    } finally {
      await again.stop()
    }
  })
})
