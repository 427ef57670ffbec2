/** The task of one copy, and the parts that it works with. */
import type { DrivePath, ShareId } from '../../common/brand'
import type { DriveEntry } from '../drive/format/entry'
import type { ShareDrive } from '../drive/shareDrive'
import type { Version } from '../drive/version'
import type { CopiedFiles } from '../inPlace/copiedFiles'
import type { Bases } from '../store/bases'
import type { StoreBudget } from '../store/budget'
import type { Catalog } from '../store/catalog'
import type { StoreSpace } from '../store/space'
import type { Transfer } from '../transfer'
import type { Former } from './former/formers'

export interface CopyOptions {
  readonly share: ShareDrive
  readonly id: ShareId
  /** A folder, a file, or '/' for everything. */
  readonly path: DrivePath
  /** A former version; undefined: the newest. */
  readonly version?: Version | undefined
  /** Absolute. */
  readonly folder: string
  /** For files and folders that it makes; undefined: that of this process. */
  readonly umask: number | undefined
  readonly catalog: Catalog
  readonly bases: Bases
  readonly transfer: Transfer
  /** Serves large files out of the copy. Undefined for an own share. */
  readonly copied: CopiedFiles | undefined
  /** Room on the disk for what is fetched. */
  readonly space: StoreSpace
  /** Room within the limit for all opened shares. */
  readonly budget: StoreBudget
  /** Content bytes that came over the network so far. */
  readonly fetched: () => number
  /** This many bytes of content came into the store from a local file, not over the network. */
  readonly onFound: (bytes: number) => void
  /** Resolves when somebody who has the share is connected; rejects when aborted. */
  readonly peerCame: (signal: AbortSignal) => Promise<void>
  readonly stale: () => boolean
  /** See `planCopy`. */
  readonly isInDoubt: boolean
  /** The process ends. Unfinished work continues in the next one. */
  readonly isEnding: () => boolean
  /** Aborts when the process ends. */
  readonly closing: AbortSignal
  /** For a live copy. */
  readonly live?: LiveOptions
}

export interface LiveOptions {
  /**
   * An entry lies at its place, or beside it at `beside`, because the user has changed the file there. Paths are
   * inside the target.
   */
  readonly onPlaced: (path: string, beside?: string) => void
  /** Files that were taken out of the folder, the latest first. */
  readonly taken: () => readonly Former[]
  /**
   * Whether to go on without a file that nobody who is connected has.
   * @param isQuiet nothing came for a while
   */
  readonly goesWithout: (path: string, entry: DriveEntry, isQuiet: boolean) => boolean
}
