/**
 * The order in which a peer is asked for wanted blocks.
 *
 * - Urgent blocks come first, in the order in which they were asked for. Somebody waits for them.
 * - A copy is patient: any of the blocks that it asked for ahead will do.
 * - While all peers have the same blocks, patient ones are asked for in order, so that files grow from their start.
 *   A peer that is slow, or may be, is asked for the last one, because reading ahead stops when the first one does
 *   not come.
 * - When others fetch the same blocks, the rarest come first. Among equally rare ones each receiver begins
 *   elsewhere: for every block a lot is drawn among the receivers that lack it, by a hash of their keys and the
 *   block that all of them can compute. So two receivers rarely ask the sharer for the same block. This begins when
 *   the sharer says that others come for the same (crowd.ts), before the receivers have met.
 * - Once they have met, what fell to a receiver comes in order, for the same reason as with a single one.
 * - A receiver that has all blocks that fell to it waits for those that the others fetch. After a wait it asks the
 *   sharer for some of theirs too, beginning with those for which it drew second.
 *
 * Read in hypercore 11.39.5: `_queued` of lib/replicator.js, `_maybeWant` and `_remoteHasBlock`.
 */
import type Hypercore from 'hypercore'
import type { ReplicatorPeer, WantedBlock } from 'hypercore'
import { isCrowded } from './crowd'

/** How many of the waiting blocks are compared. */
const COMPARED = 256

/** A receiver, as a number. */
type Name = number

interface Ranked {
  readonly block: WantedBlock
  /** How many peers have it. */
  readonly owners: number
  readonly turn: number
}

export interface Choice {
  /** Only urgent blocks. */
  readonly isUrgent: boolean
  /** Others were waited for long enough, so blocks that fell to them may be asked for. */
  readonly isWaiting: boolean
  /** The peer takes long for a block, or may take long. */
  readonly isSlow: boolean
}

export class Order {
  private readonly patient = new Set<number>()
  private readonly names = new WeakMap<Buffer, Name>()

  /** @param isFellow whether a peer that lacks some wanted blocks is fetching them as well */
  constructor(
    private readonly core: Hypercore,
    private readonly isFellow: (peer: ReplicatorPeer) => boolean,
  ) {}

  setPatient(index: number, isPatient: boolean): void {
    if (isPatient) this.patient.add(index)
    else this.patient.delete(index)
  }

  /** Whether any other requested block will do as well. */
  isPatient(index: number): boolean {
    return this.patient.has(index)
  }

  /**
   * The blocks that a peer may be asked for, the best first.
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

  /** Whether others fetch the wanted blocks as well, and this peer is not one of them, because it has all blocks. */
  isSharerOfCrowd(peer: ReplicatorPeer, wanted: Iterable<WantedBlock>): boolean {
    const crowd = this.crowdFor([...wanted])
    return crowd.length > 0 && !crowd.includes(peer)
  }

  /** Peers that fetch some of the blocks as well. */
  private crowdFor(blocks: readonly WantedBlock[]): readonly ReplicatorPeer[] {
    return this.core.core.replicator.peers.filter(
      peer => this.isFellow(peer) && blocks.some(({ index }) => !peer._remoteHasBlock(index)),
    )
  }

  /** The blocks that still wait. Drops others from Hypercore's list. */
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

  /** @param crowd peers that fetch some of the blocks as well */
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
    // What fell to it comes in order: a reader looks only so far ahead of the first block that it lacks.
    const isInOrder = best === free && isSharer && crowd.length > 0
    return best
      .sort((a, b) => a.owners - b.owners || (isInOrder ? a.block.index - b.block.index : a.turn - b.turn))
      .map(({ block }) => block)
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

/** A lot from 0 to 1, which every peer computes alike. */
function drawn(name: Name, block: number): number {
  let hash = Math.imul(name ^ block, 0x9e3779b1)
  hash = Math.imul(hash ^ (hash >>> 15) ^ Math.imul(block, 0x85ebca6b), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 0x1_0000_0000
}
