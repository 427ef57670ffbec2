/**
 * The network: one swarm, joined on the discovery key of every share that is served or wanted, and one link for every
 * connected peer. The DHT never sees the key that reads.
 *
 * While nobody is found for a share, `Membership.reason` says why as far as it is known, and the search is repeated
 * with growing pauses: Hyperswarm by itself looks again only after ten minutes.
 */
import type { KeyPair, NoiseStream } from '@hyperswarm/secret-stream'
import type Hypercore from 'hypercore'
import DHT from 'hyperdht'
import type Hyperswarm from 'hyperswarm'
import type { PeerDiscovery, PeerInfo } from 'hyperswarm'
import type { PeerId } from '../../common/brand'
import type { NetworkState, SearchReason } from '../../common/model'
import { Signal } from '../../common/signal'
import { readInBulk } from '../hypercore/bulkReads'
import { isConnecting, PeerSwarm } from '../hypercore/connecting'
import { makePacketRoom } from '../hypercore/packetRoom'
import { peerIdOf } from '../keys'
import type { Limits } from '../limits'
import { Bans } from './guard/bans'
import { isViolation, PeerConduct } from './guard/conduct'
import { ConnectionGate } from './guard/connectionGate'
import { PeerLink } from './link'
import { type Announced, Presence } from './presence'
import { Replication } from './replication'
import { TcpTransport } from './tcp'

/** Pauses (milliseconds) between searches while nobody is connected. */
const SEARCH_PAUSES = [2_000, 4_000, 8_000, 15_000, 30_000, 60_000]
/** After this long without one known node, the bootstrap nodes count as unreachable. */
const UNREACHABLE_AFTER = 5_000

/** Milliseconds that a name stays as it is before connected peers are told. */
const NAME_SETTLES = 1_000

export interface NetworkOptions {
  readonly keyPair: KeyPair
  /** `host:port`; the public ones when empty. */
  readonly bootstrap: readonly string[]
  readonly name: () => string
  /** Whether direct TCP is wanted; asked for every new link. */
  readonly tcp: () => boolean
  readonly isBlocked: (peer: PeerId) => boolean
  readonly limits: () => Limits
  readonly log: (line: string) => void
  /** What broke a connection: it may be that a block could not be read from the store. */
  readonly onError: (error: unknown) => void
}

export class Network {
  readonly changed = new Signal<void>()
  readonly links = new Map<string, PeerLink>()
  private readonly bans = new Bans()
  private readonly conduct = new PeerConduct(this.links, {
    offended: (link, what) => this.turnAway(link, what),
    onStoreError: error => this.options.onError(error),
  })
  private readonly gate = new ConnectionGate(
    this.links,
    link => this.conduct.isUseful(link),
    () => this.options.limits(),
    (link, why) => {
      this.options.log(`peer ${link.id} is disconnected: ${why}`)
      link.close()
    },
  )
  readonly replication = new Replication(this.conduct)
  private readonly presence = new Presence(
    () => [...this.memberships].filter(({ isStarted }) => isStarted),
    line => this.options.log(line),
  )
  private swarm: Hyperswarm | undefined
  private tcp: TcpTransport | undefined
  private starting: Promise<Hyperswarm> | undefined
  private started = 0
  private closing = false
  private telling: NodeJS.Timeout | undefined
  private readonly memberships = new Set<Membership>()

  constructor(private readonly options: NetworkOptions) {}

  get state(): NetworkState {
    const dht = this.swarm?.dht
    if (dht === undefined) return { kind: 'idle' }
    if (dht.nodes.length > 0) return { kind: 'online', firewalled: dht.firewalled }
    if (performance.now() - this.started < UNREACHABLE_AFTER) return { kind: 'connecting' }
    return { kind: 'unreachable', bootstrap: this.bootstrapNodes() }
  }

