/** What a copy knows of the large files it has written in part, and how far that can be relied on. */
import assert from 'node:assert/strict'
import { copyFileSync, readdirSync, renameSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import type { DrivePath, ShareId } from '../../src/common/brand'
import { PartialFiles } from '../../src/peer/copy/partialFiles'
import type { PlannedFile } from '../../src/peer/copy/planned'
import { probeRules } from '../../src/peer/disk/probe'
import { type LargeFile, SafeWriter } from '../../src/peer/disk/writer'
import { isTemporaryName } from '../../src/peer/names/temporaryName'
import { Catalog } from '../../src/peer/store/catalog'
import { eventually } from '../support/eventually'
import { temporaryFolder } from '../support/folders'

const SIZES = { least: 50, note: 10, sync: 30 }
const TARGET = 'target'

describe('large files that are written in part', () => {
  let catalog: Catalog
  let root: string
  let writer: SafeWriter
  let large: LargeFile

  beforeEach(async () => {
    catalog = await Catalog.open(join(temporaryFolder('catalog'), 'catalog'))
    root = temporaryFolder('root')
    writer = SafeWriter.open(root, probeRules(root))
  })
  afterEach(async () => {
    await writer.close()
    await catalog.close()
  })

  const open = (job = 'job', planned = [file(100)], boot = 'boot') =>
    PartialFiles.open(catalog, TARGET, job, planned, SIZES, boot)
  const reopened = async (partials: PartialFiles) => {
    const token = partials.tokenOf(file(100)) ?? ''
    large = await writer.openLarge(['f'], { size: 100, executable: false, resumeToken: token })
    return { token, progress: partials.progressOf(file(100), large) }
  }

  /** Writes up to `end`, in blocks of five bytes, and leaves it. */
  async function write(partials: PartialFiles, end: number): Promise<void> {
    const { token } = await reopened(partials)
    for (let bytes = 5; bytes <= end; bytes += 5) {
      await large.write(bytes - 5, Buffer.alloc(5, 1))
      await partials.written(file(100), token, large, { bytes, blocks: bytes / 5 })
      if (bytes === 30) await eventually('it is on the disk', async () => (await onDisk()) === 30)
    }
    await large.suspend()
  }

  async function onDisk(): Promise<number | undefined> {
    return (await catalog.get('partial', `${TARGET}/f`))?.onDisk.bytes
  }

  it('are whole up to the last mark while the machine runs', async () => {
    await write(await open(), 49)
    assert.deepEqual((await reopened(await open())).progress, { bytes: 40, blocks: 8 })
  })

  it('are whole as far as they were on the disk when it was started anew', async () => {
    await write(await open(), 49)
    const partials = await open('job', [file(100)], 'another boot')
    assert.deepEqual((await reopened(partials)).progress, { bytes: 30, blocks: 6 })
  })

  it('are not waited for by an end: what is left to write after the last time is much', async () => {
    await write(await open(), 100)
    await eventually('most is on the disk', async () => (await onDisk()) === 60)
  })

  it('are nothing when they are shorter than their mark, or another file', async () => {
    await write(await open(), 49)
    const [name = ''] = readdirSync(root).filter(isTemporaryName)
    copyFileSync(join(root, name), join(root, 'other'))
    truncateSync(join(root, name), 39)
    assert.equal((await reopened(await open())).progress, undefined)
    await large.suspend()
    renameSync(join(root, 'other'), join(root, name))
    assert.equal((await reopened(await open())).progress, undefined)
  })

  it('are forgotten when other content is planned, when they are short, and when they are done', async () => {
    await write(await open(), 49)
    assert.equal((await open('job', [file(100, 7)])).tokens.length, 0)
    assert.equal(await onDisk(), undefined)
    assert.equal((await open()).tokenOf(file(49)), undefined)
    const partials = await open()
    await write(partials, 20)
    assert.equal(partials.tokens.length, 1)
    await partials.forget(file(100))
    assert.equal((await open()).tokens.length, 0)
  })

  it('are left to another copy that is under way, and to no other', async () => {
    await catalog.put('copy', 'job', {
      job: 'job',
      share: 'share' as ShareId,
      path: '/' as DrivePath,
      folder: root,
    })
    await write(await open(), 49)
    const other = await open('other job')
    assert.equal(other.tokens.length, 1)
    assert.equal(other.has(file(100)), false)
    assert.equal(await writer.sweep(other.tokens, other.givenUp), 0)
    await catalog.delete('copy', 'job')
    const last = await open('other job', [])
    assert.equal(await writer.sweep(last.tokens, last.givenUp), 1)
  })
})

function file(size: number, offset = 0): PlannedFile {
  const blob = { blockOffset: offset, blockLength: size / 5, byteOffset: offset, byteLength: size }
  const entry = { path: '/f' as DrivePath, kind: 'file', size, mtime: 1, executable: false, blob } as const
  return {
    entry,
    path: '/f',
    segments: ['f'],
    precondition: 'absent',
    compare: false,
    fresh: false,
    begun: false,
    conflict: false,
  }
}
