/**
 * Which logs are replicated over which streams: a served log over the current stream of each link whose peer has shown
 * to know it, and nothing else. A log that is merely in the store (a stopped share) is served to nobody, and nobody
 * hears of a share that it does not know already.
 *
 * A peer shows that it knows a share
 * - by a token that only the share's key makes (shareTokens.ts): the usual case between two Peerfolds,
 * - by asking for a log of it: other Hyperdrive clients, and Peerfolds before tokens,
 * - by having announced its topic: asking such a peer for the path log tells nobody anything new.
 * The log of content follows when the peer has proven to know the key of the path log.
 *
 * When another stream of a link takes over, answers to requests over the former one still come (handover.ts).
 */

import type { NoiseStream } from '@hyperswarm/secret-stream'
import b4a from 'b4a'
import Hypercore, { type ReplicatorPeer } from 'hypercore'
import { attach, detach } from '../hypercore/attachment'
import { askToRepeat } from '../hypercore/echo'
import { FirstBlocks } from '../hypercore/firstBlocks'
import { Handover } from '../hypercore/handover'
import { schedule } from '../hypercore/scheduling'
import { Turns } from '../hypercore/turns'
import type { PeerConduct } from './guard/conduct'
import { placeOf } from './guard/provenAddress'
import type { PeerLink, ToldShares } from './link'
import { MAX_PROOFS, OwnerProofs, writeProofs } from './ownerProofs'
import { shareToken, writeTokens } from './shareTokens'

interface Served {
  readonly core: Hypercore
  /** The path log of the same share, where this is the log of content. */
  readonly paths: Hypercore | undefined
  /** The blocks that a peer with nothing of the log needs first. */
  readonly first: () => readonly number[]
  readonly firstBlocks: FirstBlocks
  readonly stop: () => void
}

/** What is known of a peer, as long as it is connected. Logs are named by their discovery keys (hex). */
interface Acquaintance {
  /** Topics that it announces. */
  readonly announced: Set<string>
  /** Logs whose key it has proven to know. */
  readonly proven: Set<string>
  /** Tokens that it sent, by which shares that are served later are recognised. */
  readonly tokens: Set<string>
  /** Tokens of shares of which it has nothing yet. */
  readonly begins: Set<string>
  /** Logs whose first blocks it was given. */
  readonly begun: Set<string>
  /** Path logs it was sent tokens of. */
  readonly told: Set<string>
  /** Own path logs it was sent proofs of. */
  readonly toldOwner: Set<string>
  /** What it proves to own. */
  readonly owner: OwnerProofs
}

/** Tokens of one peer that are kept. */
const MAX_KEPT = 1_024
/** Shares that one message names as those of which nothing is here, at most. */
const MAX_BEGINS = 8

export class Replication {
  private readonly served = new Map<string, Served>()
  private readonly links = new Map<PeerLink, Acquaintance>()
  /** The peers that were told that nothing is here of a share, by the discovery key (hex) of its path log. */
  private readonly begins = new Map<string, Set<PeerLink>>()
  private telling: NodeJS.Timeout | undefined
  private readonly handover = new Handover()
  private readonly accepted = new WeakMap<NoiseStream, PeerLink>()
  private readonly turns = new Turns(({ stream }) => this.accepted.get(stream)?.delivered)

  constructor(private readonly conduct: PeerConduct) {}

  /**
   * Replicates a log over all links whose peers know it, present and future, until `withdraw`.
   * @param paths the path log of the same share, where this is the log of content
   * @param first the blocks that a peer with nothing of the log needs first
   */
  serve(core: Hypercore, paths: Hypercore | undefined, first: () => readonly number[]): void {
    const id = idOf(core)
    if (this.served.has(id)) return
    const onPeer = (peer: ReplicatorPeer) => this.onPeer(core, peer)
    core.on('peer-add', onPeer)
    const endTurns = this.turns.of(core)
    const asked = () => [...(this.begins.get(idOf(paths ?? core)) ?? [])]
    const firstBlocks = new FirstBlocks(core, ({ stream }) =>
      asked().some(link => link.carried.all.includes(stream)),
    )
    const stop = () => {
      core.off('peer-add', onPeer)
      endTurns()
      firstBlocks.close()
    }
    const served: Served = { core, paths, first, firstBlocks, stop }
    this.served.set(id, served)
    this.conduct.watch(core)
    schedule(core)
    for (const [link, known] of this.links) {
      if (paths === undefined && this.recognise(core, link, known.tokens)) known.proven.add(id)
      this.offer(served, link)
    }
    if (paths !== undefined) return
    // Several shares that come together are told in one message.
    this.telling ??= setTimeout(() => {
      this.telling = undefined
      for (const link of this.links.keys()) {
        this.tellShares(link)
        this.tellOwner(link)
      }
    }, 0)
  }