  /** Announces and looks up a share's topic until the membership is closed. The first one starts the swarm. */
  join(path: Hypercore): Membership {
    const membership = new Membership(path, this.options.log, () => this.state)
    this.memberships.add(membership)
    membership.closed.on(() => this.memberships.delete(membership))
    membership.changed.on(() => this.changed.emit())
    this.start().then(
      swarm => membership.start(swarm),
      error => this.options.log(`the network could not be started: ${String(error)}`),
    )
    return membership
  }

  /** Looks for peers of everything, now. */
  refresh(): void {
    for (const membership of this.memberships) membership.search()
  }

  disconnect(peer: PeerId): void {
    for (const link of this.links.values()) if (link.id === peer) link.close()
  }

  /** Lets a peer connect again that the firewall turned away. */
  unban(peer: PeerId): void {
    this.bans.forgive(peer)
    this.welcomeAgain(peer)
  }

  private welcomeAgain(peer: PeerId): void {
    for (const info of this.swarm?.peers.values() ?? [])
      if (peerIdOf(info.publicKey) === peer) info.ban(false)
  }

  /** The number of connections changed: concerns connections made from now on. */
  limitsChanged(): void {
    if (this.swarm !== undefined) this.swarm.maxPeers = this.options.limits().connections
  }

  /** Direct TCP was switched on or off: concerns connections made from now on. */
  async tcpChanged(): Promise<void> {
    if (this.starting === undefined) return
    await this.starting
    await this.listen()
  }

  /** Tells connected peers the name of this installation, once it has stayed for a moment: it may be being typed. */
  nameChanged(): void {
    clearTimeout(this.telling)
    this.telling = setTimeout(() => {
      for (const link of this.links.values()) link.tellName()
    }, NAME_SETTLES).unref()
  }

  async close(): Promise<void> {
    clearTimeout(this.telling)
    for (const membership of [...this.memberships]) membership.close()
    this.conduct.close()
    this.presence.close()
    this.closing = true
    const swarm = await this.starting?.catch(() => undefined)
    for (const link of this.links.values()) link.close()
    await this.tcp?.close()
    await swarm?.destroy()
  }

  private start(): Promise<Hyperswarm> {
    this.starting ??= this.open()
    return this.starting
  }

  private async open(): Promise<Hyperswarm> {
    const { keyPair, bootstrap } = this.options
    this.started = performance.now()
    // Without TCP everything works, only slower.
    await this.listen().catch(error => this.options.log(`TCP cannot be used: ${String(error)}`))
    const dht = new DHT(bootstrap.length > 0 ? { bootstrap } : {})
    readInBulk(dht)
    const firewall = (key: Buffer) => this.isUnwelcome(peerIdOf(key))
    const swarm = new PeerSwarm({ keyPair, dht, maxPeers: this.options.limits().connections, firewall })
    swarm.on('connection', (stream: NoiseStream, info: PeerInfo) => this.onConnection(stream, info))
    swarm.on('update', () => this.changed.emit())
    this.swarm = swarm
    this.presence.start(swarm)
    // No event comes when nobody answers.
    setTimeout(() => this.changed.emit(), UNREACHABLE_AFTER + 100).unref()
    return swarm
  }

  private isUnwelcome(peer: PeerId): boolean {
    return this.options.isBlocked(peer) || this.bans.isBanned(peer)
  }

  private async listen(): Promise<void> {
    if (!this.options.tcp() || this.tcp !== undefined || this.closing) return
    const tcp = await TcpTransport.listen(this.options.keyPair, stream => this.onTcp(stream))
    if (this.tcp === undefined && !this.closing) this.tcp = tcp
    else await tcp.close()
  }

