/**
 * Things of this copy that have the place of what comes in and cannot be replaced in one step: a folder where a file or
 * link is to be, a file or link where a folder is to be. They are taken away just before, and only whole: a folder that
 * holds anything of the user's stays as it is.
 */

import { WriteError } from '../disk/writeErrors'
import type { SafeWriter } from '../disk/writer'
import type { Ownership } from './ownership'

/** What is known of what the copy made: paths inside the target, beginning with `/`. */
interface CopyRecordOf {
  forget(path: string): void
}

/** What has to go before something is written. */
export class Obstacle {
  private cleared: Promise<void> | undefined

  constructor(readonly segments: readonly string[]) {}

  /** Takes it away, once for all that wait for it. @throws WriteError 'exists' when it is not ours to take away */
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
