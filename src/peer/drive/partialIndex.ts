/**
 * The index of a version while it is read from a listing. A listing has its entries in path order, so what it said so
 * far tells all that there is up to there: the first part of a large folder can be shown before the last chunk is here.
 * Of one that turns out not to be in order, nothing more is told before all of it is here.
 *
 * The path log may have entries that are newer than the listing. These are known first, and stand in the place of what
 * the listing says of the same paths.
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
  /** Nothing that is still to come stands before this path, or at it. */
  private knownTo = ''
  private isInOrder = true

  /**
   * @param length of the path log, up to which the index will describe it
   * @param newer what the path log says since the listing
   */
  constructor(
    readonly length: number,
    private readonly newer: Changes,
    limits: () => ShareLimits,
  ) {
    this.builder = PathIndexBuilder.empty(limits)
    applyChanges(this.builder, newer)
  }

  /** As far as it is known. */
  get index(): PathIndex {
    return this.builder
  }

  /** All of it is known. */
  done(): PathIndex {
    return this.builder.done()
  }

  /** The next entry of the listing. Throws `limit-passed`. */
  put(entry: DriveEntry): void {
    if (compareDrivePaths(this.knownTo, entry.path) >= 0) this.isInOrder = false
    this.knownTo = entry.path
    if (!this.newer.paths.has(entry.path)) this.builder.put(entry)
  }

  /** Whether `list` of the index would answer the same when all is here. */
  knows(path: DrivePath, after = '', limit = Number.POSITIVE_INFINITY): boolean {
    if (!this.isInOrder) return false
    const folder = `${trimSlash(path)}/`
    if (!this.knownTo.startsWith(folder)) return compareDrivePaths(this.knownTo, folder) > 0
    const below = this.knownTo.slice(folder.length)
    const slash = below.indexOf('/')
    return this.index.countBefore(path, after, slash < 0 ? below : below.slice(0, slash + 1)) >= limit
  }
}
