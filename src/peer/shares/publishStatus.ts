/** How the publishing of a share goes, as it is shown. What stops it, and what is left out of it, is told once. */
import { basename } from 'node:path'
import { toUserError } from '../../common/errors'
import type { ShareStatus } from '../../common/model'
import type { PublishResult } from '../publish/version/publishResult'
import type { ServedShare } from './servedShare'

export class PublishStatus {
  private status: ShareStatus = { kind: 'publishing' }
  private readonly toldSecrets = new Set<string>()

  constructor(private readonly share: ServedShare) {}

  get now(): ShareStatus {
    return this.status
  }

  set(status: ShareStatus): void {
    this.status = status
    this.share.changed.emit()
  }

  fail(error: unknown): void {
    const { id, context } = this.share
    context.checkForDamage(error)
    const userError = toUserError(context.explain(error))
    const known = this.status.kind === 'failed' && this.status.error.message === userError.message
    if (!known) {
      context.log(`share ${id.slice(0, 6)}: ${userError.message}`)
      context.notice('warning', userError.message, id)
    }
    this.set({ kind: 'failed', error: userError })
  }

  /** A file that was shared and now holds a key is not published any further: say so, once. */
  tellSecrets(name: string, { skipped }: PublishResult): void {
    for (const { path, reason, detail } of skipped) {
      if (reason !== 'secret-content' || this.toldSecrets.has(path)) continue
      this.toldSecrets.add(path)
      const message = `“${basename(path)}” in “${name}” is not published: ${detail}`
      this.share.context.notice('warning', message, this.share.id)
    }
  }
}
