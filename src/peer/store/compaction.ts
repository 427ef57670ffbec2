/**
 * Gives cleared bytes back to the disk. The database deletes by noting so, and what is deleted lies in its files until
 * these are gone through; content lies in files of its own, each removed once nothing in it is used. Where clearing
 * leaves a little in many of them, what is in use is copied together when more than half of all is not: so every byte
 * is copied as often as another was cleared, and not more. It needs room for the copy, or waits until there is.
 */
import { statfs } from 'node:fs/promises'
import type Corestore from 'corestore'
import { delay } from '../time'

/** Going through the files is not worth less than this (bytes). */
const WORTH = 8 * 1024 * 1024
/** What was cleared by and by is given back together: after this long (milliseconds). */
const PAUSE = 1_000
/** Of RocksDB: what is in use is copied out of every file that is gone through, also at the lowest level. */
const FORCE_COPY = {
  blobGarbageCollectionPolicy: 1,
  blobGarbageCollectionAgeCutoff: 1,
  bottommostLevelCompaction: 2,
}

export class StoreCompaction {
  /** What a process before this one cleared may lie there still. */
  private freed = WORTH
  private running: Promise<void> | undefined

  constructor(
    private readonly storage: Corestore['storage'],
    /** On the same disk. */
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
      })
  }

  /** Resolves when none is under way. */
  async settle(): Promise<void> {
    await this.running
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
