import assert from 'node:assert/strict'
import { isEarlierVersion, VERSION } from '../../src/common/version'

describe('versions', () => {
  const EARLIER: readonly (readonly [string, string])[] = [
    ['0.3.0', '0.4.0'],
    ['0.9.12', '0.10.0'],
    ['0.10.9', '1.0.0'],
    ['1.2.3', '1.2.4'],
    ['1.2.3', '1.2.4-beta.1'],
  ]
  for (const [a, b] of EARLIER) {
    it(`${a} is earlier than ${b}, and not the other way round`, () => {
      assert.equal(isEarlierVersion(a, b), true)
      assert.equal(isEarlierVersion(b, a), false)
    })
  }

  const NEITHER: readonly (readonly [string, string])[] = [
    ['0.4.0', '0.4.0'],
    ['0.4.0-beta', '0.4.0'],
    ['', '1.0.0'],
    ['1.0', '2.0.0'],
    ['1.2.3.4', '9.0.0'],
    ['a newer one', '0.0.1'],
    [VERSION, VERSION],
  ]
  for (const [a, b] of NEITHER) {
    it(`of “${a}” and “${b}” neither is earlier`, () => {
      assert.equal(isEarlierVersion(a, b), false)
      assert.equal(isEarlierVersion(b, a), false)
    })
  }
})
