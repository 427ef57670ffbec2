/**
 * Copies whose disk is full, read-only or gone, end to end: the transfer pauses and says why, what arrived stays, and
 * when the cause is gone it goes on by itself. Small disks are mounted where the tests may do that (root on Linux).
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DrivePath, ShareId } from '../../src/common/brand'
import type { UserError } from '../../src/common/errors'
import { attackGroup } from '../support/attacks'
import { eventually } from '../support/eventually'
import { compareTrees, makeTree, randomBytes, temporaryFolder } from '../support/folders'
import { type LocalDht, startLocalDht } from '../support/localDht'
import { PeerProcess } from '../support/peerProcess'

const MB = 1_000_000

attackGroup('copies on disks that fail', () => {
  let dht: LocalDht
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
    dht = await startLocalDht()
    const files = Object.fromEntries(
      Array.from({ length: 12 }, (_, at) => [`${at}.bin`, randomBytes(MB, at)]),
    )
    source = await makeTree(temporaryFolder('source'), { ...files, small: { 'a.txt': 'a', 'b.txt': 'b' } })
    ann = await PeerProcess.start({ storage: temporaryFolder('ann'), bootstrap: dht.bootstrap })
    bob = await PeerProcess.start({ storage: temporaryFolder('bob'), bootstrap: dht.bootstrap })
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
    await dht?.stop()
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
    assert.equal(spawnSync('mount', ['-o', 'remount,ro', disk]).status, 0)
    await paused(job, 'target-read-only')
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
