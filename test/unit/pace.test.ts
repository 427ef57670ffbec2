import { strict as assert } from 'node:assert'
import { Pace } from '../../src/peer/hypercore/pace'

/** A stream that tells what it has received, and a clock that goes when it is told to. */
class Line {
  now = 1_000
  bytes = 0
  readonly pace: Pace

  constructor() {
    const received = () => this.bytes
    const rawStream = {
      get bytesRead() {
        return received()
      },
    }
    this.pace = new Pace({ rawStream }, () => this.now)
  }

  /** So much comes in every 100 ms, and somebody looks each time. */
  pass(ms: number, bytesASecond: number, isFull = true): void {
    for (let passed = 0; passed < ms; passed += 100) {
      this.now += 100
      this.bytes += bytesASecond / 10
      this.pace.look(true, isFull)
    }
  }
}

describe('the pace of a stream', () => {
  it('is what comes while something is owed', () => {
    const line = new Line()
    line.pass(3_000, 5_000_000)
    assert.ok(Math.abs((line.pace.rate ?? 0) - 5_000_000) < 300_000, String(line.pace.rate))
    assert.ok(Math.abs((line.pace.timeFor(1_000_000) ?? 0) - 200) < 20)
  })

  it('follows a line that gets slower, within two seconds', () => {
    const line = new Line()
    line.pass(3_000, 5_000_000)
    line.pass(2_200, 500_000)
    assert.ok(Math.abs((line.pace.rate ?? 0) - 500_000) < 100_000, String(line.pace.rate))
  })

  it('does not fall when little is asked for', () => {
    const line = new Line()
    line.pass(3_000, 5_000_000)
    line.pass(3_000, 100_000, false)
    assert.ok((line.pace.rate ?? 0) > 4_000_000, String(line.pace.rate))
  })

  it('is not told by short answers', () => {
    const line = new Line()
    line.pass(3_000, 5_000_000)
    const answered = line.pace.asksShort()
    line.pass(3_000, 40_000)
    answered()
    assert.ok((line.pace.rate ?? 0) > 4_700_000, String(line.pace.rate))
    line.pass(3_000, 1_000_000)
    assert.ok((line.pace.rate ?? 0) < 1_300_000, 'and is again afterwards')
  })

  it('is unknown until something came', () => {
    const line = new Line()
    line.pass(2_000, 0)
    assert.equal(line.pace.rate, undefined)
    assert.equal(line.pace.timeFor(1), undefined)
  })

  it('counts silence only while something is owed, and while somebody looked', () => {
    const line = new Line()
    line.pass(1_000, 1_000_000)
    line.pass(700, 0)
    assert.equal(line.pace.silence, 700)
    line.now += 60_000 // the machine slept
    line.pace.look(true, true)
    assert.ok(line.pace.silence < 1_000, `${line.pace.silence} ms`)
    line.pass(100, 1_000_000)
    assert.equal(line.pace.silence, 0)
    line.pace.look(false, false)
    line.now += 5_000
    assert.equal(line.pace.silence, 0)
  })
})
