/**
 * Decides which peer is asked for which block of a log, and for how many at a time. It replaces Hypercore's own
 * choice. The wire protocol stays as it is.
 *
 * 1. A block is asked of one peer. (Hypercore asks up to three idle peers for each block, so with few blocks wanted
 *    at a time all of them came two or three times.)
 * 2. A peer has as much on its way as it delivers in a moment. So no peer idles, and none holds blocks that others
 *    would deliver sooner. order.ts decides which of the wanted blocks it is asked for.
 * 3. A block that a peer has not begun to send, and would deliver much later than others, is taken back from it. A
 *    block that it has begun is asked of a second peer when that one is much faster and has nothing better to do.
 *    When one of the two delivers, the request to the other is cancelled. A peer that sends nothing loses all
 *    requests, and is asked last until it delivers.
 * 4. Before blocks of several peers comes a proof of the log's length (awaitedProof.ts).
 *
 * Read in hypercore 11.39.5: `updatePeer`, `_updatePeer`, `_updateHotswap`, `_queueBlock`, `_clearInflightBlock`,
 * `_sendBlockRequest`, `_cancelRequest` and `getMaxInflight` of lib/replicator.js.
 */
import type Hypercore from 'hypercore'
import type { ReplicatorPeer, SentRequest, WantedBlock } from 'hypercore'
import { AwaitedProof } from './awaitedProof'
import { isCrowded, takeWaiting } from './crowd'
import { Order } from './order'
import { Pace } from './pace'
import { Standing } from './standing'

/** Milliseconds between two looks. */
const LOOK_EVERY = 100
/** A peer has on its way what it delivers in this time (milliseconds), or in two round trips where these are longer. */
const AHEAD = 400
/** The same for the only peer, which cannot be asked for too much. */
const AHEAD_ALONE = 600
/**
 * Bytes asked of a peer that was not measured yet. A slow one must not hold for long what others would deliver
 * sooner.
 */
const FIRST = 512 * 1024
const FIRST_ALONE = 4 * 1024 * 1024
/** A peer that takes longer than this for a block (milliseconds) is asked for one at a time. */
const SLOW_BLOCK = 2_000
/** Assumed length (bytes) of a block, while nothing is known. */
const UNKNOWN_BLOCK = 64 * 1024
/** Assumed time (milliseconds) for a block, while nothing is known. */
const UNKNOWN_TIME = 500
/** The most blocks asked of one peer for one log. */
const MOST = 512
/** How many blocks beyond its limit a peer may be asked for when they are urgent. */
const URGENT = 2
/** A block is taken from a peer that needs this many times as long as another. */
const MUCH_SLOWER = 3
/** No peer counts as slow before this time (milliseconds). */
const PATIENCE = 1_500
/** A block that comes within this time (milliseconds) is not asked for a second time. */
const WORTHWHILE = 1_000
/** The same limit for asking the sharer, where others fetch the block too and pass it on. */
const WORTHWHILE_OF_SHARER = 5_000
/** A peer that lacks wanted blocks, and gave nothing for this time (milliseconds), is fetching something else. */
const FELLOW = 8_000
/** Blocks of one peer that are being stored while more are asked for. */
const STORING = 4
/** Pause (milliseconds) between two attempts to let one peer help others. */
const HELP_EVERY = 50

const schedules = new WeakMap<object, Schedule>()

/** Takes over the scheduling of a log. */
export function schedule(core: Hypercore): void {
  const { replicator } = core.core
  if (!schedules.has(replicator)) schedules.set(replicator, new Schedule(core))
}

/** Tells the expected length (bytes) of the blocks that a reader asks for next. */
export function expectBlocks(core: Hypercore, bytes: number): void {
  schedules.get(core.core.replicator)?.expect(bytes)
}

/** Tells whether the reader of a block is as glad of any other requested block. */
export function setPatient(core: Hypercore, index: number, isPatient: boolean): void {
  schedules.get(core.core.replicator)?.order.setPatient(index, isPatient)
}

/** Whether others fetch the same. If so, it is better to ask for many blocks ahead than for the next few. */
export function isSharedByMany({ peers }: Hypercore): boolean {
  return peers.length > 1 || peers.some(({ stream }) => isCrowded(stream))
}

