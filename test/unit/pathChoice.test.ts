import assert from 'node:assert/strict'
import fc from 'fast-check'
import { LOOK_EVERY, type Path, PathChoice } from '../../src/peer/network/pathChoice'

/** A line as each of the two streams finds it. */
interface Line {
  /** Bytes a second that each brings when it carries. */
  readonly udx: number
  readonly tcp: number
  /** Milliseconds. */
  readonly trip: number
  readonly loss: number | undefined
}

describe('which stream to a peer carries', () => {
  it('is TCP on a short way, as soon as it stands', () => {
    assert.equal(carried({ udx: 80e6, tcp: 80e6, trip: 1, loss: undefined }, 1_000).path, 'tcp')
    assert.equal(carried({ udx: 80e6, tcp: 80e6, trip: 40, loss: undefined }, 1_000, true).path, 'tcp')
  })

  it('is UDX on a lossy line, which TCP is never tried on, however long it takes', () => {
    for (const { trip, rate, loss } of [
      { trip: 40, rate: 2.4e6, loss: 1e-3 },
      { trip: 80, rate: 1.1e6, loss: 1e-2 },
      { trip: 150, rate: 5e6, loss: 5e-3 },
    ]) {
      const { path, moves } = carried({ udx: rate, tcp: rate / 5, trip, loss }, 600_000)
      assert.deepEqual({ path, moves }, { path: 'udx', moves: 0 })
    }
  })

  it('is not tried while little comes, or the peer tells nothing of losses', () => {
    assert.equal(carried({ udx: 1e3, tcp: 1e9, trip: 40, loss: 1e-6 }, 600_000).moves, 0)
    assert.equal(carried({ udx: 5e6, tcp: 1e9, trip: 40, loss: undefined }, 600_000).moves, 0)
  })

  it('is on any line within a tenth of the better, and stays where that is', () => {
    const lines = fc.record({
      udx: fc.integer({ min: 100_000, max: 60_000_000 }),
      tcp: fc.integer({ min: 100_000, max: 110_000_000 }),
      trip: fc.integer({ min: 6, max: 300 }),
    })
    fc.assert(
      fc.property(lines, line => {
        const { path, bytes, seconds, moves } = carried({ ...line, loss: 1e-9 }, 600_000)
        const best = Math.max(line.udx, line.tcp)
        assert.ok(line[path] * 1.06 >= best, `${path} stayed`)
        assert.ok(bytes >= 0.9 * best * (seconds - 2 * LONGEST_WAIT), `${bytes} of ${best * seconds}`)
        assert.ok(moves < 20, `${moves} moves`)
      }),
    )
  })

  it('goes back to UDX when TCP is cut off', () => {
    const choice = new PathChoice(() => {})
    choice.tcpStands(true, 1)
    choice.tcpIsGone()
    assert.deepEqual([choice.path, choice.why], ['udx', 'only'])
  })

  it('is looked at again when the line has changed', () => {
    const run = new Run({ udx: 2e6, tcp: 10e6, trip: 40, loss: 1e-9 })
    run.go(60_000)
    assert.deepEqual([run.choice.path, run.choice.why], ['tcp', 'faster'])
    run.line = { udx: 2e6, tcp: 0.2e6, trip: 40, loss: 1e-2 }
    run.go(60_000)
    assert.deepEqual([run.choice.path, run.choice.why], ['udx', 'faster'])
  })
})

/** Seconds before the first trial at most, at the longest round trip here. */
const LONGEST_WAIT = 40

class Run {
  now = 0
  moves = 0
  readonly received: Record<Path, number> = { udx: 0, tcp: 0 }
  readonly choice = new PathChoice(() => this.moves++)

  constructor(
    public line: Line,
    isSameMachine = false,
  ) {
    this.choice.tcpStands(isSameMachine, line.trip)
  }

  go(milliseconds: number): void {
    for (const end = this.now + milliseconds; this.now < end; this.now += LOOK_EVERY) {
      const { path } = this.choice
      this.received[path] += (this.line[path] * LOOK_EVERY) / 1_000
      this.choice.look(this.now, { ...this.line, received: this.received })
    }
  }
}

function carried(line: Line, milliseconds: number, isSameMachine = false) {
  const run = new Run(line, isSameMachine)
  run.go(milliseconds)
  // A trial that was just under way comes to its end.
  for (let more = 0; more < 50 && run.choice.why === 'first'; more++) run.go(LOOK_EVERY)
  const { udx, tcp } = run.received
  return { path: run.choice.path, bytes: udx + tcp, seconds: run.now / 1_000, moves: run.moves }
}
