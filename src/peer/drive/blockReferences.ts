import type { BlockRuns } from '../hypercore/blockRuns'
import type { BlobRef, DriveEntry } from './format/entry'

/** Counts which blocks are named, by as many entries as there may be: a block is in use as long as one names it. */
export class BlockReferences {
  /** By the first block of what is named: where the longest that begins there ends. */
  private readonly ends = new Map<number, number>()
  private unknown = false
  /** Those of `ends`, until there are more. */
  private known: BlockRuns | undefined

  /** Whether some entry does not tell which blocks hold its bytes (see blockMap.ts). */
  get isIncomplete(): boolean {
    return this.unknown
  }

  add({ blob, pack }: Pick<DriveEntry, 'blob' | 'pack'>): void {
    if (pack !== undefined) this.addRange(pack.block, 1)
    if (blob === undefined) return
    if (blob.blockMap === true) this.unknown = true
    this.addBlob(blob)
  }

  addBlob({ blockOffset, blockLength }: BlobRef): void {
    this.addRange(blockOffset, blockLength)
  }

  addBlock(index: number): void {
    this.addRange(index, 1)
  }

  /** All blocks that are named, now. */
  runs(): BlockRuns {
    this.known ??= this.sortedRuns()
    return this.known
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
    this.known = undefined
  }
}