class Schedule {
  /** Expected length (bytes) of the blocks that come now. */
  private expected: number | undefined
  readonly order: Order
  private readonly proof: AwaitedProof
  private readonly replicator: Hypercore['core']['replicator']
  private readonly standings = new WeakMap<ReplicatorPeer, Standing>()
  private readonly sentAt = new WeakMap<SentRequest, number>()
  private timer: NodeJS.Timeout | undefined

  constructor(private readonly core: Hypercore) {
    const { replicator } = core.core
    this.replicator = replicator
    this.order = new Order(core, peer => this.isFellow(peer))
    this.proof = new AwaitedProof(core, LOOK_EVERY)
    const ask = replicator._updatePeer
    replicator._updatePeer = peer => {
      const standing = this.standingOf(peer)
      if (replicator._seeks.length > 0 || peer.remoteLength === 0) return ask.call(replicator, peer)
      return this.ask(peer, standing)
    }
    replicator._updateHotswap = peer => this.help(peer)
    core.on('download', (_index: number, bytes: number, peer: ReplicatorPeer) => this.onBlock(bytes, peer))
    for (const peer of replicator.peers) this.standingOf(peer)
  }

  /** Expected length (bytes) of a block that comes now. */
  get blockBytes(): number {
    return this.expected ?? (this.core.length === 0 ? UNKNOWN_BLOCK : this.core.byteLength / this.core.length)
  }

  /** See `expectBlocks`. */
  expect(bytes: number): void {
    this.expected = bytes
  }

  private standingOf(peer: ReplicatorPeer): Standing {
    const known = this.standings.get(peer)
    if (known !== undefined) return known
    const standing = new Standing(Pace.of(peer.stream))
    const { pace } = standing
    this.standings.set(peer, standing)
    peer.getMaxInflight = () => this.most(standing, peer)
    const send = peer._sendBlockRequest
    peer._sendBlockRequest = (request, block) => {
      if (peer.inflight === 0) standing.bytesAtStart = pace.bytes
      this.sentAt.set(request, performance.now())
      send.call(peer, request, block)
      pace.look(true, false)
      this.watch()
    }
    const complete = peer._onrequestroundtrip
    peer._onrequestroundtrip = request => {
      this.proof.answered(request)
      complete.call(peer, request)
      // More is asked for while blocks are being stored, so that the line does not idle.
      if (peer.dataProcessing < STORING) queueMicrotask(() => this.replicator.updatePeer(peer))
    }
    return standing
  }

  /** Whether a peer fetches the same: it connected recently, or gave blocks recently. */
  private isFellow(peer: ReplicatorPeer): boolean {
    const { isLast, gaveAt } = this.standingOf(peer)
    return !isLast && performance.now() - gaveAt < FELLOW
  }

  /** How many blocks a peer may have on its way. */
  private most({ pace, isLast }: Standing, peer: ReplicatorPeer): number {
    if (isLast) return 1
    const isAlone = this.replicator.peers.length < 2 && !isCrowded(peer.stream)
    const block = pace.timeFor(this.blockBytes)
    if (!isAlone && block !== undefined && block > SLOW_BLOCK) return 1
    const moment = Math.max(isAlone ? AHEAD_ALONE : AHEAD, 2 * pace.roundTrip)
    const first = isAlone ? FIRST_ALONE : FIRST
    const bytes = pace.rate === undefined ? first : (pace.rate * moment) / 1_000
    const fewest = pace.rate === undefined && !isAlone ? 1 : 2
    return Math.max(fewest, Math.min(MOST, Math.ceil(bytes / this.blockBytes)))
  }

  private ask(peer: ReplicatorPeer, standing: Standing): boolean {
    if (!peer.isActive() || !peer.remoteUploading) return false
    const most = peer.getMaxInflight()
    if (peer.inflight >= most + URGENT) return false
    const isUsable = (block: number) => !standing.isLast || !this.isAtOthers(peer, block)
    const how = {
      isUrgent: peer.inflight >= most,
      isWaiting: this.isWaiting(peer, standing),
      isSlow: (standing.pace.timeFor(this.blockBytes) ?? Number.POSITIVE_INFINITY) > SLOW_BLOCK,
    }
    for (const block of this.order.choose(peer, isUsable, how)) {
      if (this.proof.isFirst(block.index, this.blockBytes)) {
        this.watch()
        if (this.proof.ask(peer, block.index)) return true
        continue
      }
      if (!peer._requestBlock(block)) continue
      block.queued = false
      standing.waitsSince = undefined
      return true
    }
    if (peer.inflight === 0) standing.waitsSince ??= performance.now()
    return false
  }

