/**
 * Disks that are full, read-only or gone, and a process short of descriptors: the writer says which, leaves nothing
 * half-written, and works again when the cause is gone. Small disks are mounted where the tests may do that (root).
 */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pausesTransfer, WriteError, type WriteErrorCode } from '../../src/peer/disk/writeErrors'
import { SafeWriter } from '../../src/peer/disk/writer'
import { rulesFor } from '../../src/peer/names/rules'
import { attackGroup } from '../support/attacks'
import { temporaryFolder } from '../support/folders'

const PLAIN = { executable: false }
const KB = Buffer.alloc(1024, 'x')
const rules = rulesFor(process.platform)

/** A pause of the whole transfer with this code. */
const pause = (code: WriteErrorCode) => (error: unknown) =>
  error instanceof WriteError && error.code === code && pausesTransfer(error)

attackGroup('disks that fail', () => {
  let disk: string
  let writer: SafeWriter

  before(function () {
    disk = join(temporaryFolder('disk'), 'small')
    mkdirSync(disk)
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk]).status === 0
    if (!mounted) this.skip()
  })
  beforeEach(() => {
    writer = SafeWriter.open(disk, rules, { retryDelaysMs: [] })
  })
  afterEach(async () => {
    await writer.close()
    for (const name of readdirSync(disk)) rmSync(join(disk, name), { recursive: true })
  })
  after(() => {
    if (disk) spawnSync('umount', ['-l', disk])
  })

  it('a full disk: a small file is there whole or not at all, and comes when there is room', () => {
    writeFileSync(join(disk, 'ballast'), Buffer.alloc(200 * 1024))
    const big = Buffer.alloc(100 * 1024, 'y')
    assert.throws(() => writer.writeSmallSync(['a', 'big'], big, PLAIN), pause('no-space'))
    assert.deepEqual(readdirSync(join(disk, 'a')), [])
    rmSync(join(disk, 'ballast'))
    writer.writeSmallSync(['a', 'big'], big, PLAIN)
    assert.deepEqual(readFileSync(join(disk, 'a', 'big')), big)
  })

  it('a full disk keeps the old content of a file that should be replaced', () => {
    writer.writeSmallSync(['f'], KB, PLAIN)
    writeFileSync(join(disk, 'ballast'), Buffer.alloc(230 * 1024))
    assert.throws(() => writer.writeSmallSync(['f'], Buffer.alloc(100 * 1024, 'y'), PLAIN), pause('no-space'))
    assert.deepEqual(readFileSync(join(disk, 'f')), KB)
    assert.deepEqual(readdirSync(disk).sort(), ['ballast', 'f'])
  })

  it('a disk that fills up in the middle of a large file: it goes on from there', async () => {
    const file = await writer.openLarge(['f'], { size: 100 * 1024, executable: false })
    for (let at = 0; at < 50; at++) await file.write(at * 1024, KB)
    writeFileSync(join(disk, 'ballast'), Buffer.alloc(200 * 1024))
    const rest = Buffer.alloc(50 * 1024, 'x')
    await assert.rejects(file.write(50 * 1024, rest), pause('no-space'))
    rmSync(join(disk, 'ballast'))
    await file.write(50 * 1024, rest)
    await file.commit()
    assert.deepEqual(readFileSync(join(disk, 'f')), Buffer.alloc(100 * 1024, 'x'))
  })

  it('a disk that becomes read-only, and writable again', () => {
    writer.writeSmallSync(['a', 'f'], KB, PLAIN)
    // The folders that are held open must not keep the disk from being remounted in the first place.
    execFileSync('mount', ['-o', 'remount,ro', disk])
    try {
      assert.throws(() => writer.writeSmallSync(['a', 'g'], KB, PLAIN), pause('read-only'))
      assert.throws(() => writer.writeSmallSync(['b', 'g'], KB, PLAIN), pause('read-only'))
    } finally {
      execFileSync('mount', ['-o', 'remount,rw', disk])
    }
    writer.writeSmallSync(['a', 'g'], KB, PLAIN)
    assert.deepEqual(readdirSync(join(disk, 'a')), ['f', 'g'])
  })
})

attackGroup('other faults', () => {
  it('a target folder that goes while a large file is written', async () => {
    const root = temporaryFolder('gone')
    const writer = SafeWriter.open(root, rules, { retryDelaysMs: [] })
    const file = await writer.openLarge(['d', 'f'], { size: 1024, executable: false })
    await file.write(0, KB)
    rmSync(root, { recursive: true })
    await assert.rejects(file.commit(), pause('vanished'))
    await assert.rejects(writer.remove(['d', 'f']), pause('vanished'))
    await writer.close()
  })

  it('no descriptors left: the writer lets go of its folders first, and then says so', async function () {
    const limit = Number(spawnSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).stdout)
    if (process.platform === 'win32' || !(limit <= 50_000)) this.skip()
    const root = temporaryFolder('descriptors')
    const writer = SafeWriter.open(root, rules, { retryDelaysMs: [] })
    for (let at = 0; at < 20; at++) writer.writeSmallSync([`d${at}`, 'f'], KB, PLAIN)
    const taken: number[] = []
    const takeAll = () => {
      for (;;) {
        try {
          taken.push(openSync(root, 'r'))
        } catch {
          return // None left: that is what it is for.
        }
      }
    }
    try {
      takeAll()
      writer.writeSmallSync(['d0', 'g'], KB, PLAIN)
      takeAll()
      await writer.remove(['d0', 'g'])
      takeAll()
      assert.throws(() => writer.writeSmallSync(['new', 'folder', 'g'], KB, PLAIN), pause('too-many-files'))
    } finally {
      for (const fd of taken) closeSync(fd)
    }
    writer.writeSmallSync(['new', 'folder', 'g'], KB, PLAIN)
    await writer.close()
  })
})
