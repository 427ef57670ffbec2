/**
 * Things of this copy that are in the way of what comes in and cannot be replaced in one step: a folder where a
 * file or link is to be, or a file or link where a folder is to be. They are removed just before, and only whole: a
 * folder that holds anything of the user's stays as it is.
 */

import { WriteError } from '../disk/writeErrors'
import type { SafeWriter } from '../disk/writer'
import type { Ownership } from './ownership'

/** The records of a copy. Paths are inside the target and begin with `/`. */
interface CopyRecordOf {
  forget(path: string): void
}

/** Something that has to be removed before something else can be written. */
export class Obstacle {
  private cleared: Promise<void> | undefined

  constructor(readonly segments: readonly string[]) {}

  /**
   * Removes it, once for all who wait for that. @throws WriteError 'exists' or 'kept-folder' when it is not all
   * ours
   */
  clear(ownership: Ownership, writer: SafeWriter, record: CopyRecordOf): Promise<void> {
    this.cleared ??= this.remove(ownership, writer, record).catch(error => {
      this.cleared = undefined // the cause may pass
      throw error
    })
    return this.cleared
  }

  private async remove(ownership: Ownership, writer: SafeWriter, record: CopyRecordOf): Promise<void> {
    const { segments } = this
    const local = writer.stat(segments)
    if (local === undefined) return
    if (local.kind === 'folder') {
      const things = await ownership.contentsIfOurs(segments)
      if (things === undefined) throw new WriteError('kept-folder', segments.join('/'))
      for (const thing of things) {
        if (thing.mark === undefined) writer.removeFolder(thing.segments)
        else await writer.remove(thing.segments, thing.mark)
        record.forget(`/${thing.segments.join('/')}`)
      }
      return
    }
    const mark = await ownership.markIfOurs(segments)
    if (mark === undefined) throw new WriteError('exists', segments.join('/'))
    await writer.remove(segments, mark)
    record.forget(`/${segments.join('/')}`)
  }
}