  /** Whether a peer has proven that the share with this path log is its own. */
  owns(link: PeerLink, path: Hypercore): boolean {
    return this.links.get(link)?.owner.owns(path, link.udx) ?? false
  }

  withdraw(core: Hypercore): void {
    const id = idOf(core)
    const served = this.served.get(id)
    if (served === undefined) return
    this.served.delete(id)
    this.begins.delete(id)
    served.stop()
    for (const link of this.links.keys()) for (const stream of link.carried.all) detach(core, stream)
    this.conduct.unwatch(core)
  }

  /** @returns what its hello tells of shares */
  add(link: PeerLink): ToldShares {
    const paths = this.pathLogs()
    this.links.set(link, {
      announced: new Set(),
      proven: new Set(),
      tokens: new Set(),
      begins: new Set(),
      begun: new Set(),
      told: new Set(paths.map(idOf)),
      toldOwner: new Set(),
      owner: new OwnerProofs(),
    })
    this.accept(link, link.udx)
    link.sharesTold.on(tokens => this.onTokens(link, tokens))
    link.beginsTold.on(tokens => this.onBegins(link, tokens))
    link.ownerTold.on(proofs => this.links.get(link)?.owner.add(proofs))
    link.carried.changed.on(({ from, to }) => {
      this.accept(link, to)
      for (const served of this.served.values()) {
        this.handover.takeBack(served.core, to)
        this.offer(served, link)
      }
      if (from === undefined || from.destroyed) return
      for (const { core } of this.served.values()) {
        // TCP is left where it is slow: what was asked for over it is asked for again.
        if (from !== link.udx) detach(core, from)
        else this.handover.leave(core, from, () => link.carried.current !== from && detach(core, from))
      }
    })
    return this.toTell(paths, link)
  }

  remove(link: PeerLink): void {
    this.links.delete(link)
    for (const asked of this.begins.values()) asked.delete(link)
  }

  /** A peer was found to announce a topic. */
  announces(link: PeerLink, topic: Buffer): void {
    const id = b4a.toString(topic, 'hex')
    this.links.get(link)?.announced.add(id)
    const served = this.served.get(id)
    if (served !== undefined) this.offer(served, link)
  }

  private onTokens(link: PeerLink, tokens: ReadonlySet<string>): void {
    const known = this.links.get(link)
    if (known === undefined) return
    for (const core of this.pathLogs()) if (this.recognise(core, link, tokens)) this.prove(link, core)
    for (const token of tokens) if (known.tokens.size < MAX_KEPT) known.tokens.add(token)
    this.tellShares(link)
    this.tellOwner(link)
  }

  private recognise(core: Hypercore, link: PeerLink, tokens: ReadonlySet<string>): boolean {
    return tokens.size > 0 && tokens.has(shareToken(core, link.udx, false))
  }

  /** Tells a peer of the shares that came since it was last told. */
  private tellShares(link: PeerLink): void {
    const known = this.links.get(link)
    const untold = this.pathLogs().filter(core => known?.told.has(idOf(core)) === false)
    if (untold.length === 0 || !link.tellShares(this.toTell(untold, link))) return
    for (const core of untold) known?.told.add(idOf(core))
  }