  /** Whether a peer was asked for nothing for the time that two blocks take. */
  private isWaiting(peer: ReplicatorPeer, { pace, waitsSince }: Standing): boolean {
    if (peer.inflight > 0 || waitsSince === undefined) return false
    return performance.now() - waitsSince > 2 * (pace.timeFor(this.blockBytes) ?? UNKNOWN_TIME)
  }

  /** Whether another peer that delivers has a block. */
  private isAtOthers(peer: ReplicatorPeer, block: number): boolean {
    return this.replicator.peers.some(
      other =>
        other !== peer && other.isActive() && other._remoteHasBlock(block) && !this.standingOf(other).isLast,
    )
  }

  private onBlock(bytes: number, peer: ReplicatorPeer): void {
    const before = this.expected ?? bytes
    this.expected = before + (bytes - before) / 4
    const standing = this.standingOf(peer)
    standing.isLast = false
    standing.gaveAt = performance.now()
    standing.pace.look(peer.inflight > 0, peer.inflight + 1 >= this.most(standing, peer))
    standing.bytesAtStart = standing.pace.bytes
  }

  private watch(): void {
    this.timer ??= setInterval(() => this.look(), LOOK_EVERY).unref()
  }

  private look(): void {
    const { peers } = this.replicator
    const late = this.proof.look(peer => this.untilBlock(peer))
    if (late !== undefined) {
      this.cancel(late)
      this.replicator.queueUpdateAll()
    }
    let isIdle = !this.replicator._queued.some(({ queued }) => queued)
    for (const peer of peers) {
      const standing = this.standingOf(peer)
      standing.pace.look(peer.inflight > 0, peer.inflight >= this.most(standing, peer))
      if (peer.inflight > 0) isIdle = false
      // Blocks that were taken back from it come after all: its line was held up.
      if (standing.pace.bytes - standing.bytesAtStart > this.blockBytes / 2) standing.isLast = false
    }
    if (isIdle || peers.length === 0) {
      clearInterval(this.timer)
      this.timer = undefined
      return
    }
    for (const [peer, requests] of this.sent())
      if (this.leaveToCrowd(peer, requests)) this.replicator.updatePeer(peer)
    if (peers.length < 2) return
    let isTaken = false
    for (const [peer, requests] of this.sent()) if (this.takeBack(peer, requests)) isTaken = true
    if (isTaken) this.replicator.queueUpdateAll()
    for (const peer of [...peers]) if (peer.inflight < peer.getMaxInflight()) this.replicator.updatePeer(peer)
  }

  /** Milliseconds until the block that a peer is sending is here; undefined: nothing comes. */
  private untilBlock(peer: ReplicatorPeer): number | undefined {
    const { pace, bytesAtStart } = this.standingOf(peer)
    if (pace.silence > 5 * LOOK_EVERY) return undefined
    return pace.timeFor(Math.max(0, this.blockBytes - (pace.bytes - bytesAtStart)))
  }

  /** Open requests for blocks of each peer, in the order in which they were sent. */
  private sent(): Map<ReplicatorPeer, SentRequest[]> {
    const sent = new Map<ReplicatorPeer, SentRequest[]>()
    for (const request of this.replicator._inflight) {
      if (request.block === null) continue
      const known = sent.get(request.peer)
      if (known === undefined) sent.set(request.peer, [request])
      else known.push(request)
    }
    const at = (request: SentRequest) => this.sentAt.get(request) ?? 0
    for (const requests of sent.values()) requests.sort((a, b) => at(a) - at(b))
    return sent
  }

  /**
   * Takes back requests that wait at a peer that says that others fetch the same, because all receivers asked for
   * the same blocks.
   */
  private leaveToCrowd(peer: ReplicatorPeer, requests: readonly SentRequest[]): boolean {
    const patient = requests.filter(({ block }) => this.order.isPatient(block?.index ?? -1))
    const waiting = patient.length < 2 ? 0 : takeWaiting(peer.stream)
    if (waiting === 0) return false
    for (const request of patient.slice(-waiting)) this.cancel(request)
    return true
  }

