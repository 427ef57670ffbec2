/** What a user is told when the store cannot write. */
import assert from 'node:assert/strict'
import { toUserError } from '../../src/common/errors'
import { isDamage } from '../../src/peer/store/store'
import { explainStoreTrouble } from '../../src/peer/store/trouble'

const io = (words: string, code = 'EIO') =>
  Object.assign(new Error(`IO error: ${words}: While appending`), { code })
const batch = (cause: Error) => new Error('Batch was not applied', { cause })
const batchOfReads = (cause: Error) => new AggregateError([null, cause], 'Batch was not applied')

describe('a store that cannot write', () => {
  const cases: [what: string, error: Error, code: string][] = [
    ['a full disk', io('No space left on device', 'ENOSPC'), 'store-full'],
    ['a used up quota', io('Disk quota exceeded'), 'store-quota'],
    ['a disk that became read-only', io('Read-only file system'), 'store-read-only'],
    ['rights that were taken away', io('Permission denied'), 'store-read-only'],
  ]
  for (const [what, error, code] of cases) {
    it(`says so of ${what}, and is not taken for damaged`, () => {
      for (const thrown of [error, batch(error), batchOfReads(error)]) {
        const told = toUserError(explainStoreTrouble(thrown, '/data'))
        assert.equal(told.code, code)
        assert.match(told.message, /“\/data”/)
        assert.equal(isDamage(thrown), false)
      }
    })
  }

  it('says that the disk fails when a batch failed by it', () => {
    assert.equal(
      toUserError(explainStoreTrouble(batch(io('Input/output error')), '/data')).code,
      'store-failing',
    )
  })

  it('leaves other errors as they are: a wrong checksum, a file of the user, a bug', () => {
    const checksum = Object.assign(new Error('Corruption: block checksum mismatch'), { code: 'EIO' })
    const file = Object.assign(new Error('ENOSPC: no space left on device, write'), {
      code: 'ENOSPC',
      syscall: 'write',
    })
    for (const error of [checksum, file, new Error('anything')]) {
      assert.equal(explainStoreTrouble(error, '/data'), error)
    }
    assert.equal(isDamage(checksum), true)
  })
})
