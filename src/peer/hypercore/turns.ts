/**
 * Decides in which order blocks are given, where several peers ask for more than this machine's line carries.
 *
 * Each peer has a stream with a queue of its own, and all share one line. The system divides the line among streams
 * by their windows, which is not evenly. And a block that goes to eight peers at once takes eight times as long to
 * each, and none of them can pass it on before. So blocks are given one after the other:
 *
 * 1. While only one peer asks, it is given everything at once.
 * 2. While several ask, no more is on its way than the line delivers in a moment. The peer that had least is next.
 *    A peer that has waited for long is given a block even when the line is full, so that it does not take the
 *    silence for an end.
 * 3. Of the blocks that one peer asks for, the one that was given to the fewest comes first: in a crowd, nobody
 *    else can pass it on yet. Blocks that have waited for long come before that.
 * 4. A peer that is far ahead of another waits, because the other may be cut off only by bytes that filled the
 *    line. But a slow peer must not hold up a fast one. If the line has room all the same, the slow one is not
 *    waited for any more, for a while. That time doubles with each wait in vain.
 *
 * A peer that is given the same as others is told so (crowd.ts).
 *
 * Read in hypercore 11.39.5: `onrequest`, `oncancel` and `receiverQueue` of a peer in lib/replicator.js.
 */
import type Hypercore from 'hypercore'
import type { BlockRequest, ReplicatorPeer } from 'hypercore'
import { SAID_EVERY } from './crowd'
import { Flow, Meter, type Taker, type Wanted } from './flow'

/** Milliseconds between two looks while a peer waits. */
const LOOK_EVERY = 20
/** As much may be on its way as the line delivers in this time (milliseconds), and at least this many bytes. */
const ON_ITS_WAY = 400
const LEAST_ON_ITS_WAY = 1024 * 1024
/**
 * After this time (milliseconds) a peer is given a block although the line is full; the second value for a peer
 * that is ahead of others.
 */
const LONGEST_WAIT = 1_000
const LONGEST_WAIT_AHEAD = 4_000
/** How many blocks one peer may be ahead of another; at least this many bytes. */
const AHEAD = 2
const LEAST_AHEAD = 128 * 1024
/** A peer that asked for nothing for this time (milliseconds) has no claim to bytes that others had meanwhile. */
const PAUSE = 1_000
/** The load below which the line is about to idle, and how long (milliseconds) before that counts. */
const IDLE = 0.25
const ROOM_FOR = 300
/** Bytes that take a peer longer than this (milliseconds) are stuck with it. */
const SLOW = 3_000
/** After this time (milliseconds) a block no longer waits for others that were given to fewer peers. */
const OVERDUE = 1_000
/** Requests that were sent together have arrived by then (milliseconds). */
const TELL_AFTER = 50
/** How many blocks of one log are counted. */
const MOST_COUNTED = 16_384

/** What was given of one log. */
interface Given {
  /** How often each block was given. */
  readonly copies: ReadonlyMap<number, number>
  readonly crowd: Crowd
  /** Expected length of a block. */
  readonly bytes: () => number
}

export class Turns {
  private readonly flows = new Map<Taker, Flow>()
  private readonly line = new Meter()
  private roomSince: number | undefined
  private timer: NodeJS.Timeout | undefined

  /** @param clock milliseconds that never go back */
  constructor(
    private readonly takerOf: (peer: ReplicatorPeer) => Taker | undefined,
    private readonly clock: () => number = () => performance.now(),
  ) {}

