/**
 * Listings of folders in shares, of the newest version and of former ones. Those of a former version never change, so
 * nothing that happens to the share concerns them.
 */
import type { PeerProcess } from '../peerProcess'
import { type ListingSource, Listings, MAX_ENTRIES } from './listings'
import type { ShareAddress } from './shareUri'

/** Former versions whose listings are kept. With more, those used longest ago go. */
const MOST = 8

export class VersionListings {
  private readonly former = new Map<string, Listings>()

  constructor(
    private readonly peer: Pick<PeerProcess, 'request'>,
    /** Of the newest version. */
    private readonly newest: Listings,
  ) {}

  of({ id, version }: ShareAddress): Listings {
    if (version === undefined) return this.newest
    const key = `${id} ${version}`
    const listings = this.former.get(key) ?? this.ofVersion(version)
    this.former.delete(key)
    this.former.set(key, listings) // as the one used last
    for (const oldest of this.former.keys()) {
      if (this.former.size <= MOST) break
      this.former.delete(oldest)
    }
    return listings
  }

  private ofVersion(version: number): Listings {
    const source: ListingSource = {
      list: (id, path, page) => this.peer.request('fs.list', { id, path, ...page, version }),
      listSoFar: (id, path, limit) => this.peer.request('fs.list', { id, path, limit, version }),
      stat: (id, path) => this.peer.request('fs.stat', { id, path, version }),
    }
    return new Listings(source, MAX_ENTRIES / MOST) // together as many as of the newest version
  }
}
