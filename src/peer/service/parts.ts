import type { Network } from '../network/swarm'
import type { OpenedShares } from '../shares/openedShares'
import type { OwnShares } from '../shares/ownShares'
import type { StoreBudget } from '../store/budget'
import type { Copies } from '../transfers/copies'
import type { Reads } from '../transfers/reads'
import type { Transfers } from '../transfers/transfers'
import type { BlockedPeers } from './blockedPeers'
import type { PeerSettings } from './settings'

/** What the peer is built of (peer.ts), as far as clients have to do with it. */
export interface PeerParts {
  /** By which other peers know this one. */
  readonly publicKey: Uint8Array
  /** Nodes of the DHT that are asked first; none: the public ones. */
  readonly bootstrap: readonly string[]
  readonly network: Network
  readonly own: OwnShares
  readonly opened: OpenedShares
  readonly copies: Copies
  readonly transfers: Transfers
  readonly reads: Reads
  readonly settings: PeerSettings
  readonly blocked: BlockedPeers
  readonly budget: StoreBudget
}