  /**
   * Gives blocks of a log in turns from now on. Must be called before anything else wraps the peers' requests.
   * @returns ends it for peers that connect later
   */
  of(core: Hypercore): () => void {
    const copies = new Map<number, number>()
    const crowd = new Crowd(this.clock, taker => this.flows.get(taker)?.waiting.length ?? 0)
    const onPeer = (peer: ReplicatorPeer) => this.enclose(peer, { copies, crowd, bytes })
    let usual: number | undefined
    const bytes = () => usual ?? core.byteLength / Math.max(1, core.length)
    const onUpload = (index: number, bytes: number, peer: ReplicatorPeer) => {
      usual = usual === undefined ? bytes : usual + (bytes - usual) / 4
      if (copies.size >= MOST_COUNTED) copies.clear()
      copies.set(index, (copies.get(index) ?? 0) + 1)
      const taker = this.takerOf(peer)
      if (taker !== undefined) this.gave(taker, bytes)
    }
    core.on('peer-add', onPeer)
    core.on('upload', onUpload)
    return () => {
      core.off('peer-add', onPeer)
      core.off('upload', onUpload)
    }
  }

  close(): void {
    clearInterval(this.timer)
    this.timer = undefined
    this.flows.clear()
  }

  /**
   * Gives a block when it is the peer's turn, which may be now.
   * @returns takes the request back
   */
  ask(taker: Taker, wanted: Wanted): () => void {
    const now = this.clock()
    const flow = this.flowOf(taker)
    this.noteAsked(flow, now)
    flow.waiting.push(wanted)
    this.next()
    return () => flow.takeBack(wanted)
  }

  /** A peer was given a block. */
  gave(taker: Taker, bytes: number): void {
    this.flowOf(taker).gave(bytes)
  }

  /** Gives blocks to all peers whose turn it is. */
  next(): void {
    const now = this.clock()
    this.look(now)
    for (;;) {
      const waiting = [...this.flows.values()].filter(flow => flow.waiting.length > 0)
      if (waiting.length === 0) {
        clearInterval(this.timer)
        this.timer = undefined
        this.roomSince = undefined
        return
      }
      const flow = this.whoseTurn(waiting, now)
      if (flow === undefined) {
        this.timer ??= setInterval(() => this.next(), LOOK_EVERY).unref()
        return
      }
      this.give(flow, now)
    }
  }

  private enclose(peer: ReplicatorPeer, { copies, crowd, bytes }: Given): void {
    const { onrequest, oncancel } = peer
    const waiting = new Map<number, () => void>()
    peer.onrequest = (request: BlockRequest) => {
      const taker = this.takerOf(peer)
      const { id, block } = request
      if (block === null || taker === undefined) return onrequest.call(peer, request)
      const { index } = block
      const askedAt = this.clock()
      crowd.asked(taker)
      waiting.get(id)?.() // a reused number takes back its earlier request
      return new Promise<void>((resolve, reject) => {
        let takeBack = () => {}
        waiting.set(id, () => {
          waiting.delete(id)
          takeBack()
          resolve()
        })
        takeBack = this.ask(taker, {
          bytes: bytes(),
          give: async () => {
            waiting.delete(id)
            if (peer.remoteOpened) await onrequest.call(peer, request).then(resolve, reject)
            else resolve()
          },
          urgency: () => (this.clock() - askedAt > OVERDUE ? -1 : (copies.get(index) ?? 0)),
          canGive: () => peer.receiverQueue.length === 0,
        })
      })
    }
    peer.oncancel = cancel => {
      waiting.get(cancel.request)?.()
      oncancel.call(peer, cancel)
    }
  }

  private give(flow: Flow, now: number): void {
    const wanted = flow.first ?? flow.waiting[0]
    if (wanted === undefined) return
    flow.takeBack(wanted)
    flow.making += wanted.bytes
    flow.gaveAt = now
    void wanted.give().finally(() => {
      flow.making -= wanted.bytes
      if (this.timer !== undefined) this.next()
    })
  }

