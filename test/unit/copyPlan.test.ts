/** What a copy makes of files that it wrote before, when the machine may have lost some of what it wrote. */
import assert from 'node:assert/strict'
import { truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DrivePath } from '../../src/common/brand'
import { CopyMarks } from '../../src/peer/copy/marks'
import { planCopy } from '../../src/peer/copy/plan'
import type { PlannedFile } from '../../src/peer/copy/planned'
import { SafeWriter } from '../../src/peer/disk/writer'
import { contentId, type DriveEntry } from '../../src/peer/drive/format/entry'
import { rulesFor } from '../../src/peer/names/rules'
import { Catalog } from '../../src/peer/store/catalog'
import { temporaryFolder } from '../support/folders'

const CONTENT = Buffer.from('as it was published')
const WHOLE = { from: '/' as DrivePath, part: '' }
const NEXT = 100
const TIME = Date.UTC(2026, 0, 1)
const rules = rulesFor(process.platform)

describe('the plan of a copy that was begun before', () => {
  let catalog: Catalog
  let writer: SafeWriter
  let folder: string

  before(async () => {
    catalog = await Catalog.open(temporaryFolder('catalog'))
  })
  after(() => catalog.close())
  beforeEach(() => {
    folder = temporaryFolder('copy')
    writer = SafeWriter.open(folder, rules)
  })
  afterEach(() => writer.close())

  const plan = async (entries: readonly DriveEntry[], isInDoubt: boolean) => {
    const { signal } = new AbortController()
    return planCopy(entries, WHOLE, folder, writer, rules, catalog, signal, isInDoubt)
  }

  /** Writes what is planned. @returns the marks, before they say that the copy is done */
  const write = async (files: readonly PlannedFile[], isMarked = true): Promise<CopyMarks> => {
    const marks = new CopyMarks(catalog, folder, '')
    await marks.intend(files)
    for (const file of files) {
      const mark = writer.writeSmallSync(file.segments, CONTENT, { executable: false, mtimeMs: TIME })
      if (isMarked) marks.written(file, mark)
    }
    await marks.flush()
    return marks
  }

  /** Changes what is in a file, but not its time. */
  const damage = (name: string, change: (path: string) => void) => {
    const path = join(folder, name)
    change(path)
    utimesSync(path, TIME / 1_000, TIME / 1_000)
  }

  for (const isMarked of [true, false]) {
    const which = isMarked ? 'with a mark' : 'without a mark'
    it(`writes a file ${which} again that is empty and has the time it was given`, async () => {
      const entry = entryAt('/a.txt')
      await write((await plan([entry], false)).files, isMarked)
      damage('a.txt', path => truncateSync(path, 0))
      const { files } = await plan([entry], false)
      assert.deepEqual(files.map(kindOf), ['replace'])
    })

    it(`writes a file ${which} again that a loss of power made shorter`, async () => {
      const entry = entryAt('/a.txt')
      await write((await plan([entry], false)).files, isMarked)
      damage('a.txt', path => truncateSync(path, 5))
      assert.deepEqual((await plan([entry], true)).files.map(kindOf), ['replace'])
      const byOthers = isMarked ? [] : ['conflict'] // the share has nothing new for what is known
      assert.deepEqual((await plan([entry], false)).files.map(kindOf), byOthers)
    })

    it(`compares a file ${which} after a loss of power, unless its copy was done`, async () => {
      const entry = entryAt('/a.txt')
      const marks = await write((await plan([entry], false)).files, isMarked)
      assert.deepEqual((await plan([entry], true)).files.map(kindOf), ['compare'])
      await marks.done()
      if (isMarked) assert.deepEqual((await plan([entry], true)).files, [])
    })
  }

  it('keeps what the user wrote, also after a loss of power', async () => {
    const entry = entryAt('/a.txt')
    await write((await plan([entry], false)).files)
    for (const text of [
      '',
      'short',
      'something longer than before',
      CONTENT.toString('hex').slice(0, CONTENT.length),
    ]) {
      writeFileSync(join(folder, 'a.txt'), text)
      assert.deepEqual((await plan([entry], true)).files, [], text)
      const [file] = (await plan([entryAt('/a.txt', NEXT)], true)).files
      assert.equal(file?.expected?.isShown || file?.expected?.isLikely, false, text)
    }
  })

  it('replaces what was lost of one version by the next', async () => {
    await write((await plan([entryAt('/a.txt')], false)).files)
    damage('a.txt', path => truncateSync(path, 0))
    const { files } = await plan([entryAt('/a.txt', NEXT)], false)
    assert.deepEqual(files.map(kindOf), ['replace'])
  })

  describe('and killed before what it wrote of the second version had its mark', () => {
    beforeEach(async () => {
      const marks = await write((await plan([entryAt('/a.txt')], false)).files)
      await marks.done()
      await write((await plan([entryAt('/a.txt', NEXT)], false)).files, false)
    })

    for (const [what, offset] of Object.entries({ third: 2 * NEXT, 'first again': 0 })) {
      it(`takes the file for its own when the ${what} comes`, async () => {
        const [file] = (await plan([entryAt('/a.txt', offset)], false)).files
        assert.equal(file?.expected?.content, contentId(entryAt('/a.txt', NEXT)))
        assert.equal(file.expected.isLikely, true)
      })
    }

    it('keeps it as a file of the user who changed it since', async () => {
      writeFileSync(join(folder, 'a.txt'), 'what the user wrote')
      const [file] = (await plan([entryAt('/a.txt', 2 * NEXT)], false)).files
      assert.equal(file?.expected?.content, contentId(entryAt('/a.txt')))
      assert.equal(file.expected.isLikely, false)
    })
  })

  it('removes what it wrote before it was killed when the share does not have it any more', async () => {
    await write((await plan([entryAt('/a.txt')], false)).files, false)
    const { gone, recovered } = await plan([], false)
    assert.deepEqual(gone, [{ segments: ['a.txt'] }])
    assert.deepEqual(
      recovered.map(({ path }) => path),
      ['/a.txt'],
    )
  })
})

describe('two copies of parts of a share into one folder', () => {
  it('end each by itself: what the other one is about to write stays known', async () => {
    const catalog = await Catalog.open(temporaryFolder('catalog'))
    const folder = temporaryFolder('copy')
    const writer = SafeWriter.open(folder, rules)
    const part = async (base: string) => {
      const { signal } = new AbortController()
      const entries = [entryAt(`${base}/a.txt`)]
      const planned = await planCopy(
        entries,
        { from: base as DrivePath, part: base },
        folder,
        writer,
        rules,
        catalog,
        signal,
        false,
      )
      const marks = new CopyMarks(catalog, folder, base)
      await marks.intend(planned.files)
      return marks
    }
    const done = await part('/done')
    await part('/going')
    await done.done()
    const left: string[] = []
    await catalog.each('intended', folder, path => left.push(path))
    assert.deepEqual(left, ['/going/a.txt'])
    await writer.close()
    await catalog.close()
  })
})

function entryAt(path: string, byteOffset = 0): DriveEntry {
  const size = CONTENT.length
  const blob = { blockOffset: byteOffset, blockLength: 1, byteOffset, byteLength: size }
  return { path: path as DrivePath, kind: 'file', size, mtime: TIME, executable: false, blob }
}

function kindOf({ precondition, compare, conflict }: PlannedFile): string {
  if (precondition === 'absent') return 'new'
  if (conflict) return 'conflict'
  return compare ? 'compare' : 'replace'
}
