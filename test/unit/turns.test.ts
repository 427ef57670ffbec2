/** Blocks are given in turns: a line of known rate, and peers that take what it gives each of them, on a clock of its own. */
import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import type { Taker } from '../../src/peer/hypercore/flow'
import { Turns } from '../../src/peer/hypercore/turns'

const BLOCK = 1024 * 1024
const MB = 1_000_000
/** Milliseconds. */
const STEP = 10
/** That are long enough for a lead of a few blocks not to count. */
const SECONDS = 80
/** Blocks that a peer asks for before they are there. */
const AHEAD = 3

/** A peer that asks for a few blocks at a time, with a window of its own in the line and perhaps a slow line itself. */
class Peer implements Taker {
  isGone = false
  unsent = 0
  came = 0
  asked = 0

  constructor(
    /** Bytes of it that lie in the line's queue at most: who has more gets more of the line. */
    readonly window: number,
    /** Bytes a second. */
    readonly rate = Number.POSITIVE_INFINITY,
  ) {}

  tellCrowd(): void {}
}

/** Runs a line for so long. → bytes that came to each */
async function run(peers: readonly Peer[], rate: number, seconds: number): Promise<readonly number[]> {
  let now = 0
  const turns = new Turns(
    () => undefined,
    () => now,
  )
  const ask = (peer: Peer) => {
    peer.asked++
    const give = async () => {
      peer.unsent += BLOCK
      turns.gave(peer, BLOCK)
      peer.asked--
    }
    turns.ask(peer, { bytes: BLOCK, give, urgency: () => 0, canGive: () => true })
  }
  for (; now < seconds * 1_000; now += STEP) {
    for (const peer of peers) while (peer.asked + peer.unsent / BLOCK < AHEAD) ask(peer)
    await Promise.resolve()
    await Promise.resolve()
    const queued = peers.map(({ unsent, window }) => Math.min(unsent, window))
    const all = queued.reduce((sum, bytes) => sum + bytes, 0)
    let left = (rate * STEP) / 1_000
    let others = all
    for (const [at, peer] of [...peers.entries()].sort(([, a], [, b]) => a.rate - b.rate)) {
      const part = others === 0 ? 0 : left * ((queued[at] ?? 0) / others)
      const bytes = Math.min(part, peer.unsent, (peer.rate * STEP) / 1_000)
      others -= queued[at] ?? 0
      left -= bytes
      peer.unsent -= bytes
      peer.came += bytes
    }
    turns.next()
  }
  turns.close()
  return peers.map(({ came }) => came)
}

describe('turns on the sending side', () => {
  it('give equal parts within a fifth, whomever the line prefers', async () => {
    const windows = fc.array(fc.constantFrom(16, 64, 256, 4096), { minLength: 2, maxLength: 10 })
    await fc.assert(
      fc.asyncProperty(windows, async sizes => {
        const came = await run(
          sizes.map(size => new Peer(size * 1024)),
          5 * MB,
          SECONDS,
        )
        const mean = came.reduce((sum, bytes) => sum + bytes, 0) / came.length
        for (const bytes of came)
          assert.ok(Math.abs(bytes - mean) <= mean / 5, came.map(n => (n / MB).toFixed(1)).join(', '))
        assert.ok(mean * came.length >= 0.9 * SECONDS * 5 * MB, `${mean * came.length} bytes came in all`)
      }),
      { numRuns: 12 },
    )
  })

  it('never have a fast one wait for a slow one', async () => {
    const [slow = 0, ...fast] = await run(
      [new Peer(4 * BLOCK, 0.1 * MB), new Peer(64 * 1024), new Peer(64 * 1024)],
      5 * MB,
      60,
    )
    assert.ok(slow >= 0.9 * 60 * 0.1 * MB, `the slow one got ${slow}`)
    for (const bytes of fast) assert.ok(bytes >= 0.9 * 60 * 2.4 * MB, `a fast one got ${bytes}`)
  })
})
