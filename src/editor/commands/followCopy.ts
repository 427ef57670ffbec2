/**
 * Follows copies to their end, even if nobody who has the rest is there for a long time. The progress stays as a
 * notification that can be hidden, says why it waits, and goes by itself. A window that is closed or reloaded meanwhile
 * follows them again the next time, and tells then how they ended.
 */
import * as vscode from 'vscode'
import { PeerfoldError } from '../../common/errors'
import { safeText } from '../../common/format'
import { isShareId } from '../../common/link'
import type { TransferResult } from '../../common/model'
import { Disposable } from '../dispose'
import { isCancelled, tellError } from '../tell'
import { tellCopyResult } from './copyResult'
import { followTransfer } from './followTransfer'
import type { CommandParts, CopyFollower, FollowedCopy } from './parts'

const { l10n } = vscode

/** In workspaceState: what this window follows. */
const MEMORY = 'peerfold.followedCopies'
const MAX_FOLLOWED = 20
/** Milliseconds: as long as a timer can be. */
const NO_LIMIT = 2 ** 31 - 1

/** Shows progress until the copy is over. @param limit milliseconds without any peer after which it is `stalled` */
export function waitForCopy(
  parts: CommandParts,
  { job, name }: FollowedCopy,
  limit = NO_LIMIT,
): Promise<TransferResult> {
  return followTransfer(parts, { title: l10n.t('Saving “{0}”', safeText(name, 80)), job }, token =>
    parts.peer.request('copy.wait', { job, timeout: limit }, { timeout: Number.POSITIVE_INFINITY, token }),
  )
}

export class FollowedCopies extends Disposable implements CopyFollower {
  private readonly underWay = new Set<string>()

  constructor(
    /** That of this workspace, so that another window does not follow copies that were begun in this one. */
    private readonly memory: vscode.Memento,
    private readonly parts: CommandParts,
  ) {
    super()
    this.own(parts.model.onDidChange(() => this.followAgain()))
  }

  async follow(copy: FollowedCopy): Promise<TransferResult | undefined> {
    this.underWay.add(copy.job)
    try {
      await this.remember([...this.recall().filter(({ job }) => job !== copy.job), copy])
      const result = await waitForCopy(this.parts, copy)
      await tellCopyResult(this.parts, copy, result)
      await this.forget(copy)
      return result
    } catch (error) {
      // The peer process was stopped on purpose: the copy continues with the next one.
      if (error instanceof PeerfoldError && error.code === 'process-ended') return undefined
      await this.forget(copy)
      if (!isCancelled(error)) tellError(error)
      return undefined
    } finally {
      this.underWay.delete(copy.job)
    }
  }

  private followAgain(): void {
    if (this.parts.model.status.kind !== 'running') return
    for (const copy of this.recall()) if (!this.underWay.has(copy.job)) void this.follow(copy)
  }

  private forget({ job }: FollowedCopy): Promise<void> {
    return this.remember(this.recall().filter(other => other.job !== job))
  }

  private async remember(copies: readonly FollowedCopy[]): Promise<void> {
    await this.memory.update(MEMORY, copies.slice(-MAX_FOLLOWED))
  }

  private recall(): readonly FollowedCopy[] {
    const value: unknown = this.memory.get(MEMORY)
    return Array.isArray(value) ? value.filter(isFollowedCopy) : []
  }
}

function isFollowedCopy(value: unknown): value is FollowedCopy {
  if (typeof value !== 'object' || value === null) return false
  const fields = new Map<string, unknown>(Object.entries(value))
  const [saved, share, path] = ['saved', 'share', 'path'].map(name => fields.get(name))
  return (
    ['job', 'name', 'folder'].every(name => typeof fields.get(name) === 'string') &&
    (saved === undefined || typeof saved === 'string') &&
    (share === undefined || (typeof share === 'string' && isShareId(share))) &&
    (path === undefined || typeof path === 'string')
  )
}