  private whoseTurn(waiting: readonly Flow[], now: number): Flow | undefined {
    const asking = [...this.flows.values()].filter(flow => flow.isAsking)
    if (asking.length < 2) return waiting[0]
    const ready = waiting
      .filter(flow => flow.hasRoom)
      .sort((a, b) => a.share - b.share || a.gaveAt - b.gaveAt)
    const least = Math.min(...asking.map(flow => flow.share))
    const ahead = Math.max(LEAST_AHEAD, AHEAD * (ready[0]?.first?.bytes ?? 0))
    const [next] = ready
    const load = this.load(asking)
    const most = (next?.share ?? 0) - ahead
    const behind = asking.filter(flow => flow.excusedUntil < now && flow.share < most)
    const isHeld = next !== undefined && behind.length > 0 && load < IDLE
    if (!isHeld) this.roomSince = undefined
    if (behind.length === 0 && load < 1) return next
    if (next === undefined || !isHeld)
      return ready.find(flow => {
        const longest = flow.share > least + ahead ? LONGEST_WAIT_AHEAD : LONGEST_WAIT
        return now - Math.max(flow.gaveAt, flow.askedSince) > longest
      })
    this.roomSince ??= now
    if (now - this.roomSince < ROOM_FOR) return undefined
    this.roomSince = undefined
    for (const flow of behind) flow.excuse(now, most)
    return next
  }

  /** The load of the line: 1 where it has enough to do. Bytes that are stuck with slow peers do not count. */
  private load(asking: readonly Flow[]): number {
    let bytes = 0
    for (const { onItsWay, rate } of asking) {
      const isSlow = rate !== undefined && onItsWay > (rate * SLOW) / 1_000
      bytes += isSlow ? Math.min(onItsWay, (rate * ON_ITS_WAY) / 1_000) : onItsWay
    }
    return bytes / Math.max(LEAST_ON_ITS_WAY, ((this.line.rate ?? 0) * ON_ITS_WAY) / 1_000)
  }

  private flowOf(taker: Taker): Flow {
    let flow = this.flows.get(taker)
    if (flow === undefined) {
      flow = new Flow(taker)
      this.flows.set(taker, flow)
    }
    return flow
  }

  /**
   * Notes that a peer asks. After a pause it begins with as many bytes as have arrived at the asking peer that had
   * least.
   */
  private noteAsked(flow: Flow, now: number): void {
    if (flow.isAsking) {
      if (flow.waiting.length === 0) flow.askedSince = now
      return
    }
    flow.askedSince = now
    if (now - flow.gaveAt < PAUSE) return
    const rivals = [...this.flows.values()].filter(other => other !== flow && other.isAsking)
    if (rivals.length === 0) return
    flow.given = Math.max(flow.given, Math.min(...rivals.map(({ given, taker }) => given - taker.unsent)))
  }

  private look(now: number): void {
    let arrived = 0
    let time = 0
    for (const [taker, flow] of this.flows) {
      if (taker.isGone) {
        this.flows.delete(taker)
        continue
      }
      const { bytes, ms } = flow.look(now)
      arrived += bytes
      time = Math.max(time, ms)
    }
    if (time > 0) this.line.add(arrived, time)
  }
}

/** The peers that ask for blocks of one log. Tells them of each other. */
class Crowd {
  private readonly askedAt = new Map<Taker, number>()
  private readonly toldAt = new WeakMap<Taker, number>()

  constructor(
    private readonly clock: () => number,
    private readonly waitingOf: (taker: Taker) => number,
  ) {}

  asked(by: Taker): void {
    const now = this.clock()
    this.askedAt.set(by, now)
    for (const [taker, at] of this.askedAt) if (taker.isGone || now - at > PAUSE) this.askedAt.delete(taker)
    if (this.askedAt.size < 2) return
    for (const taker of this.askedAt.keys()) {
      const told = this.toldAt.get(taker)
      if (told !== undefined && now - told < SAID_EVERY) continue
      this.toldAt.set(taker, now)
      // After the first notice the peer chooses its requests with that in mind.
      const waiting = () => (told === undefined ? this.waitingOf(taker) : 0)
      setTimeout(() => taker.tellCrowd(waiting()), TELL_AFTER).unref()
    }
  }
}
