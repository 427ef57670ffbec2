/** What all shares of a peer use in common: made once in peer.ts and handed down. */
import type Corestore from 'corestore'
import type { ShareId } from '../../common/brand'
import type { VersionKeeping } from '../../common/keptVersions'
import type { Notifications } from '../../common/protocol'
import type { ShareLimits } from '../limits'
import type { Network } from '../network/swarm'
import type { Bases } from '../store/bases'
import type { StoreBudget } from '../store/budget'
import type { Catalog } from '../store/catalog'
import type { StoreCompaction } from '../store/compaction'
import type { StoreSpace } from '../store/space'

export interface PeerContext {
  readonly store: Corestore
  readonly catalog: Catalog
  /** The content that both sides of conflicts started from. */
  readonly bases: Bases
  readonly network: Network
  /** Absolute; holds keys, so it is never shared. */
  readonly dataFolder: string
  /** Absolute; where clones of shared files lie, in a folder for each share. */
  readonly clones: string
  /** Ignore patterns from the settings. */
  readonly ignore: () => readonly string[]
  /** What an opened share may cost; another object whenever the user changed it. */
  readonly limits: () => ShareLimits
  /** Something the user should be told once. */
  readonly notice: (level: Notifications['notice']['level'], message: string, share?: ShareId) => void
  readonly log: (line: string) => void
  /**
   * To be called with every error that nobody expected. If the store is damaged, the process ends, and the next one
   * sets the store aside.
   */
  readonly checkForDamage: (error: unknown) => void
  /** What an error means to the user, where the store could not write; any other as it is. */
  readonly explain: (error: unknown) => unknown
  /** The machine went down in the middle of the last run: logs may be shorter than peers know them to be. */
  readonly mayHaveLostWrites: () => boolean
  readonly space: StoreSpace
  readonly budget: StoreBudget
  readonly compaction: StoreCompaction
  /** How long superseded bytes stay (milliseconds). */
  readonly grace: number
  /** Which former versions are kept where the user chose nothing. */
  readonly keeping: VersionKeeping
  /** How long many vanished files are held before they count as deleted (milliseconds). */
  readonly hold: number
  /** How long files that newer rules hide stay published after the user was told (milliseconds). */
  readonly toldFor: number
  /** Resolves when everything written to the store so far is on the disk. */
  readonly syncStore: () => Promise<void>
  /** Aborted when the peer process ends. */
  readonly closing: AbortSignal
}
