/** Looks into local files for parts of a file's new content, so that only the rest is fetched. */
import type { OpenFile } from '../../disk/fileInPlace'
import type { ReadOptions } from '../../drive/blocks'
import type { DriveEntry } from '../../drive/format/entry'
import type { ShareDrive } from '../../drive/shareDrive'
import { throwIfAborted } from '../../time'
import type { Proof } from '../contentProof'
import type { PlannedFile } from '../planned'
import { findInFormer, isWorthLooking, proveByHashes, type Taking } from './blocksHere'
import { FormerFile } from './formerFile'
import type { Formers } from './formers'

export class FormerSearch {
  constructor(
    private readonly share: ShareDrive,
    private readonly formers: Formers,
    /** Told the length (bytes) of each block that was found. */
    private readonly onFound: (bytes: number) => void,
  ) {}

  /** Finds blocks in the file at the same place, or in one that may have been it before. Throws only a cancellation. */
  async find(
    file: PlannedFile,
    read: ReadOptions & { readonly signal: AbortSignal },
    taking: Taking = {},
  ): Promise<void> {
    const { share, onFound } = this
    if (share.isOwn || !isWorthLooking(file.entry)) return
    const log = await share.bytesReady(read.signal)
    for (const opened of this.formers.of(file)) {
      const former = new FormerFile(opened)
      try {
        if (await findInFormer(log, file.entry, former, read, { ...taking, onFound })) return
      } catch {
        throwIfAborted(read.signal)
        return // the same failure is met and told when the rest is fetched and written
      } finally {
        await former.close()
      }
    }
  }

  /**
   * Whether an open file holds an entry's content, by the hashes of its blocks. Closes the file. `unknown`: no peer
   * gave the hashes.
   */
  async prove(
    entry: DriveEntry,
    opened: OpenFile,
    read: ReadOptions & { readonly signal: AbortSignal },
  ): Promise<Proof> {
    const former = new FormerFile(opened)
    try {
      if (this.share.isOwn || !isWorthLooking(entry)) return 'unknown'
      return await proveByHashes(await this.share.bytesReady(read.signal), entry, former, read)
    } catch {
      throwIfAborted(read.signal)
      return 'unknown'
    } finally {
      await former.close()
    }
  }
}
