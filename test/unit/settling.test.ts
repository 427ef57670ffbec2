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
import { openForWriting } from '../../src/peer/publish/version/openForWriting'
import { LONGEST, QUIET, Settling } from '../../src/peer/publish/version/settling'
import { temporaryFolder } from '../support/folders'

const PATH = '/large.bin' as DrivePath
const { signal } = new AbortController()

describe('a large file that changed', () => {
  const root = temporaryFolder('settling')
  const file = join(root, PATH)
  let now = 0
  let before: number | undefined

  /** As a scan finds it. */
  const found = (): ScannedFile => {
    const { size, mtimeMs, ctimeMs, ino } = statSync(file)
    return { path: PATH, kind: 'file', size, mtimeMs, ctimeMs, ino, executable: false, allowed: false }
  }
  const isLeft = async (settling: Settling) =>
    (await settling.unsettled(root, [found()], () => before, signal)).has(PATH)
  const write = (bytes = 1_100_000) => writeFileSync(file, Buffer.alloc(bytes))

  beforeEach(() => {
    now = 100_000
    before = undefined
  })

  it('is left while a program has it open for writing, and taken when none has', async function () {
    if (process.platform !== 'linux') this.skip()
    const settling = new Settling(openForWriting, () => now)
    write()
    const [reads, writes] = [openSync(file, 'r'), openSync(file, 'a')]
    try {
      assert.ok(await isLeft(settling))
    } finally {
      closeSync(writes)
    }
    assert.ok(!(await isLeft(settling)), 'who reads it does not count')
    closeSync(reads)
  })

  it('is taken where it rests, although a program keeps it open', async () => {
    const settling = new Settling(
      async paths => paths,
      () => now,
    )
    write()
    assert.ok(await isLeft(settling))
    now += QUIET.open
    assert.ok(!(await isLeft(settling)))
  })

  it('is left until it rests where the system does not tell who writes', async () => {
    const settling = new Settling(
      async () => undefined,
      () => now,
    )
    write()
    assert.ok(await isLeft(settling))
    now += QUIET.unknown
    appendFileSync(file, 'more')
    assert.ok(await isLeft(settling))
    now += QUIET.unknown
    assert.ok(!(await isLeft(settling)))
  })

  it('is taken in the end also where it never rests', async () => {
    const settling = new Settling(
      async paths => paths,
      () => now,
    )
    write()
    for (const end = now + LONGEST; now < end; now += QUIET.open - 1) {
      appendFileSync(file, 'more')
      assert.ok(await isLeft(settling))
      assert.ok(!settling.isOverdue(PATH))
    }
    appendFileSync(file, 'more')
    assert.ok(!(await isLeft(settling)))
    assert.ok(settling.isOverdue(PATH))
    settling.published(PATH)
    appendFileSync(file, 'more')
    assert.ok(await isLeft(settling), 'its next change is another matter')
  })

  it('is not asked about when it is short, or changed long ago', async () => {
    const asked: string[] = []
    const settling = new Settling(async paths => {
      asked.push(...paths)
      return paths
    })
    write(1_000)
    assert.ok(!(await isLeft(settling)))
    write()
    utimesSync(file, 1_000, 1_000)
    assert.ok(!(await isLeft(settling)))
    assert.deepEqual(asked, [])
    write()
    await isLeft(settling)
    before = statSync(file).size
    write(1_000)
    await isLeft(settling)
    assert.deepEqual(asked, [realpathSync(file), realpathSync(file)], 'one that was long is written anew')
  })
})
