/** What a publish is asked, how far it has come, and what it tells in the end. */
import type { DrivePath } from '../../../common/brand'
import type { HeldFiles, SkippedEntry } from '../../../common/model'
import type { Foretold } from '../../names/foretell'
import type { ShareRecord } from '../../store/catalog'
import type { ScannedFile } from '../scan/scanned'

export interface PublishProgress {
  readonly files: { done: number; total?: number }
  readonly bytes: { done: number; total?: number }
}

export interface PublishResult {
  readonly files: number
  readonly bytes: number
  /** Whether a new version was published. */
  readonly changed: boolean
  readonly skipped: readonly SkippedEntry[]
  readonly skippedCounts: Readonly<Record<string, number>>
  /** What some systems do not take of what is shared. */
  readonly foretold: readonly Foretold[]
  /** Drive paths of folders that need not be watched. */
  readonly ignoredFolders: readonly DrivePath[]
  /** What stays published although the scan does not list it, and what is to be kept of that with the share. */
  readonly held: readonly HeldFiles[]
  readonly remember: Pick<ShareRecord, 'boundaries' | 'rules' | 'hidden'>
  /** Folders whose disk is gone. */
  readonly vanished: readonly DrivePath[]
  /** Milliseconds after which something held may leave: scan again then. */
  readonly lookAfter?: number
  /** See `ScanResult`. */
  readonly repositories: ReadonlyMap<DrivePath, string>
  readonly inputs: ReadonlyMap<string, string>
  readonly disks: string
  /** Files that kept changing while they were read: to be looked at again soon. */
  readonly busy: readonly DrivePath[]
  /** Some files look as if they were unchanged, and there was no time to compare them: scan again some time. */
  readonly inDoubt: boolean
  /** Files that can be changed by a name outside of the folder. */
  readonly hardLinked: readonly ScannedFile[]
}

export interface PublisherOptions {
  /** Ignore patterns from the settings. */
  readonly ignore: readonly string[]
  readonly dataFolder: string
  /** What the watcher says has changed: it is believed even if it looks the same. */
  readonly named?: ReadonlySet<DrivePath>
  /** Nothing else has changed since the last publish. */
  readonly onlyNamed?: boolean
  /** Throws when the store has no room for anything new. */
  readonly assertRoom?: () => void
  /** Milliseconds that files which newer rules hide stay after the user was told; `NOTICE` when absent. */
  readonly notice?: number
}
