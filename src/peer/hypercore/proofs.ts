/**
 * Proofs of the length of a log: which peer is asked for one, and what peers say of their own length.
 *
 * Read in hypercore 11.39.5: `_upgrade`, `_cancelRequest`, `updatePeer`, `onsync` and `eagerUpgrade` of
 * lib/replicator.js.
 */
import type Hypercore from 'hypercore'
import type { ReplicatorPeer } from 'hypercore'

/** An open request for a proof. */
export type ProofRequest = NonNullable<Hypercore['core']['replicator']['_upgrade']>['inflight'][number]

/** The open request, if any. Hypercore asks one peer at a time. */
export function proofRequest({ core }: Hypercore): ProofRequest | undefined {
  return core.replicator._upgrade?.inflight[0]
}

/** Asks another peer instead of the one that was asked. */
export function askForProof({ core }: Hypercore, instead: ProofRequest, peer: ReplicatorPeer): void {
  instead.peer._cancelRequest(instead)
  core.replicator.updatePeer(peer)
}

/** Sets whether a proof is asked for as soon as a peer tells a greater length. */
export function setEager({ core }: Hypercore, isEager: boolean): void {
  core.replicator.eagerUpgrade = isEager
}

/** Calls `told` when a peer tells its length. Hypercore emits no event for that. */
export function onTold(peer: ReplicatorPeer, told: () => void): void {
  const { onsync } = peer
  peer.onsync = async message => {
    const { remoteSynced, remoteLength } = peer
    const done = onsync.call(peer, message)
    if (!remoteSynced || peer.remoteLength !== remoteLength) told()
    await done
  }
}
