/** All shares on this machine, by their ids. */
import type { ShareId } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { Signal } from '../../common/signal'
import type { VersionChange } from '../drive/version'
import { byAge } from '../store/catalog'
import type { Following } from './following'
import type { Publishing } from './publishing'
import type { FollowedShare, PublishedShare, Share } from './share'

export class Shares {
  /** The state of a share changed, or a share came or went. */
  readonly changed = new Signal<void>()
  /** There is a newer version of one. */
  readonly updated = new Signal<VersionChange & { readonly id: ShareId }>()
  private readonly shares = new Map<ShareId, Share>()

  /** In the order in which they were shared or opened. */
  all(): Share[] {
    return [...this.shares.values()].sort(byAge)
  }

  has(id: ShareId): boolean {
    return this.shares.has(id)
  }

  find(id: ShareId): Share | undefined {
    return this.shares.get(id)
  }

  /** Throws `unknown-share`, as the others. */
  get(id: ShareId): Share {
    return known(this.find(id))
  }

  published(): PublishedShare[] {
    return this.all().filter(isPublished)
  }

  followed(): FollowedShare[] {
    return this.all().filter(isFollowed)
  }

  publishing(id: ShareId): Publishing {
    return known(this.find(id)?.publishing)
  }

  following(id: ShareId): Following {
    return known(this.find(id)?.following)
  }

  add<S extends Share>(share: S): S {
    const { id, served } = share
    this.shares.set(id, share)
    served.changed.on(() => this.changed.emit())
    served.updated.on(change => this.updated.emit({ id, ...change }))
    this.changed.emit()
    return share
  }

  /** It is listed no more. */
  remove(id: ShareId): void {
    this.shares.delete(id)
    this.changed.emit()
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.all().map(share => share.close()))
  }
}

function isPublished(share: Share): share is PublishedShare {
  return share.publishing !== undefined
}

function isFollowed(share: Share): share is FollowedShare {
  return share.following !== undefined
}

function known<T>(found: T | undefined): T {
  if (found === undefined) throw new PeerfoldError('unknown-share')
  return found
}
