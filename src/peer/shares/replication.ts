/**
 * A share that takes part in the network: its logs are served to every connected peer that knows its key, its topic
 * is announced, and what moves is counted, for the share and for each peer.
 */
import type Hypercore from 'hypercore'
import type { ReplicatorPeer } from 'hypercore'
import type { Rates, SearchReason } from '../../common/model'
import { Signal } from '../../common/signal'
import type { ShareDrive } from '../drive/shareDrive'
import { askWhatIsThere } from '../hypercore/haveUpdates'
import type { Membership, Network } from '../network/swarm'
import { Rate } from '../rate'
import { Hearing } from './hearing'

/**
 * A link is given out when the share can be found, since whoever gets it may look at once and give up. Where the
 * network does not answer, it is given out after this long (milliseconds) all the same.
 */
const ANNOUNCE_WITHIN = 3_000

export class ShareReplication {
  /** Peers came or went, or the reason for nobody being there changed. */
  readonly changed = new Signal<void>()
  /** The path log got longer, here or elsewhere. */
  readonly appended = new Signal<void>()
  /** Two histories were signed with the key of one of the logs; Hypercore has closed it. */
  readonly forked = new Signal<void>()
  /** This many bytes came, of the log of paths or of content. */
  readonly came = new Signal<number>()
  /** Bytes of content moved. */
  readonly moved = new Signal<void>()
  readonly down = new Rate()
  readonly up = new Rate()
  readonly membership: Membership
  readonly hearing: Hearing
  private readonly stops: (() => void)[] = []
  private left = false

  constructor(
    private readonly drive: ShareDrive,
    private readonly network: Network,
  ) {
    const { paths } = drive
    this.membership = network.join(paths)
    this.hearing = new Hearing(paths, this.membership, network)
    this.stops.push(this.membership.changed.on(() => this.changed.emit()))
    let shown = 0
    let wasUnheard = false
    const showParts = () => {
      const { length } = this.peerKeys()
      const { isUnheard } = this.hearing
      if (length !== shown || isUnheard !== wasUnheard) this.changed.emit()
      shown = length
      wasUnheard = isUnheard
    }
    this.stops.push(this.hearing.changed.on(showParts))
    for (const event of ['append', 'truncate']) this.listen(paths, event, () => this.appended.emit())
    for (const event of ['peer-add', 'peer-remove']) this.listen(paths, event, () => this.changed.emit())
    this.serve(paths, false)
    drive.bytesReady().then(
      bytes => {
        if (!this.left) this.serve(bytes, true)
      },
      () => {}, // closed before the first block of the path log came
    )
  }

  /** Connected peers that know this share, whether they have anything of it or not. */
  get peers(): number {
    return new Set(this.drive.paths.peers.filter(peer => peer.remoteOpened).map(keyOf)).size
  }

  get reason(): SearchReason {
    return this.membership.reason
  }

  get rates(): Rates {
    return { down: this.down.value, up: this.up.value }
  }

  /** Keys (hex) of the peers that can give something of this share to this machine, or take it from here. */
  peerKeys(): string[] {
    return [...new Set(this.drive.paths.peers.filter(peer => this.hasPart(peer)).map(keyOf))]
  }

  /** While nothing is here, a peer that has nothing either does not count: it waits for the same. */
  private hasPart({ remoteOpened, remoteSynced, remoteLength }: ReplicatorPeer): boolean {
    return remoteOpened && (this.drive.paths.length > 0 || !remoteSynced || remoteLength > 0)
  }

  /** Resolves when others can find this share here, or when the network has had time enough. */
  async announced(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const enough = new Promise<void>(resolve => {
      timer = setTimeout(resolve, ANNOUNCE_WITHIN)
    })
    await Promise.race([this.membership.announced, enough])
    clearTimeout(timer)
  }

  leave(): void {
    if (this.left) return
    this.left = true
    for (const stop of this.stops) stop()
    this.hearing.close()
    this.network.replication.withdraw(this.drive.paths)
    if (this.drive.bytes !== undefined) this.network.replication.withdraw(this.drive.bytes)
    this.membership.close()
  }

  private serve(core: Hypercore, isContent: boolean): void {
    const { drive } = this
    const first = () => (isContent ? drive.firstOfBytes : drive.firstOfPaths)
    this.network.replication.serve(core, isContent ? drive.paths : undefined, first)
    if (isContent) {
      for (const peer of core.peers) askWhatIsThere(core, peer)
      const onPeer = (peer: ReplicatorPeer) => askWhatIsThere(core, peer)
      core.on('peer-add', onPeer)
      this.stops.push(() => core.off('peer-add', onPeer))
    }
    this.listen(core, 'conflict', () => this.forked.emit())
    this.listen(core, 'download', (_index, bytes, peer) => {
      if (isContent) this.down.add(bytes)
      this.came.emit(bytes)
      this.moved.emit()
      this.network.links.get(keyOf(peer))?.down.add(bytes)
    })
    this.listen(core, 'upload', (_index, bytes, peer) => {
      if (isContent) this.up.add(bytes)
      this.moved.emit()
      this.network.links.get(keyOf(peer))?.up.add(bytes)
    })
  }

  private listen(
    core: Hypercore,
    event: string,
    listener: (index: number, bytes: number, peer: ReplicatorPeer) => void,
  ): void {
    core.on(event, listener)
    this.stops.push(() => core.off(event, listener))
  }
}

function keyOf(peer: ReplicatorPeer): string {
  return peer.stream.remotePublicKey.toString('hex')
}
