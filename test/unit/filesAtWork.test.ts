/** Which large files are left for the next look, because a program is just writing them. */
import assert from 'node:assert/strict'
import {
  appendFileSync,
  closeSync,
  openSync,
  realpathSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { DrivePath } from '../../src/common/brand'
import type { ScannedFile } from '../../src/peer/publish/scan/scanned'
import { FilesAtWork, LONGEST, QUIET } from '../../src/peer/publish/version/filesAtWork'
import { openForWriting } from '../../src/peer/publish/version/openForWriting'
import { temporaryFolder } from '../support/folders'

const PATH = '/large.bin' as DrivePath
const { signal } = new AbortController()

describe('a file that changed', () => {
  const root = temporaryFolder('at-work')
  const file = join(root, PATH)
  let now = 0
  let before: number | undefined

  /** As a scan finds it. */
  const found = (): ScannedFile => {
    const { size, mtimeMs, ctimeMs, ino } = statSync(file)
    return { path: PATH, kind: 'file', size, mtimeMs, ctimeMs, ino, executable: false, allowed: false }
  }
  const isLeft = async (atWork: FilesAtWork) =>
    (await atWork.beingWritten(root, [found()], () => before, signal)).has(PATH)
  const write = (bytes = 1_100_000) => writeFileSync(file, Buffer.alloc(bytes))

  beforeEach(() => {
    now = 100_000
    before = undefined
  })

  it('is left while a program has it open for writing, and taken when none has', async function () {
    if (process.platform !== 'linux') this.skip()
    const atWork = new FilesAtWork(openForWriting, () => now)
    write()
    const [reads, writes] = [openSync(file, 'r'), openSync(file, 'a')]
    try {
      assert.ok(await isLeft(atWork))
    } finally {
      closeSync(writes)
    }
    assert.ok(!(await isLeft(atWork)), 'who reads it does not count')
    closeSync(reads)
  })

  it('is taken where it rests, although a program keeps it open', async () => {
    const atWork = new FilesAtWork(
      async paths => paths,
      () => now,
    )
    write()
    assert.ok(await isLeft(atWork))
    now += QUIET.open
    assert.ok(!(await isLeft(atWork)))
  })

  it('is left until it rests where the system does not tell who writes', async () => {
    const atWork = new FilesAtWork(
      async () => undefined,
      () => now,
    )
    write()
    assert.ok(await isLeft(atWork))
    now += QUIET.unknown
    appendFileSync(file, 'more')
    assert.ok(await isLeft(atWork))
    now += QUIET.unknown
    assert.ok(!(await isLeft(atWork)))
  })

  it('is taken in the end also where it never rests', async () => {
    const atWork = new FilesAtWork(
      async paths => paths,
      () => now,
    )
    write()
    for (const end = now + LONGEST; now < end; now += QUIET.open - 1) {
      appendFileSync(file, 'more')
      assert.ok(await isLeft(atWork))
      assert.ok(!atWork.isOverdue(PATH))
    }
    appendFileSync(file, 'more')
    assert.ok(!(await isLeft(atWork)))
    assert.ok(atWork.isOverdue(PATH))
    atWork.published(PATH)
    appendFileSync(file, 'more')
    assert.ok(await isLeft(atWork), 'its next change is another matter')
  })

  it('is asked about as well when it is short and was emptied, until it rests', async () => {
    const open: string[] = []
    const atWork = new FilesAtWork(
      async () => new Set(open),
      () => now,
    )
    before = 10
    write(0)
    open.push(realpathSync(file))
    assert.ok(await isLeft(atWork))
    now += QUIET.open
    assert.ok(!(await isLeft(atWork)), 'it is meant to be empty')
    before = 0
    write(0)
    assert.ok(!(await isLeft(atWork)), 'it was empty before')
  })

  it('is not asked about when it is short, or changed long ago', async () => {
    const asked: string[] = []
    const atWork = new FilesAtWork(async paths => {
      asked.push(...paths)
      return paths
    })
    write(1_000)
    assert.ok(!(await isLeft(atWork)))
    write()
    utimesSync(file, 1_000, 1_000)
    assert.ok(!(await isLeft(atWork)))
    assert.deepEqual(asked, [])
    write()
    await isLeft(atWork)
    before = statSync(file).size
    write(1_000)
    await isLeft(atWork)
    assert.deepEqual(asked, [realpathSync(file), realpathSync(file)], 'one that was long is written anew')
  })
})