  private onConnection(stream: NoiseStream, info: PeerInfo): void {
    const refusal = this.gate.refusal(stream)
    if (refusal !== undefined) {
      stream.on('error', ignoreRefused)
      stream.destroy()
      this.options.log(`a connection was refused: ${refusal}`)
      return
    }
    const link = new PeerLink(stream, {
      name: this.options.name,
      tcp: this.options.tcp() ? this.tcp : undefined,
      ownAddress: () => this.swarm?.dht.host ?? null,
      streams: () => this.swarm?.dht.rawStreams ?? [],
    })
    this.links.get(link.key)?.close()
    this.links.set(link.key, link)
    const shares = this.replication.add(link)
    for (const topic of info.topics) this.replication.announces(link, topic)
    const onTopic = (topic: Buffer) => this.replication.announces(link, topic)
    info.on('topic', onTopic)
    link.addressChanged.on(() => this.gate.located(link))
    link.misbehaved.on(what => this.turnAway(link, what))
    link.broke.on(error => {
      this.options.log(`peer ${link.id}: ${error.message}`)
      this.options.onError(error)
      if (isViolation(error)) this.turnAway(link, `its messages were malformed (${error.message})`)
    })
    stream.once('close', () => {
      if (this.links.get(link.key) === link) this.links.delete(link.key)
      this.replication.remove(link)
      info.off('topic', onTopic)
      link.close()
      this.options.log(`peer ${link.id} disconnected`)
      this.changed.emit()
    })
    link.changed.on(() => this.changed.emit())
    makePacketRoom(stream.rawStream)
    link.open(shares)
    this.options.log(`peer ${link.id} connected`)
    this.changed.emit()
  }

  /** Closes the connection and refuses the next ones for a while. */
  private turnAway(link: PeerLink, what: string): void {
    if (this.bans.isBanned(link.id)) return
    const time = this.bans.ban(link.id)
    this.options.log(`peer ${link.id} is turned away for ${Math.round(time / 1_000)} s: ${what}`)
    setTimeout(() => {
      if (!this.isUnwelcome(link.id)) this.welcomeAgain(link.id)
    }, time + 100).unref()
    link.close()
  }

  private onTcp(stream: NoiseStream): void {
    const link = this.links.get(stream.remotePublicKey.toString('hex'))
    if (link === undefined) stream.destroy()
    else link.adoptTcp(stream)
  }

  private bootstrapNodes(): string[] {
    const { bootstrap } = this.options
    return bootstrap.length > 0 ? [...bootstrap] : DHT.BOOTSTRAP.map(({ host, port }) => `${host}:${port}`)
  }
}

/** A refused connection is closed at once: its errors concern nobody. */
function ignoreRefused(): void {}

/** One share's place in the swarm. */
export class Membership implements Announced {
  readonly changed = new Signal<void>()
  readonly closed = new Signal<void>()
  private swarm: Hyperswarm | undefined
  private discovery: PeerDiscovery | undefined
  private searches = 0
  private timer: NodeJS.Timeout | undefined
  private announcers: number | undefined
  private isClosed = false
  private firstSearch: () => void = () => {}
  private firstSearchOnline: () => void = () => {}
  private firstAnnounce: () => void = () => {}
  /** Resolves when the network has been asked once and nobody it named is still being connected to. */
  readonly asked = new Promise<void>(resolve => {
    this.firstSearch = resolve
  })
  /** As `asked`, but the network was online, however long that takes. */
  readonly askedOnline = new Promise<void>(resolve => {
    this.firstSearchOnline = resolve
  })
  /** Resolves when others can find this machine as one that has the share, or when announcing failed or was ended. */
  readonly announced = new Promise<void>(resolve => {
    this.firstAnnounce = resolve
  })

  constructor(
    private readonly path: Hypercore,
    private readonly log: (line: string) => void,
    private readonly network: () => NetworkState,
  ) {}

