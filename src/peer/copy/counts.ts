/**
 * Counts what a copy did to the folder. A copy that was cut off, or planned again with a newer version, counts from
 * its first start. Its earlier runs noted what they would write, and those notes tell what they had written.
 */
import type { CopyChanges } from '../../common/model'
import type { IntendedFile } from '../store/catalog'

/** `fresh`: new in the folder. Otherwise it replaces what this copy had made there. */
export interface Placement {
  readonly fresh: boolean
}

export class CopyCounts {
  private added = 0
  private updated = 0

  constructor(
    /** Files of this copy that are still in the folder and no longer in the share. */
    private readonly gone: number,
  ) {}

  /** An entry lies at its place with content that was not there when the copy began. */
  placed({ fresh }: Placement): void {
    if (fresh) this.added++
    else this.updated++
  }

  get changes(): CopyChanges {
    const { added, updated, gone } = this
    return { added, updated, gone }
  }
}

/**
 * The placement by an earlier run of the same copy, if there was one.
 * @param content see `contentId`
 */
export function placedBefore(intended: IntendedFile | undefined, content: string): Placement | undefined {
  return intended?.content === content ? { fresh: intended.fresh === true } : undefined
}
