import assert from 'node:assert/strict'
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mock } from 'node:test'
import Corestore from 'corestore'
import type { DrivePath } from '../../src/common/brand'
import { CopyMarks } from '../../src/peer/copy/marks'
import { checkOldRecords } from '../../src/peer/copy/oldRecords'
import { probeRules } from '../../src/peer/disk/probe'
import { WriteError } from '../../src/peer/disk/writeErrors'
import { SafeWriter } from '../../src/peer/disk/writer'
import { ShareDrive } from '../../src/peer/drive/shareDrive'
import { Catalog } from '../../src/peer/store/catalog'
import { temporaryFolder } from '../support/folders'

const SEED = '0'.repeat(32)
const never = new AbortController().signal

describe('records of an earlier version', () => {
  it('are checked as far as that is possible, and what was found is kept', async () => {
    const root = temporaryFolder('old')
    const folder = join(root, 'copy')
    for (const name of ['a', 'b', 'c', 'elsewhere']) {
      mkdirSync(join(folder, name), { recursive: true })
      writeFileSync(join(folder, name, 'empty.txt'), '')
    }
    const catalog = await Catalog.open(join(root, 'catalog'))
    const store = new Corestore(join(root, 'store'))
    const share = await ShareDrive.create(store, SEED)
    const writer = SafeWriter.open(folder, probeRules(folder))
    try {
      const present = ['a', 'b', 'c'].map(name => {
        const segments = [name, 'empty.txt']
        const path = `/${name}/empty.txt`
        const mark = writer.stat(segments)
        assert.ok(mark)
        const entry = { path: path as DrivePath, kind: 'file', size: 0, mtime: 0, executable: false } as const
        return { entry, path, segments, mark }
      })
      const [first, second, third] = present
      assert.ok(first && second && third)
      rmSync(join(folder, 'b'), { recursive: true })
      symlinkSync('elsewhere', join(folder, 'b'))
      const openFile = writer.openFile.bind(writer)
      let opens = 0
      mock.method(writer, 'openFile', (segments: readonly string[]) => {
        if (++opens > present.length) throw new WriteError('vanished', '') // its disk is taken out
        return openFile(segments)
      })
      const marks = new CopyMarks(catalog, 'a target', '')
      const checked = checkOldRecords([first, second, third, first], share, writer, marks, never)
      await assert.rejects(checked, { code: 'vanished' })
      const known = await Promise.all(present.map(({ path }) => catalog.get('copied', `a target${path}`)))
      assert.deepEqual(
        known.map(record => record?.content),
        ['empty', undefined, 'empty'],
      )
    } finally {
      await writer.close()
      await store.close()
      await catalog.close()
    }
  })
})
