import assert from 'node:assert/strict'
import fc from 'fast-check'
import { LOOK_EVERY, type Path, PathChoice } from '../../src/peer/network/pathChoice'
import { type Carrying, type PathMessage, PeerStreams } from '../../src/peer/network/streams'

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
    const { choice } = new Run({ udx: 2e6, tcp: 10e6, trip: 1, loss: undefined })
    assert.deepEqual([choice.path, choice.why], ['tcp', 'near'])
    choice.tcpIsGone()
    assert.deepEqual([choice.path, choice.why], ['udx', 'only'])
  })

  it('stays where it is while that cannot be said, and moves when it can', () => {
    const run = new Run({ udx: 2e6, tcp: 10e6, trip: 40, loss: 1e-9 })
    run.canSay = false
    run.go(60_000)
    assert.deepEqual([run.choice.path, run.choice.why], ['udx', 'first'])
    run.canSay = true
    run.go(20_000)
    assert.deepEqual([run.choice.path, run.choice.why], ['tcp', 'faster'])
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

describe('both sides of a link', () => {
  it('always know which stream carries, and come to the same one, whatever they measure', () => {
    const look = fc.record({
      /** Bytes that come to each side by what carries there. */
      bytes: fc.tuple(amount, amount),
      trip: fc.constantFrom(0, 1, 4, 30, 80),
      packets: fc.constantFrom(0, 1_000, 60_000),
      /** How many messages arrive at each side. */
      arrives: fc.tuple(fc.integer({ max: 3, min: 0 }), fc.integer({ max: 3, min: 0 })),
      /** Milliseconds since the last. */
      pause: fc.constantFrom(LOOK_EVERY, LOOK_EVERY, 5_000),
    })
    const course = fc.record({
      looks: fc.array(look, { minLength: 20, maxLength: 300 }),
      /** At which look TCP stands at each side, and is gone. */
      stands: fc.tuple(fc.integer({ min: 0, max: 10 }), fc.integer({ min: 0, max: 10 })),
      gone: fc.integer({ min: 11, max: 1_000 }),
      isSameMachine: fc.boolean(),
    })
    let moves = 0
    fc.assert(
      fc.property(course, ({ looks, stands, gone, isSameMachine }) => {
        const link = new BothSides()
        for (const [at, { bytes, trip, packets, arrives, pause }] of looks.entries()) {
          link.now += pause
          for (const [which, side] of link.sides.entries()) {
            if (at === stands[which]) side.streams.tcpStands(side.tcp, isSameMachine, trip || undefined)
            if (at === gone) side.cut()
            side.measure(bytes[which] ?? 0, trip, packets)
            side.streams.look()
            link.deliver(which, arrives[which] ?? 0)
            side.assertAgrees()
          }
        }
        link.deliverAll()
        for (const side of link.sides) {
          side.assertAgrees()
          side.streams.close()
        }
        const [one, other] = link.sides
        assert.equal(one.streams.path, other.streams.path)
        moves += one.moves
      }),
    )
    assert.ok(moves > 100, `${moves} moves are no test`)
  })
})

const amount = fc.constantFrom(0, 1_000, 100_000, 2_000_000)

class BothSides {
  now = 0
  readonly sides = [new Side(this, 0), new Side(this, 1)] as const
  /** Messages on their way to each. */
  readonly under: readonly [PathMessage[], PathMessage[]] = [[], []]

  deliver(to: number, count: number): void {
    for (const message of this.under[to]?.splice(0, count) ?? []) this.sides[to]?.streams.hear({ ...message })
  }

  deliverAll(): void {
    while (this.under.some(({ length }) => length > 0)) for (const to of [0, 1]) this.deliver(to, 100)
  }
}

class Side {
  readonly udx = newStream()
  readonly tcp = newStream()
  readonly streams: PeerStreams<ReturnType<typeof newStream>>
  moves = -1
  /** What replication was told last. */
  private carries: Carrying | undefined

  constructor(link: BothSides, which: 0 | 1) {
    this.streams = new PeerStreams(this.udx, {
      isInitiator: which === 0,
      say: message => link.under[which === 0 ? 1 : 0].push(message),
      clock: () => link.now,
    })
    this.streams.saysPath = true
    this.streams.changed.on(({ to }) => {
      this.carries = to
      this.moves++
    })
    this.streams.begin()
  }

  cut(): void {
    this.tcp.destroyed = true
    this.streams.tcpIsGone()
  }

  measure(bytes: number, rtt: number, packets: number): void {
    const { rawStream } = this.streams.current ?? this.udx
    rawStream.bytesReceived += bytes
    this.udx.rawStream.rtt = rtt
    this.udx.rawStream.packetsTransmitted += packets
  }

  assertAgrees(): void {
    assert.equal(this.streams.current, this.carries)
    assert.equal(this.streams.path, this.carries === this.tcp ? 'tcp' : 'udx')
  }
}

function newStream() {
  return { destroyed: false, rawStream: { rtt: 0, bytesReceived: 0, packetsTransmitted: 0, retransmits: 0 } }
}

/** Seconds before the first trial at most, at the longest round trip here. */
const LONGEST_WAIT = 40

class Run {
  now = 0
  moves = 0
  readonly received: Record<Path, number> = { udx: 0, tcp: 0 }
  canSay = true
  readonly choice = new PathChoice((path, why) => {
    if (!this.canSay) return false
    if (path !== this.choice.path) this.moves++
    this.choice.moved(path, why)
    return true
  })

  constructor(
    public line: Line,
    isSameMachine = false,
  ) {
    this.choice.tcpStands(0, isSameMachine, line.trip)
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
