import assert from 'node:assert/strict'
import { Rate } from '../../src/peer/rate'
import { Transfer } from '../../src/peer/transfer'

/** Milliseconds, moved by the test. */
class Clock {
  now = 123_456
  readonly read = (): number => this.now
}

describe('a rate', () => {
  it('is the true one from the first moments on', () => {
    const clock = new Clock()
    const rate = new Rate(clock.read)
    for (let sent = 0; sent <= 5_000; sent += 10) {
      rate.add(1_700_000)
      if (sent >= 250) assert.ok(near(rate.value, 170e6), `${rate.value} after ${sent} ms`)
      clock.now += 10
    }
  })

  it('counts from when something flows again, not from long before', () => {
    const clock = new Clock()
    const rate = new Rate(clock.read)
    rate.add(1_000_000)
    clock.now += 60_000
    for (let step = 0; step < 100; step++) {
      rate.add(100_000)
      clock.now += 10
    }
    assert.ok(near(rate.value, 10e6), String(rate.value))
    assert.equal(rate.lasted, 1_000)
  })

  it('is gone a second after the last byte', () => {
    const clock = new Clock()
    const rate = new Rate(clock.read)
    for (let step = 0; step < 500; step++) {
      rate.add(150_000)
      clock.now += 10
    }
    assert.ok(rate.value > 14e6)
    clock.now += 1_000
    assert.equal(rate.value, 0)
  })

  it('stays while large blocks come seconds apart', () => {
    const clock = new Clock()
    const rate = new Rate(clock.read)
    for (let block = 0; block < 10; block++) {
      rate.add(1_048_576)
      clock.now += 900
    }
    for (let block = 0; block < 10; block++) {
      rate.add(1_048_576)
      for (let waited = 0; waited < 1_500; waited += 100) {
        assert.ok(rate.value > 300_000, `${rate.value} after ${waited} ms`)
        clock.now += 100
      }
    }
  })

  it('follows a flow that becomes slower within seconds', () => {
    const clock = new Clock()
    const rate = new Rate(clock.read)
    const flow = (bytes: number, milliseconds: number) => {
      for (let passed = 0; passed < milliseconds; passed += 10, clock.now += 10) rate.add(bytes / 100)
    }
    flow(100e6, 10_000)
    flow(1e6, 4_300)
    assert.ok(near(rate.value, 1e6), String(rate.value))
  })
})

describe('the time left of a transfer', () => {
  const begin = () => {
    const clock = new Clock()
    const transfer = new Transfer('job', 'copy', 'garden', '/garden', () => {}, clock.read)
    transfer.bytes.total = 1e9
    const flow = (milliseconds: number) => {
      for (let passed = 0; passed < milliseconds; passed += 10, clock.now += 10) transfer.progress(0, 100_000)
    }
    return { clock, transfer, flow }
  }

  it('is not told before two seconds of bytes, and is right then', () => {
    const { transfer, flow } = begin()
    assert.equal(transfer.state.timeLeft, undefined)
    flow(1_900)
    assert.equal(transfer.state.timeLeft, undefined)
    flow(200)
    assert.ok(near(transfer.state.timeLeft ?? 0, 98), String(transfer.state.timeLeft))
  })

  it('does not count what lay here before as if it had come', () => {
    const { transfer, flow } = begin()
    transfer.bytes.done = 500e6
    transfer.progress(0, 0)
    flow(3_000)
    assert.ok(near(transfer.state.timeLeft ?? 0, 47), String(transfer.state.timeLeft))
  })

  it('is told no more when nothing comes', () => {
    const { clock, transfer, flow } = begin()
    flow(3_000)
    assert.ok(transfer.state.timeLeft !== undefined)
    clock.now += 1_100
    assert.deepEqual([transfer.state.rate, transfer.state.timeLeft], [0, undefined])
  })
})

function near(value: number, expected: number): boolean {
  return Math.abs(value - expected) <= expected * 0.08
}
