/**
 * What a copy did to the folder, in numbers. A copy that was cut off, or planned again with a newer version, counts from
 * its first start: what it had written by then is known by what it had said that it would write.
 */
import type { CopyChanges } from '../../common/model'
import type { IntendedFile } from '../store/catalog'

/** Whether what is written is new in the folder or takes the place of what this copy had made there. */
export interface Placement {
  readonly fresh: boolean
}

export class CopyCounts {
  private added = 0
  private updated = 0

  constructor(
    /** Files that this copy made once, that are still there, and that the share does not have any more. */
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

/** What an earlier run of the same copy has placed, if it has. @param content see `contentId` */
export function placedBefore(intended: IntendedFile | undefined, content: string): Placement | undefined {
  return intended?.content === content ? { fresh: intended.fresh === true } : undefined
}
