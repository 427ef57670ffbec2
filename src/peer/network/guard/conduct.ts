/**
 * What is expected of a peer, and what happens to one that does otherwise: its connection is closed and it is banned
 * for a while (bans.ts), and the blocks it was asked for are asked of others. Hypercore itself detects false blocks and
 * keeps none of them, but goes on with the peer that sent them.
 *
 * Some offences are events (a block that is not of the log, requests that make no sense). Others are found by a look
 * every few seconds: silence, answers that do not come while another peer could give them, more open requests, channels
 * or unread bytes than there is use for. Time in which this process did not run (the machine slept) does not count:
 * nobody could answer in it.
 */
import type { NoiseStream } from '@hyperswarm/secret-stream'
import type Hypercore from 'hypercore'
import type { ReplicatorPeer } from 'hypercore'
import { systemCode } from '../../../common/fileErrors'
import { formatCount } from '../../../common/format'
import { boundPeer, openRequests } from '../../hypercore/messageBounds'
import { answersOf, channelsOf, owesBlocks, unreadBytes } from '../../hypercore/peerLoad'
import { PEER_LIMITS } from '../../limits'
import { receivedBytes } from '../../rate'
import type { PeerLink } from '../link'

/** Milliseconds. */
const LOOK_EVERY = 2_000
const SAY_SOMETHING_WITHIN = 30_000
/**
 * A peer that owes blocks and sends less than this many bytes a second for this long (milliseconds) does not answer.
 */
const SLOWEST = 1_024
const ANSWER_WITHIN = 10_000
const PROVE_WITHIN = 1_000
const MAX_INVALID_REQUESTS = 8
const MAX_COUNTED_BLOCKS = 20_000

/** How things stood with a peer at the last look. */
interface Answering {
  /** Milliseconds of `awake`. */
  readonly at: number
  readonly bytes: number
  /** Messages with data that came from it. */
  readonly answers: number
  /** Milliseconds in which it owed something and hardly sent. */
  readonly owed: number
}

interface Behaviour {
  invalidRequests: number
  /** How often each block was given, by log and index. */
  given: Map<string, number>
}

export interface ConductOptions {
  /** Is called with what a peer did, once or more often. */
  readonly offended: (link: PeerLink, what: string) => void
  /** Is called when what came could not be kept, which is nobody's fault. */
  readonly onStoreError: (error: unknown) => void
}

export class PeerConduct {
  /** How to stop watching each log. */
  private readonly watched = new Map<Hypercore, () => void>()
  private readonly behaviour = new WeakMap<PeerLink, Behaviour>()
  private readonly progress = new WeakMap<ReplicatorPeer, Answering>()
  /** When each link was first looked at, milliseconds of `awake`. */
  private readonly firstSeen = new WeakMap<PeerLink, number>()
  /** Milliseconds in which this process ran and looked. */
  private awake = 0
  private lastLook = performance.now()
  private timer: NodeJS.Timeout | undefined

  constructor(
    private readonly links: ReadonlyMap<string, PeerLink>,
    private readonly options: ConductOptions,
  ) {}

  /** Must be called before a log is replicated. */
  watch(core: Hypercore): void {
    if (this.watched.has(core)) return
    const listeners = {
      'peer-add': (peer: ReplicatorPeer) =>
        boundPeer(peer, core, PEER_LIMITS.openRequests, () => this.onFlood(peer)),
      'verification-error': (error: unknown, _request: unknown, _response: unknown, from: ReplicatorPeer) =>
        isFalse(error) ? this.onFalse(core, from) : this.options.onStoreError(error),
      'invalid-request': (_error: unknown, _request: unknown, from: ReplicatorPeer) => this.onInvalid(from),
      upload: (index: number, _bytes: number, peer: ReplicatorPeer) => this.onUpload(core, index, peer),
    }
    for (const [event, listener] of Object.entries(listeners)) core.on(event, listener)
    const stop = () => {
      for (const [event, listener] of Object.entries(listeners)) core.off(event, listener)
    }
    this.watched.set(core, stop)
    if (this.timer !== undefined) return
    this.lastLook = performance.now()
    this.timer = setInterval(() => this.look(), LOOK_EVERY).unref()
  }

  unwatch(core: Hypercore): void {
    this.watched.get(core)?.()
    this.watched.delete(core)
  }

  close(): void {
    clearInterval(this.timer)
    for (const stop of this.watched.values()) stop()
  }

  /** Whether a peer has opened a log that is served here. */
  isUseful(link: PeerLink): boolean {
    for (const core of this.watched.keys())
      if (core.peers.some(peer => peer.remoteOpened && link.carried.all.includes(peer.stream))) return true
    return false
  }

