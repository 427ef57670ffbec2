/** The watch on what a share is made from, a folder or a file: at most one at a time, begun and ended in order. */
import type { DrivePath } from '../../../common/brand'
import { PeerfoldError } from '../../../common/errors'
import type { ScannedFile, ScanResult } from '../scan/scanned'
import type { ChangedPaths } from './burst'
import { GitLocks } from './gitLocks'
import { HardLinkWatch } from './hardLinkWatch'
import { OuterWatch } from './outerWatch'
import { type FolderWatch, watchFolder } from './watch'
import { watchFile } from './watchFile'

export interface SourceWatchOptions {
  /** Something may be different: to be scanned. Also called when the watch has begun, for what changed before. */
  readonly onChange: (changes: ChangedPaths) => void
  /** The watch could not begin, or the source is gone. */
  readonly onError: (error: unknown) => void
  readonly log: (line: string) => void
}

export class SourceWatch {
  private watching: Promise<{ close(): Promise<void> }> | undefined
  private watchingFolder: Promise<FolderWatch> | undefined
  private hardLinks: HardLinkWatch | undefined
  private disks: string | undefined
  private readonly locks = new GitLocks()
  private readonly outer = new OuterWatch(() => void this.beginAgain())

  constructor(private readonly options: SourceWatchOptions) {}

  get isOn(): boolean {
    return this.watching !== undefined
  }

  /** @param ignoredFolders drive paths that need not be watched */
  start(source: string, isFile: boolean, ignoredFolders: readonly DrivePath[]): void {
    if (this.watching !== undefined) return
    const { onChange, onError, log } = this.options
    const onVanished = () => onError(new PeerfoldError('source-vanished', source))
    if (isFile) this.watching = watchFile(source, { onChange, onVanished })
    else {
      this.watchingFolder = watchFolder(source, {
        ignoredFolders,
        onChange,
        onVanished,
        isBusy: paths => this.locks.isHeld(paths),
        onMode: (mode, reason) => {
          if (mode === 'polling') log(`watching by polling: ${reason ?? ''}`)
        },
      })
      this.watching = this.watchingFolder
      this.hardLinks = new HardLinkWatch(source, { onChange })
    }
    const { watching } = this
    const onBegun = () => onChange('rescan')
    watching.then(onBegun, error => {
      if (this.watching === watching) onError(error)
    })
  }

  async ignoreFolders(folders: readonly DrivePath[]): Promise<void> {
    await (await this.watchingFolder)?.ignoreFolders(folders)
  }

  /** These files are looked at now and then: a watch on the folder does not see all their changes. */
  followHardLinks(files: readonly ScannedFile[]): void {
    this.hardLinks?.follow(files)
  }

  /** What a scan found outside of the folder, and which disks are in it: see `ScanResult`. */
  follow({ inputs, disks, repositories }: Pick<ScanResult, 'inputs' | 'disks' | 'repositories'>): void {
    this.locks.follow(repositories)
    const isOther = this.disks !== undefined && this.disks !== disks
    this.disks = disks
    if (this.watchingFolder === undefined) return
    this.outer.follow(inputs)
    // A scan may see another disk before `outer` looks for it.
    if (isOther) void this.beginAgain()
  }

  /** Makes the watch again, which a newly mounted disk is not part of yet; and the folder is scanned. */
  private async beginAgain(): Promise<void> {
    const watch = await this.watchingFolder?.catch(() => undefined) // it told why it could not start
    await watch?.again()
  }

  async stop(): Promise<void> {
    this.outer.close()
    this.hardLinks?.close()
    this.hardLinks = undefined
    const { watching } = this
    this.watching = undefined
    this.watchingFolder = undefined
    const watch = await watching?.catch(() => undefined) // it told why it could not start
    await watch?.close()
  }
}
