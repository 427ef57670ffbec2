/**
 * Sends a secret that every Hypercore peer repeats: the number of a request. So other Hyperdrive clients, and
 * versions of Peerfold that know no challenge, prove their addresses too (provenAddress.ts). The request is for a
 * fork that does not exist. The answer says that there is nothing, with the same number.
 *
 * Read in hypercore 11.39.5: `_handleRequest` and `_fulfillRequest` of lib/replicator.js.
 */
import { randomInt } from 'node:crypto'
import type { ReplicatorPeer } from 'hypercore'

/** Far above the numbers Hypercore itself uses, which count from 1. */
const LOWEST = 2 ** 40
const HIGHEST = LOWEST + 2 ** 48 - 1
const NO_FORK = 2 ** 32 - 1

/** Must be called as soon as the peer is added. @param repeated called when it has answered */
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