  /** Peers are told that nothing is here of a share until one of them knows it: two would give the same blocks. */
  private toTell(paths: readonly Hypercore[], link: PeerLink): ToldShares {
    const begins = paths.filter(core => core.length === 0 && !this.isGiven(idOf(core))).slice(-MAX_BEGINS)
    for (const core of begins) {
      const asked = this.begins.get(idOf(core)) ?? new Set()
      this.begins.set(idOf(core), asked.add(link))
    }
    return { shares: writeTokens(paths, link.udx), begins: writeTokens(begins, link.udx) }
  }

  /** Whether a peer that knows the share was told that nothing of it is here. */
  private isGiven(id: string): boolean {
    return [...(this.begins.get(id) ?? [])].some(link => this.links.get(link)?.proven.has(id))
  }

  private onBegins(link: PeerLink, tokens: ReadonlySet<string>): void {
    const known = this.links.get(link)
    if (known === undefined) return
    for (const token of tokens) if (known.begins.size < MAX_KEPT) known.begins.add(token)
    for (const { core } of this.served.values())
      for (const peer of core.peers) if (peer.stream === link.udx) this.begin(core, peer, link)
  }

  /** Gives a peer that has nothing of a log what it needs first, once, when it has proven to know the log. */
  private begin(core: Hypercore, peer: ReplicatorPeer, link: PeerLink): void {
    const id = idOf(core)
    const known = this.links.get(link)
    const served = this.served.get(id)
    if (known === undefined || served === undefined || known.begins.size === 0 || known.begun.has(id)) return
    if (!known.begins.has(shareToken(served.paths ?? core, link.udx, false))) return
    known.begun.add(id)
    served.firstBlocks.give(peer, served.first()).catch(() => {}) // the connection or the log was closed: nobody waits for it
  }

  /** Proves to a peer which of the shares that it knows are this machine's own. */
  private tellOwner(link: PeerLink): void {
    const known = this.links.get(link)
    const own = this.pathLogs()
      .filter(core => core.writable && known?.proven.has(idOf(core)) && !known.toldOwner.has(idOf(core)))
      .slice(0, MAX_PROOFS) // the others go with the next message
    if (own.length === 0 || !link.tellOwner(writeProofs(own, link.udx))) return
    for (const core of own) known?.toldOwner.add(idOf(core))
  }

  private pathLogs(): Hypercore[] {
    return [...this.served.values()].filter(({ paths }) => paths === undefined).map(({ core }) => core)
  }

  /** A peer has opened a log with a proof that it knows its key. */
  private onPeer(core: Hypercore, peer: ReplicatorPeer): void {
    for (const link of this.links.keys()) {
      if (!link.carried.all.includes(peer.stream)) continue
      if (peer.stream === link.udx && !link.place.isProven) {
        const place = placeOf(link.udx.rawStream)
        askToRepeat(peer, () => link.place.prove(place))
      }
      this.prove(link, core)
      this.begin(core, peer, link)
      this.tellOwner(link)
    }
  }

  private prove(link: PeerLink, core: Hypercore): void {
    this.links.get(link)?.proven.add(idOf(core))
    for (const served of this.served.values())
      if (served.core === core || served.paths === core) this.offer(served, link)
  }

  private offer(served: Served, link: PeerLink): void {
    const known = this.links.get(link)
    if (link.carried.current === undefined || known === undefined) return
    const id = idOf(served.core)
    const isKnown =
      known.proven.has(id) ||
      (served.paths === undefined ? known.announced.has(id) : known.proven.has(idOf(served.paths)))
    if (isKnown) attach(served.core, link.carried.current)
  }

  /**
   * Answers what the peer asks for over a stream. A stock client asks for its logs the moment it is connected. A
   * refusal tells it that there is nothing to wait for.
   */
  private accept(link: PeerLink, stream: NoiseStream): void {
    if (this.accepted.has(stream)) return
    this.accepted.set(stream, link)
    Hypercore.createProtocolStream(stream, {
      ondiscoverykey: async discoveryKey => {
        const served = this.served.get(b4a.toString(discoveryKey, 'hex'))
        if (served === undefined) return
        link.carried.follow(stream)
        if (link.carried.current !== stream) return
        attach(served.core, stream)
        await stream.opened // the log's channel is made by then
      },
    })
  }
}

function idOf(core: Hypercore): string {
  return b4a.toString(core.discoveryKey, 'hex')
}
