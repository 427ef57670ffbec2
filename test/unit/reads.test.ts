/** Files that are fetched to be shown: how long they are listed. */
import assert from 'node:assert/strict'
import type { ShareId } from '../../src/common/brand'
import { Signal } from '../../src/common/signal'
import { Reads } from '../../src/peer/transfers/reads'
import { Transfers } from '../../src/peer/transfers/transfers'

describe('a file that is fetched to be shown', () => {
  it('stays listed while one of its requests is under way, also when another has failed', async () => {
    const transfers = new Transfers()
    const reads = new Reads(transfers)
    const file = { share: 'share' as ShareId, name: 'a file', size: 2 }
    const request = () => {
      const fail = new Signal<void>()
      const work = async () => {
        await fail.next()
        throw new Error('offline')
      }
      return { fail, done: reads.during('job', file, new AbortController().signal, work) }
    }
    const listed = transfers.changed.next()
    const one = request()
    const other = request()
    await listed
    one.fail.emit()
    await assert.rejects(one.done, /offline/)
    assert.equal(transfers.states.length, 1)
    other.fail.emit()
    await assert.rejects(other.done, /offline/)
    assert.equal(transfers.states.length, 0)
  })
})
