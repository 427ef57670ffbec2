/**
 * Which files of copies hold which blocks of a log, as far as is known. Only hashes prove that a file really holds
 * them.
 */
import { join } from 'node:path'
import { lastUpTo } from '../hypercore/blockRuns'
import type { HolderFile } from '../store/catalog'

/** A file, and the first of the blocks that are its pieces. */
export interface BlockHolder {
  readonly first: number
  readonly file: HolderFile
}

/** More files of the same content are not remembered. */
const MOST_OF_ONE_CONTENT = 8

export class BlockHolders {
  private readonly byFirst = new Map<number, BlockHolder[]>()
  /**
   * By absolute path. A path can have two holders: the old file lies there until the one that is being written
   * replaces it.
   */
  private readonly byPlace = new Map<string, BlockHolder[]>()
  /** The `first` of all holders, sorted, each once. */
  private readonly inOrder: number[] = []

  /** @returns holders that were forgotten to make room */
  put(holder: BlockHolder): readonly BlockHolder[] {
    this.remove(holder)
    const same = [...this.of(holder.first), holder]
    const tooMany = same.splice(0, same.length - MOST_OF_ONE_CONTENT)
    if (!this.byFirst.has(holder.first)) this.inOrder.splice(this.orderOf(holder.first), 0, holder.first)
    this.byFirst.set(holder.first, same)
    const place = placeOf(holder)
    this.byPlace.set(place, [...(this.byPlace.get(place) ?? []), holder])
    for (const other of tooMany) this.forgetPlace(other)
    return tooMany
  }

  /** False: it was not known. */
  remove(holder: BlockHolder): boolean {
    const place = placeOf(holder)
    const known = this.of(holder.first)
    const left = known.filter(other => placeOf(other) !== place)
    if (left.length === known.length) return false
    this.forgetPlace(holder)
    if (left.length > 0) this.byFirst.set(holder.first, left)
    else {
      this.byFirst.delete(holder.first)
      this.inOrder.splice(this.orderOf(holder.first), 1)
    }
    return true
  }

  /** All files whose blocks begin with this one, the latest last. */
  of(first: number): readonly BlockHolder[] {
    return this.byFirst.get(first) ?? []
  }

  /** All files that are noted for a block. They may have changed since. */
  having(index: number): readonly BlockHolder[] {
    const all = this.of(lastUpTo(this.firsts, index) ?? -1)
    return all.filter(({ first, file }) => index < first + file.blocks)
  }

  /** The holders at one place. */
  at(folder: string, path: string): readonly BlockHolder[] {
    return this.byPlace.get(join(folder, path)) ?? []
  }

  has({ first, file: { folder, path } }: BlockHolder): boolean {
    return this.at(folder, path).some(other => other.first === first)
  }

  /** The `first` of all holders, sorted, each once. */
  get firsts(): readonly number[] {
    return this.inOrder
  }

  /** How many of `inOrder` are less than this one. */
  private orderOf(first: number): number {
    let low = 0
    let high = this.inOrder.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.inOrder[middle] ?? 0) < first) low = middle + 1
      else high = middle
    }
    return low
  }

  private forgetPlace(holder: BlockHolder): void {
    const place = placeOf(holder)
    const left = (this.byPlace.get(place) ?? []).filter(({ first }) => first !== holder.first)
    if (left.length > 0) this.byPlace.set(place, left)
    else this.byPlace.delete(place)
  }
}

function placeOf({ file: { folder, path } }: BlockHolder): string {
  return join(folder, path)
}
