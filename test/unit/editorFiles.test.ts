import assert from 'node:assert/strict'
import { cameBack, readLimit } from '../../src/editor/files/reach'

const reach = (peers: number) => ({ connected: peers > 0, peers })

describe('a file that could not be shown', () => {
  it('is looked at again when somebody comes, and not for as long as the same ones stay', () => {
    assert.ok(cameBack(reach(0), reach(1)))
    assert.ok(cameBack(reach(1), reach(2)))
    assert.ok(!cameBack(reach(1), reach(1)))
    assert.ok(!cameBack(reach(2), reach(1)))
    assert.ok(!cameBack(reach(0), reach(0)))
  })

  it('is waited for the longer the larger it is, and never shorter than the peer process waits', () => {
    const silence = 30_000
    assert.ok(readLimit(0, silence) > silence)
    assert.ok(readLimit(50_000_000, silence) > 60 * 60_000)
  })
})
