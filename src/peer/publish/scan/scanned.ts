/** What a scan is asked, and what it found. */
import type { DrivePath } from '../../../common/brand'
import type { SkippedFromShare, SkipReason } from './skipped'

export interface ScannedFile {
  readonly path: DrivePath
  readonly kind: 'file' | 'link'
  /** Bytes; 0 for links. */
  readonly size: number
  /** Milliseconds since 1970, with fractions. */
  readonly mtimeMs: number
  /** When anything about it changed last; as `mtimeMs`, but nobody can set it. */
  readonly ctimeMs: number
  readonly ino: number
  /** Whether anybody may execute it; always false on Windows. */
  readonly executable: boolean
  /** Where a link leads: relative, `/` separated, inside the share. Only links have it. */
  readonly linkTarget?: string
  /** The user let it in by name: its content is not to be judged. */
  readonly allowed: boolean
}

export interface ScanResult {
  /** The source is a single file, the only entry. */
  readonly isFile: boolean
  /** In the order of their paths' UTF-8 bytes. */
  readonly files: ScannedFile[]
  /** Those of `files` that have a second name. Changes by that name are not seen by a watch on the folder. */
  readonly hardLinked: ScannedFile[]
  readonly bytes: number
  /** Folders entered, the shared one included. */
  readonly folders: number
  /** Samples; `skippedCounts` has the exact numbers. */
  readonly skipped: SkippedFromShare[]
  readonly skippedCounts: Partial<Record<SkipReason, number>>
  /** Drive paths that could not be read, without a `/` at the end: what was published of them should stay. */
  readonly unreadable: DrivePath[]
  /** Folders (drive paths) that were left out whole and need not be watched, at most 1,000. */
  readonly ignoredFolders: DrivePath[]
  /** Folders on another disk than the folder they lie in; `''` first when it is the shared one. */
  readonly boundaries: DrivePath[]
  /** Folders of `ScanOptions.boundaries` where no other disk is any more. Nothing is known of what is in them. */
  readonly vanished: DrivePath[]
  /** Differs when a disk of `boundaries` or `vanished` came, went or was changed. */
  readonly disks: string
  /** How files look that decide about this share and are not watched with it; see `Inputs`. */
  readonly inputs: ReadonlyMap<string, string>
  /**
   * Folders that are git repositories, each with the absolute path of its `.git`; `''` also stands for one around it.
   */
  readonly repositories: ReadonlyMap<DrivePath, string>
}

export interface ScanOptions {
  /** Patterns from the settings, as lines of an ignore file of the shared folder. */
  readonly ignore?: readonly string[]
  /** Drive paths let in by name although ignore rules or the secrets filter leave them out. */
  readonly allow?: readonly string[]
  /** Share `.git` too. */
  readonly includeGit?: boolean
  /** Absolute path of Peerfold's data folder: it holds keys and is never shared. */
  readonly dataFolder?: string
  /** Whether names that differ only in case are the same; default: the system's usual. */
  readonly ignoreCase?: boolean
  /** Folders that were on another disk than what they lie in at the last scan, `''` for the shared one. */
  readonly boundaries?: readonly DrivePath[]
  /** Told every entry that is left out; a folder's path ends with `/`. */
  readonly onLeftOut?: (path: DrivePath, reason: SkipReason) => void
  readonly signal?: AbortSignal
  /** Called many times a second while the walk lasts. */
  readonly onProgress?: (progress: ScanProgress) => void
}

export interface ScanProgress {
  readonly files: number
  readonly bytes: number
  readonly folders: number
}