  private look(): void {
    const now = performance.now()
    this.awake += Math.min(now - this.lastLook, LOOK_EVERY)
    this.lastLook = now
    const spoke = new Set<NoiseStream>()
    for (const core of this.watched.keys()) {
      for (const peer of core.peers) {
        if (peer.remoteOpened) spoke.add(peer.stream)
        if (openRequests(peer) > PEER_LIMITS.openRequests) this.onFlood(peer)
        else if (this.owes(peer) && core.peers.some(other => other.remoteOpened && !isSame(other, peer)))
          this.blame(peer, 'it did not answer')
      }
    }
    for (const link of this.links.values()) {
      const isSilent = !link.greeted && !link.carried.all.some(stream => spoke.has(stream))
      const since = this.firstSeen.get(link) ?? this.awake
      this.firstSeen.set(link, since)
      if (isSilent && this.awake - since > SAY_SOMETHING_WITHIN)
        this.options.offended(link, 'it said nothing')
      for (const stream of link.carried.all) {
        if (channelsOf(stream) > PEER_LIMITS.channels)
          this.options.offended(link, 'it opened too many channels')
        if (unreadBytes(stream) > PEER_LIMITS.unreadBytes)
          this.options.offended(link, 'it asked and did not read')
      }
    }
  }

  /**
   * Whether a peer has owed us something for long and hardly sends. Readers give up and cancel their requests sooner
   * than that. A cancelled request was not answered, so its time counts on with the next one.
   */
  private owes(peer: ReplicatorPeer): boolean {
    const now = { at: this.awake, bytes: receivedBytes(peer.stream), answers: answersOf(peer) }
    const before = this.progress.get(peer) ?? { ...now, owed: 0 }
    const time = now.at - before.at
    const isFast = now.bytes - before.bytes >= (SLOWEST * time) / 1_000
    const isSettled = !owesBlocks(peer) && now.answers > before.answers
    const owed = (time > 0 && isFast) || isSettled ? 0 : before.owed + (owesBlocks(peer) ? time : 0)
    this.progress.set(peer, { ...now, owed })
    return owed > ANSWER_WITHIN
  }

  /**
   * Hypercore asks such a peer for a proof that the log has two histories. With one it closes the log: no blame then.
   */
  private onFalse(core: Hypercore, peer: ReplicatorPeer): void {
    setTimeout(() => {
      if (core.closing === null) this.blame(peer, 'it sent blocks that are not of the log')
    }, PROVE_WITHIN).unref()
  }

  private onFlood(peer: ReplicatorPeer): void {
    this.blame(peer, `it asked for more than ${formatCount(PEER_LIMITS.openRequests)} blocks at once`)
  }

  private onInvalid(peer: ReplicatorPeer): void {
    const link = this.linkOf(peer)
    if (link !== undefined && ++this.behaviourOf(link).invalidRequests >= MAX_INVALID_REQUESTS)
      this.options.offended(link, 'its requests made no sense')
  }

  private onUpload(core: Hypercore, index: number, peer: ReplicatorPeer): void {
    const link = this.linkOf(peer)
    if (link === undefined) return
    const { given } = this.behaviourOf(link)
    if (given.size > MAX_COUNTED_BLOCKS) given.clear()
    const key = `${core.id}/${index}`
    const count = (given.get(key) ?? 0) + 1
    given.set(key, count)
    if (count > PEER_LIMITS.sameBlock)
      this.options.offended(link, 'it asked for the same block again and again')
  }

  private behaviourOf(link: PeerLink): Behaviour {
    let behaviour = this.behaviour.get(link)
    if (behaviour === undefined) {
      behaviour = { invalidRequests: 0, given: new Map() }
      this.behaviour.set(link, behaviour)
    }
    return behaviour
  }

  private blame(peer: ReplicatorPeer, what: string): void {
    const link = this.linkOf(peer)
    if (link !== undefined) this.options.offended(link, what)
  }

  /** Undefined: its stream is one of a connection that the peer has replaced. */
  private linkOf(peer: ReplicatorPeer): PeerLink | undefined {
    const link = this.links.get(peer.stream.remotePublicKey.toString('hex'))
    return link?.carried.all.includes(peer.stream) ? link : undefined
  }
}

/** Whether both are streams of one peer. One of them may be dead: its machine slept, or the network was gone. */
function isSame(a: ReplicatorPeer, b: ReplicatorPeer): boolean {
  return a.stream.remotePublicKey.equals(b.stream.remotePublicKey)
}

/**
 * Whether an error says that what came is not of the log (wrong checksum, signature, proof), not that the disk failed.
 */
function isFalse(error: unknown): boolean {
  return systemCode(error)?.startsWith('INVALID_') === true
}

const BENIGN = /duplicate|destroyed|closed|premature|firewalled|decrypt|ended/i

/**
 * Whether what ended a connection was a message that no honest program sends. Connections that break by themselves
 * carry a code (ECONNRESET), or say that the stream is gone.
 */
export function isViolation(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if ('code' in error) return error.code === 'INVALID_CAPABILITY'
  return !BENIGN.test(error.message)
}
