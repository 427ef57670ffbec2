/**
 * In which order a peer is asked for blocks that wait.
 *
 * Blocks that somebody waits for come first, as they were asked for. A copy is more patient: any of the blocks that it
 * asked for ahead will do. While all who have some have the same, they come in order, so that files grow from their
 * start; a peer that is slow, or may be, is asked for the last one, since what was asked for ahead runs out when the
 * first one does not come. When others fetch them as well, the rarest come first. Among equals each receiver begins elsewhere: for every
 * block a lot is drawn among those who lack it, by a hash of their keys and the block that all of them can compute. So
 * two hardly ever ask the sharer for the same one. They do that from the moment on at which the sharer says that others
 * come for the same (crowd.ts), before they have met. Who has all that fell to it waits for what the others will have, and
 * asks the sharer for one of theirs only when it has waited, beginning with those for which it drew second.
 *
 * Read in hypercore 11.39.5: `_queued` of lib/replicator.js, `_maybeWant` and `_remoteHasBlock`.
 */
import type Hypercore from 'hypercore'
import type { ReplicatorPeer, WantedBlock } from 'hypercore'
import { isCrowded } from './crowd'

/** This many of the blocks that wait are compared. */
const COMPARED = 256

/** Who may ask for the same blocks, as a number. */
type Name = number

interface Ranked {
  readonly block: WantedBlock
  /** How many have it. */
  readonly owners: number
  readonly turn: number
}

export interface Choice {
  /** Only what somebody waits for. */
  readonly isUrgent: boolean
  /** Others were waited for long enough: what they would fetch may be asked for. */
  readonly isWaiting: boolean
  /** The peer takes long for a block, or may do so. */
  readonly isSlow: boolean
}

export class Order {
  private readonly patient = new Set<number>()
  private readonly names = new WeakMap<Buffer, Name>()

  /** @param isFellow whether a peer that lacks some of what is wanted fetches it as well */
  constructor(
    private readonly core: Hypercore,
    private readonly isFellow: (peer: ReplicatorPeer) => boolean,
  ) {}

  setPatient(index: number, isPatient: boolean): void {
    if (isPatient) this.patient.add(index)
    else this.patient.delete(index)
  }

  /** Whether any other block that was asked for will do as well. */
  isPatient(index: number): boolean {
    return this.patient.has(index)
  }

  /**
   * What a peer may be asked for, best first.
   * @param isUsable whether it should be asked for a block that it has
   */
  choose(
    peer: ReplicatorPeer,
    isUsable: (block: number) => boolean,
    { isUrgent, isWaiting, isSlow }: Choice,
  ): readonly WantedBlock[] {
    const found: WantedBlock[] = []
    for (const block of this.waiting()) {
      if (isUrgent && this.patient.has(block.index)) continue
      if (!peer._remoteHasBlock(block.index)) peer._maybeWant(block.index, block)
      else if (isUsable(block.index)) {
        if (!this.patient.has(block.index)) return [block]
        found.push(block)
      }
    }
    if (found.length === 0) return found
    const crowd = this.crowdFor(found)
    if (crowd.length > 0 || isCrowded(peer.stream)) return this.ranked(found, peer, crowd, isWaiting)
    if (this.core.core.replicator.peers.length < 2) return found
    return found.sort((a, b) => (isSlow ? b.index - a.index : a.index - b.index))
  }

  /** Whether others fetch what is wanted as well, and a peer is none of them: it has all of it. */
  isSharerOfCrowd(peer: ReplicatorPeer, wanted: Iterable<WantedBlock>): boolean {
    const crowd = this.crowdFor([...wanted])
    return crowd.length > 0 && !crowd.includes(peer)
  }

  /** Who fetches some of the blocks as well. */
  private crowdFor(blocks: readonly WantedBlock[]): readonly ReplicatorPeer[] {
    return this.core.core.replicator.peers.filter(
      peer => this.isFellow(peer) && blocks.some(({ index }) => !peer._remoteHasBlock(index)),
    )
  }

  /** Those that still wait; others are forgotten. */
  private waiting(): readonly WantedBlock[] {
    const { _queued: queued } = this.core.core.replicator
    let kept = 0
    let at = 0
    for (; at < queued.length && kept < COMPARED; at++) {
      const block = queued[at]
      if (block?.queued) queued[kept++] = block
    }
    queued.splice(kept, at - kept)
    return queued.slice(0, kept)
  }

  /** @param crowd who fetches some of the blocks as well */
  private ranked(
    blocks: readonly WantedBlock[],
    peer: ReplicatorPeer,
    crowd: readonly ReplicatorPeer[],
    isWaiting: boolean,
  ): readonly WantedBlock[] {
    const me = this.nameOf(peer.stream.publicKey)
    const isSharer = !crowd.includes(peer)
    const free: Ranked[] = []
    const ofOthers: Ranked[] = []
    for (const block of blocks) {
      const { index } = block
      const own = drawn(me, index)
      const lots = crowd
        .filter(other => !other._remoteHasBlock(index))
        .map(other => drawn(this.nameOf(other.stream.remotePublicKey), index))
      const owners = this.core.core.replicator.peers.filter(other => other._remoteHasBlock(index)).length
      const isOfOthers = isSharer && (lots.length < crowd.length || lots.some(lot => lot > own))
      if (isOfOthers) ofOthers.push({ block, owners, turn: lots.filter(lot => lot > own).length - own })
      else free.push({ block, owners, turn: -own })
    }
    const best = free.length > 0 || !isWaiting ? free : ofOthers
    return best.sort((a, b) => a.owners - b.owners || a.turn - b.turn).map(({ block }) => block)
  }

  private nameOf(key: Buffer): Name {
    let name = this.names.get(key)
    if (name === undefined) {
      name = key.readUInt32LE(0)
      this.names.set(key, name)
    }
    return name
  }
}

/** From 0 to 1, the same wherever it is asked: as if drawn by lot. */
function drawn(name: Name, block: number): number {
  let hash = Math.imul(name ^ block, 0x9e3779b1)
  hash = Math.imul(hash ^ (hash >>> 15) ^ Math.imul(block, 0x85ebca6b), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 0x1_0000_0000
}
