/**
 * Peers that the user blocked: nothing is served to them and nothing fetched from them, until the user says otherwise.
 */
import type { PeerId } from '../../common/brand'
import type { RemotePeer } from '../../common/model'
import type { Catalog } from '../store/catalog'

export class BlockedPeers {
  private readonly ids = new Set<PeerId>()

  constructor(private readonly catalog: Catalog) {}

  async load(): Promise<void> {
    for await (const [peer] of this.catalog.list('blocked')) this.ids.add(peer as PeerId)
  }

  has(id: PeerId): boolean {
    return this.ids.has(id)
  }

  async add(id: PeerId): Promise<void> {
    this.ids.add(id)
    await this.catalog.put('blocked', id, { since: Date.now() })
  }

  async delete(id: PeerId): Promise<void> {
    this.ids.delete(id)
    await this.catalog.delete('blocked', id)
  }

  /** As the state lists them. */
  get states(): RemotePeer[] {
    const nothing = { shares: [], rates: { down: 0, up: 0 }, downBytes: 0, upBytes: 0 }
    return [...this.ids].map(id => ({ id, name: '', transport: 'udx', blocked: true, ...nothing }))
  }
}
