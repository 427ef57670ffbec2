/** Which files that hold blocks are on the disk: it is noted, so that after a loss of power only others have to be read. */
import { throwIfAborted } from '../time'
import type { BlockHolder } from './blockHolders'
import type { FilesOnDisk } from './filesOnDisk'
import type { HolderRecords } from './holderRecords'

/** By then (milliseconds) the system has brought most of a file to the disk by itself. */
const SYNC_AFTER = 60_000

export interface SyncedFilesOptions {
  readonly records: HolderRecords
  readonly disk: FilesOnDisk
  /** The start of the machine. */
  readonly boot: string
  /** Does the work when nothing else is done with the files. */
  readonly inTurn: (work: () => Promise<void>) => void
  readonly signal: AbortSignal
}

export class SyncedFiles {
  private timer: NodeJS.Timeout | undefined

  constructor(private readonly options: SyncedFilesOptions) {}

  /** Brings what was written to the disk after a while, if it is not noted to be there. */
  later(): void {
    const { records, inTurn } = this.options
    if (this.timer !== undefined || !records.all().some(holder => this.isUnsynced(holder))) return
    this.timer = setTimeout(() => {
      this.timer = undefined
      inTurn(() => this.sync())
    }, SYNC_AFTER).unref()
  }

  /** Nothing is begun any more. */
  stop(): void {
    clearTimeout(this.timer)
  }

  private async sync(): Promise<void> {
    const { records, disk, signal } = this.options
    for (const holder of records.all()) {
      if (!this.isUnsynced(holder)) continue
      throwIfAborted(signal)
      const { unsynced: _, ...file } = holder.file
      const isOnDisk = await disk.sync(file).then(
        () => true,
        () => false, // it is gone, or may not be opened
      )
      if (isOnDisk && records.files.of(holder.first).includes(holder))
        await records.put({ first: holder.first, file })
    }
  }

  private isUnsynced({ file }: BlockHolder): boolean {
    return file.unsynced === this.options.boot && file.begun === undefined
  }
}
