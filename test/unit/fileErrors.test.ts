import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ErrorCode, PeerfoldError } from '../../src/common/errors'
import { toFileError } from '../../src/common/fileErrors'
import { toWriteError } from '../../src/peer/disk/writeErrors'
import { makeTree, temporaryFolder } from '../support/folders'

/** What only sounds like advice where the same must fail again. */
const AGAIN = /\b(re)?tr(y|ied)\b/i

describe('errors of the file system', () => {
  it('that stay as they are give advice that helps, and none to try again', async () => {
    const folder = await makeTree(temporaryFolder('errors'), { file: '', folder: {} })
    const loop = join(folder, 'loop')
    symlinkSync(loop, loop)
    const found: (readonly [ErrorCode, () => void])[] = [
      ['name-too-long', () => mkdirSync(join(folder, 'n'.repeat(300)))],
      ['link-loop', () => mkdirSync(join(loop, 'inside'), { recursive: true })],
      ['file-in-the-way', () => mkdirSync(join(folder, 'file', 'inside'), { recursive: true })],
      ['file-in-the-way', () => mkdirSync(join(folder, 'file'), { recursive: true })],
      ['is-a-folder-here', () => writeFileSync(join(folder, 'folder'), '')],
    ]
    for (const [code, work] of found) {
      const error = toFileError(thrownBy(work), '/place')
      assert.deepEqual([error.code, error.message.includes('“/place”')], [code, true])
      assert.doesNotMatch(error.message, AGAIN)
    }
    for (const [system, code] of [
      ['EROFS', 'disk-read-only'],
      ['EINVAL', 'name-refused'],
      ['EILSEQ', 'name-refused'],
    ] as const) {
      const error = toFileError(failure(system), '/place')
      assert.equal(error.code, code)
      assert.doesNotMatch(error.message, AGAIN)
    }
  })

  it('are told by their cause, and with the path that they name', () => {
    assert.equal(toFileError(toWriteError(failure('EROFS'), 'a'), '/place').code, 'disk-read-only')
    assert.match(toFileError(failure('ENOSPC')).message, /“\/there”.*try again/)
    const known = new PeerfoldError('cancelled')
    assert.equal(toFileError(known, '/place'), known)
  })

  it('that may pass say so', () => {
    for (const code of ['EIO', 'ETIMEDOUT', 'EBUSY']) {
      const error = toFileError(failure(code), '/place')
      assert.deepEqual([error.code, /Try again/.test(error.message)], ['io-failed', true])
    }
  })
})

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: it failed`), { code, path: '/there', syscall: 'open' })
}

function thrownBy(work: () => void): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  throw new assert.AssertionError({ message: 'nothing was thrown' })
}
