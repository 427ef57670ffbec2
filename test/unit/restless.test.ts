/** Which large files change again and again while others fetch them. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { DrivePath } from '../../src/common/brand'
import { Restless } from '../../src/peer/publish/version/inPlace/restless'

const CALM = 10 * 60_000
const PATH = '/image.qcow2' as DrivePath

describe('a large file is restless', () => {
  let now: number
  let restless: Restless
  const later = (milliseconds: number, ...what: ('fetched' | 'changed')[]) => {
    now += milliseconds
    for (const each of what) {
      if (each === 'fetched') restless.noteFetched(PATH)
      else restless.noteChanged(PATH)
    }
  }

  beforeEach(() => {
    now = 5
    restless = new Restless(() => now)
  })

  it('once it changed twice while it was fetched, until nobody fetches it or it rests', () => {
    later(0, 'fetched', 'changed')
    assert.ok(!restless.has(PATH))
    later(CALM / 2, 'fetched', 'changed')
    assert.ok(restless.has(PATH))
    later(CALM - 1)
    assert.ok(restless.has(PATH))
    later(1)
    assert.ok(!restless.has(PATH))
  })

  it('never when nobody fetches it, however often it changes', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(CALM), { maxLength: 50 }), pauses => {
        restless = new Restless(() => now)
        for (const pause of pauses) later(pause, 'changed')
        return !restless.has(PATH)
      }),
    )
  })

  it('never when it changes once in a while', () => {
    for (let change = 0; change < 20; change++) {
      later(CALM, 'fetched', 'changed')
      assert.ok(!restless.has(PATH))
    }
  })
})
