import type { LiveCopies } from '../live/liveCopies'
import type { Network } from '../network/swarm'
import type { OpenedLinks } from '../shares/openedLinks'
import type { SharedFolders } from '../shares/sharedFolders'
import type { Shares } from '../shares/shares'
import type { StoreBudget } from '../store/budget'
import type { Copies } from '../transfers/copies'
import type { Reads } from '../transfers/reads'
import type { Transfers } from '../transfers/transfers'
import type { BlockedPeers } from './blockedPeers'
import type { PeerSettings } from './settings'

/** The parts of the peer (peer.ts) that clients have to do with. */
export interface PeerParts {
  /** The key by which other peers know this one. */
  readonly publicKey: Uint8Array
  /** Nodes of the DHT that are asked first; empty: the public ones. */
  readonly bootstrap: readonly string[]
  readonly network: Network
  readonly shares: Shares
  readonly folders: SharedFolders
  readonly links: OpenedLinks
  readonly copies: Copies
  readonly live: LiveCopies
  readonly transfers: Transfers
  readonly reads: Reads
  readonly settings: PeerSettings
  readonly blocked: BlockedPeers
  readonly budget: StoreBudget
}
