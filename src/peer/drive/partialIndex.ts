/**
 * The index of a version while it is read from a listing. A listing has its entries in path order, so everything up
 * to the last entry read is known: the first part of a large folder can be shown before the last chunk is here. If
 * a listing is not in order, nothing more is shown until all of it is here.
 *
 * The path log may have entries that are newer than the listing. They are known first, and replace the listing's
 * entries for the same paths.
 */
import type { DrivePath } from '../../common/brand'
import type { ShareLimits } from '../limits'
import { compareDrivePaths } from '../names/pathOrder'
import { applyChanges, type Changes } from './changes'
import type { DriveEntry } from './format/entry'
import { type PathIndex, trimSlash } from './pathIndex'
import { PathIndexBuilder } from './pathIndexBuilder'

export class PartialIndex {
  private readonly builder: PathIndexBuilder
  /** No later entry stands at or before this path. */
  private knownTo = ''
  private isInOrder = true

  /**
   * @param length of the path log that the index will describe
   * @param newer changes of the path log since the listing
   */
  constructor(
    readonly length: number,
    private readonly newer: Changes,
    limits: () => ShareLimits,
  ) {
    this.builder = PathIndexBuilder.empty(limits)
    applyChanges(this.builder, newer)
  }

  /** The index of all entries so far. */
  get index(): PathIndex {
    return this.builder
  }

  /** The finished index, when all entries are here. */
  done(): PathIndex {
    return this.builder.done()
  }

  /** The next entry of the listing. Throws `limit-passed`. */
  put(entry: DriveEntry): void {
    if (compareDrivePaths(this.knownTo, entry.path) >= 0) this.isInOrder = false
    this.knownTo = entry.path
    if (!this.newer.paths.has(entry.path)) this.builder.put(entry)
  }

  /** Whether `list` would give the same answer from the finished index. */
  knows(path: DrivePath, after = '', limit = Number.POSITIVE_INFINITY): boolean {
    if (!this.isInOrder) return false
    const folder = `${trimSlash(path)}/`
    if (!this.knownTo.startsWith(folder)) return compareDrivePaths(this.knownTo, folder) > 0
    const below = this.knownTo.slice(folder.length)
    const slash = below.indexOf('/')
    return this.index.countBefore(path, after, slash < 0 ? below : below.slice(0, slash + 1)) >= limit
  }
}
