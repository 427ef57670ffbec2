/**
 * A secret that every Hypercore peer repeats, so that other Hyperdrive clients too, and Peerfolds that know no
 * challenge, prove where they are (provenAddress.ts): the number of a request. It is one for a fork that there is not,
 * to which the answer is that there is nothing, with the same number.
 *
 * Read in hypercore 11.39.5: `_handleRequest` and `_fulfillRequest` of lib/replicator.js.
 */
import { randomInt } from 'node:crypto'
import type { ReplicatorPeer } from 'hypercore'

/** Far above the numbers Hypercore itself uses, which count from 1. */
const LOWEST = 2 ** 40
const HIGHEST = LOWEST + 2 ** 48 - 1
const NO_FORK = 2 ** 32 - 1

/** Must be called as soon as the peer is there. @param repeated it has answered */
export function askToRepeat(peer: ReplicatorPeer, repeated: () => void): void {
  const secret = randomInt(LOWEST, HIGHEST)
  const { onnodata } = peer
  peer.onnodata = message => {
    if (message.request !== secret) return onnodata.call(peer, message)
    peer.onnodata = onnodata
    repeated()
  }
  const nothing = { block: null, hash: null, seek: null, upgrade: null, manifest: false }
  peer.wireRequest.send({ id: secret, fork: NO_FORK, priority: 0, ...nothing })
}
