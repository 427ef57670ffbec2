/**
 * Which peers have told what the newest version of a share is. A connected peer that has not said how long its path log
 * is may know a newer version. So may one that announces the share and is still being connected to. An answer without
 * them would take "not heard yet" for "nothing new". A claimed length counts once it is proven, that is, when the log
 * here is that long.
 *
 * Only an owner writes. Once one has told and proven to be it, nobody can know a newer version, so nobody else is waited
 * for, nor the search. An owner who has less than is here was put back to an earlier state, and does not count.
 *
 * No peer is waited for longer than `HEAR_WITHIN`, whatever is claimed meanwhile. Those that stay silent are named.
 */
import type Hypercore from 'hypercore'
import type { ReplicatorPeer } from 'hypercore'
import type { SilentPeer } from '../../common/model'
import { Signal } from '../../common/signal'
import { hasRefused } from '../hypercore/attachment'
import { askForProof, onTold, proofRequest } from '../hypercore/proofs'
import { peerIdOf } from '../keys'
import type { Membership, Network } from '../network/swarm'

/** Milliseconds. */
export const HEAR_WITHIN = 2_000
const LOOK_EVERY = 100

/** A proof that the log is longer than `length`. */
interface ProofWanted {
  readonly length: number
  /** The question that is open, and since when. */
  request: object
  at: number
  readonly asked: Set<ReplicatorPeer>
}

export class Hearing {
  /** Somebody told, came or went. */
  readonly changed = new Signal<void>()
  /** By public key (hex): since when each has been waited for, milliseconds of `performance.now()`. */
  private readonly since = new Map<string, number>()
  private readonly stops: (() => void)[] = []
  private readonly joinedAt = performance.now()
  private hasAsked = false
  private proof: ProofWanted | undefined
  private timeIsUp: NodeJS.Timeout | undefined

  constructor(
    private readonly paths: Hypercore,
    private readonly membership: Membership,
    private readonly network: Network,
  ) {
    const changed = () => {
      this.watchTime()
      this.changed.emit()
    }
    const listen = (peer: ReplicatorPeer) => {
      onTold(peer, changed)
      changed()
    }
    for (const peer of paths.peers) onTold(peer, changed)
    const listeners = { 'peer-add': listen, 'peer-remove': changed, append: changed, truncate: changed }
    for (const [event, listener] of Object.entries(listeners)) {
      paths.on(event, listener)
      this.stops.push(() => paths.off(event, listener))
    }
    this.stops.push(network.changed.on(changed))
    void membership.asked.then(() => {
      this.hasAsked = true
      changed()
    })
  }

  /** Somebody who may know a newer version still has time to say so. */
  get isPending(): boolean {
    return this.patience > 0
  }

  /** As `isPending`, or the search for peers has only begun: for requests right after a start. */
  get isStarting(): boolean {
    const isSearching = !this.hasAsked && performance.now() - this.joinedAt < HEAR_WITHIN
    return this.isPending || (isSearching && !this.isFinal)
  }

  /** Some connected peer has told what is newest. */
  get isHeard(): boolean {
    return this.paths.peers.some(peer => this.hasTold(peer))
  }

  /** Nobody told what is newest, and nobody has time left to. */
  get isUnheard(): boolean {
    return !this.isHeard && !this.isPending
  }

  /** Peers that may know a newer version, but did not say so or could not prove it. */
  get silent(): readonly SilentPeer[] {
    return [...this.waitedFor().keys()].map(key => ({
      id: peerIdOf(Buffer.from(key, 'hex')),
      name: this.network.links.get(key)?.name ?? '',
    }))
  }

  /** Resolves when something may have changed, here or in `others`. Rejects when aborted. */
  async next(signal: AbortSignal, ...others: readonly Signal<void>[]): Promise<void> {
    const end = new AbortController()
    const either = AbortSignal.any([signal, end.signal])
    // Neither a refusal nor the end of somebody's time is an event.
    const timer = setInterval(() => {
      this.askAnother()
      this.changed.emit()
    }, LOOK_EVERY)
    try {
      await Promise.race([this.changed, ...others].map(each => each.next(either)))
    } finally {
      clearInterval(timer)
      end.abort()
    }
  }

  close(): void {
    for (const stop of this.stops) stop()
    clearTimeout(this.timeIsUp)
  }

  /** Emits `changed` when a peer's time is over, which is no event by itself. */
  private watchTime(): void {
    const { patience } = this // reading it also forgets those that have told: the next time they have all of it again
    if (this.timeIsUp !== undefined || patience === 0) return
    this.timeIsUp = setTimeout(() => {
      this.timeIsUp = undefined
      this.watchTime()
      this.changed.emit()
    }, patience)
    this.timeIsUp.unref()
  }

  /** Milliseconds until all who are waited for have had their time. */
  private get patience(): number {
    const now = performance.now()
    return Math.max(0, ...[...this.waitedFor().values()].map(since => since + HEAR_WITHIN - now))
  }

  private waitedFor(): ReadonlyMap<string, number> {
    const now = performance.now()
    const untold = this.untold()
    for (const key of this.since.keys()) if (!untold.has(key)) this.since.delete(key)
    for (const [key, from] of untold) if (!this.since.has(key)) this.since.set(key, from ?? now)
    return this.since
  }

  /** Public keys (hex) of peers that have not told, with the time since which each is connected, if known. */
  private untold(): Map<string, number | undefined> {
    const untold = new Map<string, number | undefined>()
    if (this.isFinal) return untold
    for (const key of this.membership.coming) {
      const link = this.network.links.get(key)
      if (link === undefined || !hasRefused(link.carried.current, this.paths)) untold.set(key, link?.since)
    }
    for (const peer of this.paths.peers) {
      const key = peer.stream.remotePublicKey.toString('hex')
      if (this.hasTold(peer)) untold.delete(key)
      else untold.set(key, undefined)
    }
    return untold
  }

  /**
   * Asks another peer to prove that the log is longer. Hypercore asks one peer and waits for it, even if it does not
   * answer. So every peer that claims it is asked once, in turn, and has an equal part of the time.
   */
  private askAnother(): void {
    const { length } = this.paths
    const request = proofRequest(this.paths)
    const claimants = this.paths.peers.filter(peer => peer.remoteSynced && peer.remoteLength > length)
    if (request === undefined || claimants.length < 2) return
    const now = performance.now()
    if (this.proof?.length !== length) this.proof = { length, request, at: now, asked: new Set() }
    const { proof } = this
    if (proof.request !== request) {
      proof.request = request
      proof.at = now
    }
    if (now - proof.at < HEAR_WITHIN / claimants.length) return
    proof.asked.add(request.peer)
    const next = claimants.find(peer => !proof.asked.has(peer))
    if (next === undefined) return
    askForProof(this.paths, request, next)
  }

  /** A connected owner has told what is newest, and it is here. */
  get isFinal(): boolean {
    const { replication, links } = this.network
    return this.paths.peers.some(peer => {
      if (!this.hasTold(peer) || peer.remoteLength !== this.paths.length) return false
      const link = links.get(peer.stream.remotePublicKey.toString('hex'))
      return link !== undefined && replication.owns(link, this.paths)
    })
  }

  private hasTold({ remoteSynced, remoteLength, remoteFork }: ReplicatorPeer): boolean {
    return remoteSynced && remoteLength <= this.paths.length && remoteFork <= this.paths.fork
  }
}
