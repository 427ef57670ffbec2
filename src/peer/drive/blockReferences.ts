import type { BlockRuns } from '../hypercore/blockRuns'
import type { BlobRef, DriveEntry } from './format/entry'

/** Collects the blocks that entries name. A block is in use if at least one entry names it. */
export class BlockReferences {
  /** By first block: the end of the longest range that begins there. */
  private readonly ends = new Map<number, number>()
  private hasBlockMap = false
  /** The runs of `ends`; undefined after a change. */
  private sorted: BlockRuns | undefined

  /** Whether an entry was added that does not tell which blocks hold its bytes (see blockMap.ts). */
  get isIncomplete(): boolean {
    return this.hasBlockMap
  }

  add({ blob, pack }: Pick<DriveEntry, 'blob' | 'pack'>): void {
    if (pack !== undefined) this.addRange(pack.block, 1)
    if (blob === undefined) return
    if (blob.blockMap === true) this.hasBlockMap = true
    this.addBlob(blob)
  }

  addBlob({ blockOffset, blockLength }: BlobRef): void {
    this.addRange(blockOffset, blockLength)
  }

  addBlock(index: number): void {
    this.addRange(index, 1)
  }

  /** All blocks that were named so far. */
  runs(): BlockRuns {
    this.sorted ??= this.sortedRuns()
    return this.sorted
  }

  private sortedRuns(): BlockRuns {
    const runs: { start: number; end: number }[] = []
    for (const start of Float64Array.from(this.ends.keys()).sort()) {
      const end = this.ends.get(start) ?? start
      const last = runs.at(-1)
      if (last === undefined || start > last.end) runs.push({ start, end })
      else if (end > last.end) last.end = end
    }
    return runs
  }

  private addRange(start: number, length: number): void {
    if (length === 0) return
    const before = this.ends.get(start) ?? 0
    if (start + length <= before) return
    this.ends.set(start, start + length)
    this.sorted = undefined
  }
}
