/** Compares three things for one log: which blocks its bitfield has, which its store has, and which the files hold. */
import type Hypercore from 'hypercore'
import { pieceAt } from '../drive/format/largeFile'
import { type BlockRun, type BlockRuns, missingRuns } from '../hypercore/blockRuns'
import { clearBlocks, restoreBlocks } from '../hypercore/clearBlocks'
import { leafOf, paddingOf, storedBlock } from '../hypercore/leaf'
import { piecesIn } from '../hypercore/pieces'
import { unstoreBlocks } from '../hypercore/storeBlocks'
import { throwIfAborted } from '../time'
import type { BlockHolder } from './blockHolders'
import type { FilesOnDisk } from './filesOnDisk'
import type { IncomingBlocks } from './incomingBlocks'

export class BlocksInFiles {
  constructor(
    readonly log: Hypercore,
    private readonly disk: FilesOnDisk,
    private readonly incoming: IncomingBlocks,
    private readonly signal: AbortSignal,
  ) {}

  /** Blocks of a file that the bitfield does not have. */
  missing(holder: BlockHolder): BlockRuns {
    return missingRuns(this.log.core.bitfield, [runOf(holder)])
  }

  /** How many blocks of a file the bitfield has. */
  count({ first, file }: BlockHolder): number {
    return this.log.core.bitfield.count(first, file.blocks, true)
  }

  /** Clears one block in the bitfield. */
  async clear(index: number): Promise<void> {
    if (!this.log.core.bitfield.get(index)) return
    await clearBlocks(this.log, [{ start: index, end: index + 1 }], this.signal, () => true)
  }

  /**
   * Clears blocks of a file that nothing covers: neither the store nor, judged by their lengths, one of the files
   * `by` with the same content.
   */
  async clearUncovered(holder: BlockHolder, by: readonly BlockHolder[]): Promise<void> {
    const { log } = this
    const extents = await Promise.all(by.map(({ file }) => this.disk.extentOf(file)))
    const { start, end } = runOf(holder)
    const runs: BlockRun[] = []
    for (let index = start + Math.max(0, ...extents); index < end; index++) {
      if (!log.core.bitfield.get(index) || this.incoming.get(index) !== undefined) continue
      if ((await piecesIn(log)?.isStored(index)) === false) addTo(runs, index)
    }
    if (runs.length > 0) await clearBlocks(log, runs, this.signal, () => true)
  }

  /** Whether a file holds all of its blocks. Reads it. */
  async areAllIn(holder: BlockHolder): Promise<boolean> {
    const { start, end } = runOf(holder)
    for (let index = start; index < end; index++) if (!(await this.isIn(holder, index))) return false
    return true
  }

  /** Sets the bits of blocks that a file holds and the bitfield lacks. @returns whether there were any */
  async restoreFrom(holder: BlockHolder): Promise<boolean> {
    const found: BlockRun[] = []
    for (const { start, end } of this.missing(holder))
      for (let index = start; index < end; index++) if (await this.isIn(holder, index)) addTo(found, index)
    if (found.length > 0) await restoreBlocks(this.log, found)
    return found.length > 0
  }

  /** Syncs a file, then takes its blocks out of the store. @returns bytes that left the store */
  async giveBack(holder: BlockHolder): Promise<number> {
    let bytes = 0
    const { start, end } = runOf(holder)
    for (let index = start; index < end; index++) {
      throwIfAborted(this.signal)
      if ((await piecesIn(this.log)?.isStored(index)) !== true) continue
      bytes += paddingOf(this.log, index) + pieceAt(index - start, holder.file.size).length
    }
    if (bytes === 0) return 0
    await this.disk.sync(holder.file)
    await unstoreBlocks(this.log, { start, end })
    return bytes
  }

  private async isIn({ first, file }: BlockHolder, index: number): Promise<boolean> {
    throwIfAborted(this.signal)
    const leaf = await leafOf(this.log, index)
    if (leaf === null) return false
    const bytes = await this.disk.read(file, index - first)
    return bytes !== null && (await storedBlock(this.log, index, bytes, leaf)) !== undefined
  }
}

function runOf({ first, file: { blocks } }: BlockHolder): BlockRun {
  return { start: first, end: first + blocks }
}

/** Adds a block that lies behind all of the runs. */
function addTo(runs: BlockRun[], index: number): void {
  const last = runs.at(-1)
  if (last?.end === index) runs[runs.length - 1] = { start: last.start, end: index + 1 }
  else runs.push({ start: index, end: index + 1 })
}
