/**
 * Gets the proof of a log's length, where blocks beyond the known length are wanted. Hypercore asks one peer for
 * it, in one message with the first of these blocks. Until both are here no other peer can be asked for a block,
 * and a slow peer holds everything up for as long as its block takes.
 *
 * 1. Where several peers could prove the length and blocks are large, the proof is asked for alone. It is short, so
 *    even a slow peer sends it at once.
 * 2. A peer that does not send it in time loses the request to the next one, whether the proof was asked for alone
 *    or, when no other peer was there, with a block. Peers are asked in turn. After each round they get twice as
 *    much time.
 *
 * Read in hypercore 11.39.5: `_makeRequest`, `_shouldUpgrade`, `_send`, `_cancelRequest` and `_handleData` of
 * lib/replicator.js.
 */
import type Hypercore from 'hypercore'
import type { ReplicatorPeer, SentRequest } from 'hypercore'
import { Pace } from './pace'

/** Blocks up to this size (bytes) take no longer than the proof. */
const SMALL_BLOCK = 64 * 1024
/** How many calls of `look` a peer has for the proof, at first and at most. Four round trips where these are longer. */
const FIRST_LOOKS = 5
const MOST_LOOKS = 300
const ROUND_TRIPS = 4
/** Milliseconds: a block that comes within this time may come with the proof. */
const SOON = 1_000

export class AwaitedProof {
  private asked: { readonly request: SentRequest; looks: number } | undefined
  /**
   * Ends a question for the proof alone. Until its answer is here, arriving bytes tell nothing about the speed of
   * the line.
   */
  private endShort: (() => void) | undefined
  private patience = FIRST_LOOKS
  private late = new Set<ReplicatorPeer>()

  /** @param lookEvery milliseconds between two looks */
  constructor(
    private readonly core: Hypercore,
    private readonly lookEvery: number,
  ) {
    core.on('append', () => {
      this.patience = FIRST_LOOKS
      this.late.clear()
    })
    core.on('peer-remove', peer => this.late.delete(peer))
  }

  /**
   * Whether the proof is to be asked for before a block.
   * @param bytes of the block, about
   */
  isFirst(index: number, bytes: number): boolean {
    return bytes > SMALL_BLOCK && index >= this.core.length && this.candidates().length > 1
  }

  /** Asks a peer for the proof alone. False: a peer is asked already, or this one was late and others come first. */
  ask(peer: ReplicatorPeer, index: number): boolean {
    if (this.late.has(peer)) return false
    const request = peer._makeRequest(true, 0, index + 1)
    if (request === null) return false
    this.note(request)
    this.endShort = Pace.of(peer.stream).asksShort()
    peer._send(request)
    return true
  }

  /** To be called with every answered request, before the answer is checked. */
  answered(request: SentRequest): void {
    if (request === this.asked?.request) this.note(undefined)
  }

  /**
   * Gives up the request of a peer that is late with the proof, so that others can be asked. To be called in equal
   * pauses.
   * @param timeLeft milliseconds until the block that a peer sends now is here; undefined: nothing comes
   * @returns the request to cancel
   */
  look(timeLeft: (peer: ReplicatorPeer) => number | undefined): SentRequest | undefined {
    const request = [...this.core.core.replicator._inflight].find(({ upgrade }) => upgrade !== null)
    if (request !== this.asked?.request) this.note(request)
    const { asked } = this
    if (asked === undefined || !this.isAwaited(asked.request)) return undefined
    const { peer, block } = asked.request
    const trips = (ROUND_TRIPS * Pace.of(peer.stream).roundTrip) / this.lookEvery
    if (++asked.looks <= Math.max(this.patience, trips)) return undefined
    const others = this.candidates().filter(other => other !== peer)
    if (others.length === 0) return undefined
    if (block !== null && (timeLeft(peer) ?? Number.POSITIVE_INFINITY) < SOON) return undefined
    if (others.every(other => this.late.has(other))) {
      this.late.clear()
      this.patience = Math.min(MOST_LOOKS, 2 * this.patience)
    }
    this.late.add(peer)
    this.note(undefined)
    return asked.request
  }

  private note(request: SentRequest | undefined): void {
    this.endShort?.()
    this.endShort = undefined
    this.asked = request === undefined ? undefined : { request, looks: 0 }
  }

  /** Whether a block is wanted that can only come with the proof or after it. */
  private isAwaited({ block }: SentRequest): boolean {
    const { length } = this.core
    if (block !== null && block.index >= length) return true
    return this.core.core.replicator._queued.some(({ queued, index }) => queued && index >= length)
  }

  /** Peers that could prove that the log is longer. */
  private candidates(): readonly ReplicatorPeer[] {
    const { length, fork } = this.core
    return this.core.core.replicator.peers.filter(
      peer =>
        peer.isActive() && peer.remoteUploading && peer.remoteFork === fork && peer.remoteLength > length,
    )
  }
}
