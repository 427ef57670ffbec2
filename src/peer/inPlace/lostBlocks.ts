/** Looks now and then for blocks that no file held, in files that have changed since the last look. */
import { throwIfAborted } from '../time'
import type { BlockHolder } from './blockHolders'
import type { BlocksInFiles } from './blocksInFiles'
import type { FilesOnDisk } from './filesOnDisk'
import type { HolderRecords } from './holderRecords'

export interface LostBlocksOptions {
  readonly records: HolderRecords
  readonly disk: FilesOnDisk
  /** Identifies the current start of the machine. */
  readonly boot: string
  /** Undefined until the log of bytes is served. */
  readonly blocks: () => BlocksInFiles | undefined
  readonly isBeingWritten: (holder: BlockHolder) => boolean
  /** Blocks are here again. */
  readonly onFound: () => void
  /** A look is done. Files may be whole again. */
  readonly onLooked: () => void
  /** Does the work when no other work on the files is running. */
  readonly inTurn: (work: () => Promise<void>) => void
  readonly signal: AbortSignal
}

export class LostBlocks {
  /** Stamps of files when they did not hold all of their blocks. */
  private readonly looked = new WeakMap<BlockHolder, string>()
  private timer: NodeJS.Timeout | undefined

  /** @param every milliseconds between two looks */
  constructor(
    private readonly options: LostBlocksOptions,
    private readonly every: number,
  ) {}

  later(): void {
    if (this.options.signal.aborted) return
    this.timer ??= setTimeout(() => {
      this.timer = undefined
      this.options.inTurn(() => this.look())
    }, this.every).unref()
  }

  /** Starts no further looks. */
  stop(): void {
    clearTimeout(this.timer)
  }

  async look(): Promise<void> {
    const { records, disk, boot, isBeingWritten, onLooked, signal } = this.options
    const blocks = this.options.blocks()
    if (blocks === undefined) return
    let isLeft = false
    for (const holder of records.all()) {
      if (blocks.missing(holder).length === 0) continue
      throwIfAborted(signal)
      isLeft = true
      const stamp = await disk.stampOf(holder.file)
      if (stamp === undefined || stamp === this.looked.get(holder)) continue
      this.looked.set(holder, stamp)
      disk.reopen(holder.file)
      await this.restoreFrom(holder)
      if (blocks.missing(holder).length > 0) continue
      this.looked.delete(holder)
      if (!isBeingWritten(holder)) await records.put(whole(holder, boot))
    }
    if (isLeft) this.later()
    onLooked()
  }

  /** Sets the bits of blocks that a file holds and the bitfield lacks. */
  async restoreFrom(holder: BlockHolder): Promise<void> {
    if (await this.options.blocks()?.restoreFrom(holder)) this.options.onFound()
  }
}

function whole({ first, file: known }: BlockHolder, boot: string): BlockHolder {
  const { temporary: _temporary, begun: _begun, scattered: _scattered, ...file } = known
  return { first, file: { ...file, ...(file.unsynced === undefined ? {} : { unsynced: boot }) } }
}
