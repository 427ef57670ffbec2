/** All live copies (folders in sync): started, resumed after a restart, and stopped. */
import { randomUUID } from 'node:crypto'
import { realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import type { ShareId } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import type { KeptFile, LiveCopyState } from '../../common/model'
import type { Notifications, Params } from '../../common/protocol'
import { Signal } from '../../common/signal'
import { removePartials } from '../copy/partialFiles'
import type { PeerContext } from '../shares/context'
import type { Shares } from '../shares/shares'
import type { BaseRecord, LiveRecord } from '../store/catalog'
import type { KeptFiles } from './keptFiles'
import { LiveCopy } from './liveCopy'
import { Merges } from './merges'
import { liesInSharedFolder } from './sharedAround'

export class LiveCopies {
  readonly changed = new Signal<void>()
  /** A live copy was stopped, and does not need its share any more. */
  readonly over = new Signal<void>()
  readonly did = new Signal<Notifications['live']>()
  readonly merges: Merges
  private readonly all = new Map<string, LiveCopy>()
  private starting: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly context: PeerContext,
    private readonly shares: Shares,
    readonly kept: KeptFiles,
  ) {
    this.merges = new Merges({
      context,
      shares,
      kept,
      inTurn: (record, work) => this.holderOf(record)?.inTurn(work) ?? work(),
      onChange: (record, isOver) => this.holderOf(record)?.conflictChanged(record.path, isOver),
    })
  }

  /** The live copies in the catalog, whose shares have to be opened. */
  async restore(): Promise<LiveRecord[]> {
    await this.kept.load()
    const records: LiveRecord[] = []
    for await (const [, record] of this.context.catalog.list('live')) records.push(record)
    return records
  }

  /** Resumes live copies. One whose share is not open, which only damage can cause, says so and waits for it. */
  resume(records: readonly LiveRecord[]): void {
    for (const record of records) this.add(record, true)
  }

  /** See `live.start`. Starts run one after the other, because each checks the existing live copies. */
  start(params: Params<'live.start'>): Promise<string> {
    const started = this.starting.then(() => this.startNow(params))
    this.starting = started.catch(() => {}) // the caller is told
    return started
  }

  get(id: string): LiveCopy {
    const found = this.all.get(id)
    if (found === undefined) throw new PeerfoldError('unknown-live')
    return found
  }

  async stop(id: string): Promise<void> {
    const live = this.get(id)
    this.all.delete(id)
    await live.close()
    await this.context.catalog.delete('live', id)
    await removePartials(this.context.catalog, id, live.record.folder).catch(error =>
      this.context.log(`live copy: ${String(error)}`),
    )
    this.changed.emit()
    this.over.emit()
  }

  async stopAllOf(share: ShareId): Promise<void> {
    for (const [id, { record }] of this.all) if (record.share === share) await this.stop(id)
  }

  /** Stops live copies that are neither kept nor held by a client. */
  async releaseUnkept(isHeld: (id: ShareId) => boolean): Promise<void> {
    for (const [id, { record, isKept }] of this.all) if (!isKept && !isHeld(record.share)) await this.stop(id)
  }

  /** Whether a copy of the share into the folder would write to a live copy. */
  isIn(share: ShareId, folder: string): boolean {
    return [...this.all.values()].some(({ record }) => record.share === share && record.folder === folder)
  }

  follows(share: ShareId): boolean {
    return [...this.all.values()].some(({ record }) => record.share === share)
  }

  get states(): LiveCopyState[] {
    return [...this.all.values()].map(({ state }) => state)
  }

  get keptFiles(): KeptFile[] {
    return this.kept.list().map(({ id, share, folder, path, size, mtime, at }) => ({
      id,
      share,
      path: join(folder, ...path.split('/')),
      size,
      mtime,
      at,
    }))
  }

  async close(): Promise<void> {
    this.kept.close()
    this.merges.close()
    await Promise.allSettled([...this.all.values()].map(live => live.close()))
  }

  /** The live copy of a conflict; undefined for a conflict of an ordinary copy. */
  private holderOf({ share, folder }: BaseRecord): LiveCopy | undefined {
    return [...this.all.values()].find(({ record }) => record.share === share && record.folder === folder)
  }

  private async startNow({ keep, ...params }: Params<'live.start'>): Promise<string> {
    const { id: share, path: typed, only, umask } = params
    const { drive } = this.shares.get(share)
    const path = drive.version?.index.spelling(typed) ?? typed
    const folder = await realFolder(params.folder)
    for (const live of this.all.values()) {
      const { record } = live
      if (record.share === share && record.path === path && record.folder === folder) {
        if (keep && !live.isKept) await live.keep()
        if (JSON.stringify(record.only) !== JSON.stringify(only)) await live.select(only)
        if (record.paused === true) await live.resume()
        return record.id
      }
      if (isInside(folder, record.folder) || isInside(record.folder, folder))
        throw new PeerfoldError('live-overlaps', folder)
    }
    for (const { publishing } of this.shares.published()) {
      const { source, isFile } = publishing.record
      if (isInside(folder, source) || (!isFile && isInside(source, folder)))
        throw new PeerfoldError('live-in-share', folder)
    }
    if (drive.version !== undefined && liesInSharedFolder(folder, path, drive.version))
      throw new PeerfoldError('live-in-share', folder)
    const record: LiveRecord = {
      id: randomUUID(),
      share,
      path,
      folder,
      since: Date.now(),
      inPlace: true,
      ...(only === undefined ? {} : { only }),
      ...(umask === undefined ? {} : { umask }),
    }
    if (keep) await this.context.catalog.put('live', record.id, record)
    this.add(record, keep)
    return record.id
  }

  private add(record: LiveRecord, isKept: boolean): void {
    const live = new LiveCopy(record, isKept, this.shares, this.context, this.kept)
    live.changed.on(() => this.changed.emit())
    live.did.on(did => this.did.emit(did))
    this.all.set(record.id, live)
    live.start()
    this.changed.emit()
  }
}

async function realFolder(folder: string): Promise<string> {
  try {
    return await realpath(folder)
  } catch {
    throw new PeerfoldError('target-vanished', folder)
  }
}

/** Whether a path is a folder or lies in it. */
function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep)
}
