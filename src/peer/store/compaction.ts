/**
 * Gives cleared bytes back to the disk. The database only notes a deletion; the bytes stay in its files until these are
 * compacted. Content lies in files of its own, each removed once nothing in it is used.
 *
 * Clearing may leave a little in many of these files. When more than half of all bytes is unused, the used ones are
 * copied together. So no more bytes are copied than were cleared. This needs room for the copy, or is left for later.
 */
import { statfs } from 'node:fs/promises'
import type Corestore from 'corestore'
import { delay } from '../time'

/** Fewer bytes than this are not worth a compaction. */
const WORTH = 8 * 1024 * 1024
/** Milliseconds for which cleared bytes are gathered before a compaction. */
const PAUSE = 1_000
/** Options of RocksDB: what is in use is copied out of every file, also at the lowest level. */
const FORCE_COPY = {
  blobGarbageCollectionPolicy: 1,
  blobGarbageCollectionAgeCutoff: 1,
  bottommostLevelCompaction: 2,
}

export class StoreCompaction {
  /** Bytes cleared since the last compaction. Not 0 at first: a process before this one may have left some. */
  private freed = WORTH
  private running: Promise<void> | undefined

  constructor(
    private readonly storage: Corestore['storage'],
    /** A folder on the disk of the store. */
    private readonly folder: string,
    private readonly signal: AbortSignal,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** This many bytes were cleared. */
  add(bytes: number): void {
    this.freed += bytes
    if (this.running !== undefined || this.freed < WORTH) return
    this.running = this.run()
      .catch(error => {
        if (!this.signal.aborted) this.onError(error)
      })
      .finally(() => {
        this.running = undefined
        if (!this.signal.aborted) this.add(0) // what was cleared just after the last look
      })
  }

  /** Resolves when no compaction is under way. */
  async settle(): Promise<void> {
    while (this.running !== undefined) await this.running
  }

  private async run(): Promise<void> {
    while (this.freed >= WORTH) {
      await delay(PAUSE, this.signal)
      this.freed = 0
      await this.storage.compact()
      const [unused, all] = await Promise.all([
        this.bytesOf('rocksdb.live-blob-file-garbage-size'),
        this.bytesOf('rocksdb.live-blob-file-size'),
      ])
      const { bavail, bsize } = await statfs(this.folder)
      if (unused > WORTH && unused > all / 2 && bavail * bsize > 2 * (all - unused))
        await this.storage.compact(FORCE_COPY)
    }
  }

  private async bytesOf(property: string): Promise<number> {
    return Number(await this.storage.db.getProperty(property))
  }
}