  /** Takes back blocks that a peer has not begun to send and others would deliver much sooner. */
  private takeBack(peer: ReplicatorPeer, requests: readonly SentRequest[]): boolean {
    const standing = this.standingOf(peer)
    const isSilent = standing.pace.silence > this.patienceWith(peer)
    if (isSilent && !standing.isLast) {
      standing.isLast = true
      standing.bytesAtStart = standing.pace.bytes
    }
    let isTaken = false
    for (const [place, request] of requests.entries()) {
      const index = request.block?.index ?? 0
      if (!this.isAtOthers(peer, index)) continue
      if (!isSilent) {
        if (place === 0) continue
        const left = standing.timeLeft(place, this.blockBytes)
        if (left === undefined || left < PATIENCE || left < MUCH_SLOWER * this.soonest(peer, index)) continue
      }
      this.cancel(request)
      isTaken = true
    }
    return isTaken
  }

  /**
   * How long a peer may be silent while it owes (milliseconds): several times as long as a block takes, from it or
   * from others.
   */
  private patienceWith(peer: ReplicatorPeer): number {
    let usual = this.standingOf(peer).pace.timeFor(this.blockBytes) ?? Number.POSITIVE_INFINITY
    if (usual === Number.POSITIVE_INFINITY)
      for (const other of this.replicator.peers)
        usual = Math.min(usual, this.standingOf(other).pace.timeFor(this.blockBytes) ?? usual)
    if (usual === Number.POSITIVE_INFINITY) return 2 * PATIENCE
    return Math.max(PATIENCE, MUCH_SLOWER * usual, 4 * this.standingOf(peer).pace.roundTrip)
  }

  /** Milliseconds until another peer would deliver a block, if it were asked now. */
  private soonest(peer: ReplicatorPeer, index: number): number {
    let soonest = Number.POSITIVE_INFINITY
    for (const other of this.replicator.peers) {
      if (other === peer || !other.isActive() || !other._remoteHasBlock(index)) continue
      const standing = this.standingOf(other)
      if (standing.isLast) continue
      const time = standing.timeLeft(other.inflight, this.blockBytes)
      if (time !== undefined) soonest = Math.min(soonest, time + standing.pace.roundTrip)
    }
    return soonest
  }

  /** Lets an idle peer deliver a block that another one would deliver much later. */
  private help(peer: ReplicatorPeer): void {
    const standing = this.standingOf(peer)
    const now = performance.now()
    if (this.replicator.peers.length < 2 || now - standing.helpedAt < HELP_EVERY) return
    if (!peer.isActive() || !peer.remoteUploading || standing.isLast) return
    if (peer.inflight >= peer.getMaxInflight()) return
    standing.helpedAt = now
    const own = standing.pace.timeFor((peer.inflight + 1) * this.blockBytes)
    if (own === undefined) return
    let latest:
      | { readonly request: SentRequest; readonly block: WantedBlock; readonly isBegun: boolean }
      | undefined
    // Blocks that the crowd passes on take longer, and need not come from the sharer again.
    const isSharer = this.order.isSharerOfCrowd(peer, this.replicator._blocks)
    const worthwhile = isSharer ? WORTHWHILE_OF_SHARER : WORTHWHILE
    let most = Math.max(worthwhile, MUCH_SLOWER * (own + standing.pace.roundTrip))
    for (const [other, requests] of this.sent()) {
      if (other === peer) continue
      const theirs = this.standingOf(other)
      for (const [place, request] of requests.entries()) {
        const block = this.replicator._blocks.get(request.block?.index ?? -1)
        if (block === null || block.inflight.length !== 1 || !peer._remoteHasBlock(block.index)) continue
        const left = theirs.timeLeft(place, this.blockBytes) ?? theirs.pace.silence
        if (left <= most) continue
        most = left
        latest = {
          request,
          block,
          isBegun: theirs.isBegun(place, this.blockBytes) && theirs.pace.silence < PATIENCE,
        }
      }
    }
    if (latest === undefined) return
    if (latest.isBegun) {
      // The block may come twice, so only when no block is left that could come once.
      if (this.isAllAskedFor() || !this.order.isPatient(latest.block.index)) peer._requestBlock(latest.block)
    } else {
      this.cancel(latest.request)
      this.replicator.updatePeer(peer)
    }
  }

  /** Whether no block waits that a connected peer has. */
  private isAllAskedFor(): boolean {
    const { _queued: queued, peers } = this.replicator
    return !queued.some(block => block.queued && peers.some(peer => peer._remoteHasBlock(block.index)))
  }

  private cancel(request: SentRequest): void {
    request.peer._cancelRequest(request)
    if (request.block !== null) this.replicator._clearInflightBlock(this.replicator._blocks, request)
  }
}
