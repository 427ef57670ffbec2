/** What everybody is told of the peer: one value, made again whenever it is asked for. */
import type { ShareId } from '../../common/brand'
import type { PeerState, RemotePeer } from '../../common/model'
import { peerIdOf } from '../keys'
import type { PeerParts } from './parts'

/** @param revision grows with every state that is told */
export function stateOf(parts: PeerParts, revision: number): PeerState {
  const { shares, network, blocked, settings, transfers } = parts
  const all = shares.all()
  return {
    revision,
    me: { id: peerIdOf(parts.publicKey), name: settings.name },
    network: network.state,
    keepRunning: settings.keepRunning,
    rates: {
      down: all.reduce((sum, share) => sum + share.rates.down, 0),
      up: all.reduce((sum, share) => sum + share.rates.up, 0),
    },
    shares: shares.published().map(({ publishing }) => publishing.state),
    opened: shares.followed().map(({ following }) => following.state),
    peers: [...connectedPeers(parts), ...blocked.states],
    transfers: transfers.states,
    live: parts.live.states,
  }
}

function connectedPeers({ shares: all, network: { links, replication } }: PeerParts): RemotePeer[] {
  const shares = new Map<string, ShareId[]>()
  const owned = new Map<string, ShareId[]>()
  for (const share of all.all()) {
    for (const key of share.replication?.peerKeys() ?? []) {
      shares.set(key, [...(shares.get(key) ?? []), share.id])
      const link = links.get(key)
      if (link !== undefined && replication.owns(link, share.drive.paths))
        owned.set(key, [...(owned.get(key) ?? []), share.id])
    }
  }
  return [...links.values()].map(link => ({
    id: link.id,
    name: link.name,
    transport: link.carried.path,
    path: link.carried.why,
    blocked: false,
    shares: shares.get(link.key) ?? [],
    owns: owned.get(link.key) ?? [],
    rates: { down: link.down.value, up: link.up.value },
    downBytes: link.down.total,
    upBytes: link.up.total,
    ...(link.address === undefined ? {} : { address: link.address }),
  }))
}
