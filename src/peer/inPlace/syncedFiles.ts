/**
 * Syncs files that hold blocks, and notes which are on the disk. After a loss of power only the others have to be
 * read.
 */
import { throwIfAborted } from '../time'
import type { BlockHolder } from './blockHolders'
import type { FilesOnDisk } from './filesOnDisk'
import type { HolderRecords } from './holderRecords'

/** After this time (milliseconds) the system has written most of a file to the disk by itself. */
const SYNC_AFTER = 60_000

export interface SyncedFilesOptions {
  readonly records: HolderRecords
  readonly disk: FilesOnDisk
  /** Identifies the current start of the machine. */
  readonly boot: string
  /** Does the work when no other work on the files is running. */
  readonly inTurn: (work: () => Promise<void>) => void
  readonly signal: AbortSignal
}

export class SyncedFiles {
  private timer: NodeJS.Timeout | undefined

  constructor(private readonly options: SyncedFilesOptions) {}

  /** Syncs files after a while, unless all are noted as synced. */
  later(): void {
    const { records, inTurn } = this.options
    if (this.timer !== undefined || !records.all().some(holder => this.isUnsynced(holder))) return
    this.timer = setTimeout(() => {
      this.timer = undefined
      inTurn(() => this.sync())
    }, SYNC_AFTER).unref()
  }

  /** Starts no further syncs. */
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