  start(swarm: Hyperswarm): void {
    if (this.isClosed) return
    this.swarm = swarm
    // Hyperswarm announces before it looks for others, which takes several round trips. A reader looks for them first.
    const isOwn = this.path.writable
    const discovery = swarm.join(this.path.discoveryKey, { client: true, server: isOwn })
    this.discovery = discovery
    if (!isOwn) swarm.listen().catch(error => this.log(`listening failed: ${String(error)}`))
    const announced = isOwn
      ? discovery.flushed()
      : discovery.flushed().then(() => {
          if (!this.isClosed) return discovery.refresh({ client: true, server: true })
        })
    announced
      .finally(this.firstAnnounce)
      .then(() => {
        // Peers that came at the same moment found only the sharer. Announcing again finds the others.
        setImmediate(() => this.announce())
        return swarm.flush()
      })
      .catch(error => this.log(`the first search failed: ${String(error)}`))
      .finally(() => {
        this.searched()
        this.plan()
      })
  }

  get topic(): Buffer {
    return this.path.discoveryKey
  }

  /** Announced, or about to be. */
  get isStarted(): boolean {
    return this.discovery !== undefined
  }

  announce(): void {
    this.discovery
      ?.refresh({ client: true, server: true })
      .catch(error => this.log(`announcing failed: ${String(error)}`))
  }

  private searched(): void {
    this.firstSearch()
    if (this.network().kind === 'online') this.firstSearchOnline()
  }

  /** Whether anybody who has this share is connected. */
  get connected(): boolean {
    return this.path.peers.some(peer => peer.remoteOpened)
  }

  /** Public keys (hex) of peers that announce this share, and whose first connection is under way or about to be. */
  get coming(): string[] {
    const { swarm } = this
    if (swarm === undefined) return []
    const coming: string[] = []
    for (const [key, { publicKey, topics, banned, attempts, queued }] of swarm.peers) {
      if (banned || attempts > 0 || !topics.some(topic => topic.equals(this.topic))) continue
      if (queued || isConnecting(swarm, publicKey)) coming.push(key)
    }
    return coming
  }

  /** Why nobody is connected, as far as is known. */
  get reason(): SearchReason {
    const network = this.network()
    if (network.kind === 'unreachable') return 'bootstrap-unreachable'
    if (this.path.peers.length > 0) return 'no-answer'
    if (this.announcers === undefined) return 'just-started'
    return this.announcers === 0 ? 'nobody-announces' : 'cannot-connect'
  }

  /** Looks for peers now, and again with growing pauses while there are none. */
  search(): void {
    this.searches = 0
    clearTimeout(this.timer)
    this.searchOnce()
  }

  /** Looks for peers once more; resolves when all that were found are connected or cannot be, or the search failed. */
  searchAgain(): Promise<void> {
    return this.look().catch(error => this.log(`a search failed: ${String(error)}`))
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    clearTimeout(this.timer)
    this.firstSearch()
    this.firstSearchOnline()
    this.firstAnnounce()
    this.closed.emit()
    this.discovery?.destroy().catch(error => this.log(`leaving failed: ${String(error)}`))
  }

  private plan(): void {
    if (this.isClosed) return
    clearTimeout(this.timer)
    const pause = SEARCH_PAUSES[Math.min(this.searches++, SEARCH_PAUSES.length - 1)] ?? 60_000
    this.timer = setTimeout(() => this.searchOnce(), pause)
    this.timer.unref()
  }

  private async look(): Promise<void> {
    await this.discovery?.refresh({ client: true, server: true })
    await this.swarm?.flush()
  }

  private searchOnce(): void {
    if (this.isClosed || this.swarm === undefined || this.discovery === undefined) return
    if (this.connected) {
      this.searched()
      this.searches = 0
      this.plan()
      return
    }
    Promise.all([this.look(), this.countAnnouncers(this.swarm)])
      .then(() => this.searched())
      .catch(error => this.log(`a search failed: ${String(error)}`))
      .finally(() => this.plan())
  }

  private async countAnnouncers(swarm: Hyperswarm): Promise<void> {
    const own = swarm.keyPair.publicKey
    const found = new Set<string>()
    for await (const { peers } of swarm.dht.lookup(this.path.discoveryKey)) {
      for (const { publicKey } of peers) if (!publicKey.equals(own)) found.add(publicKey.toString('hex'))
    }
    this.announcers = found.size
    this.changed.emit()
  }
}
