/** The shares of this machine: making, finding and removing them. Each by itself is an OwnShare. */
import { realpath, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { randomBytes } from 'hypercore-crypto'
import type { EncryptionKey, ShareId } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import type { ShareAdded, ShareSource } from '../../common/protocol'
import { Signal } from '../../common/signal'
import type { VersionChange } from '../drive/version'
import { unportable } from '../names/foretell'
import { byAge, type ShareRecord } from '../store/catalog'
import { throwIfAborted } from '../time'
import { resultOf, type Transfer, type TransferList } from '../transfer'
import type { PeerContext } from './context'
import { OwnShare } from './ownShare'

export class OwnShares {
  readonly changed = new Signal<void>()
  readonly published = new Signal<VersionChange & { readonly id: ShareId }>()
  private readonly shares = new Map<ShareId, OwnShare>()
  /** First publishes under way, by source: two never run on one folder. */
  private readonly adding = new Map<string, Promise<unknown>>()
  /** What a process that was killed did not finish. */
  private readonly purging: Promise<void>[] = []

  constructor(
    private readonly context: PeerContext,
    private readonly transfers: TransferList,
  ) {}

  /** Takes up what the catalog holds. What a command alone shared stays at rest until a command asks for it. */
  async restore(): Promise<void> {
    for await (const [, record] of this.context.catalog.list('share')) {
      if (record.removed) {
        this.purging.push(this.purgeAgain(record))
        continue
      }
      if (record.version === 0 && !record.keep) continue
      try {
        const share = await OwnShare.open(record, this.context)
        this.adopt(share)
        if (record.keep && !record.stopped) await share.start()
        else if (!share.isLost) share.rest()
      } catch (error) {
        this.context.checkForDamage(error)
        this.context.log(`the share of ${record.source} cannot be opened: ${String(error)}`)
      }
    }
  }

  /** In the order in which they were shared. */
  all(): OwnShare[] {
    return [...this.shares.values()].sort(byAge)
  }

  has(id: ShareId): boolean {
    return this.shares.has(id)
  }

  find(id: ShareId): OwnShare | undefined {
    return this.shares.get(id)
  }

  get(id: ShareId): OwnShare {
    const share = this.shares.get(id)
    if (share === undefined) throw new PeerfoldError('unknown-share')
    return share
  }

  /** The share of a folder or file, when it is shared already. */
  async ofSource(source: string): Promise<OwnShare | undefined> {
    const real = await realSource(source)
    return this.all().find(share => share.record.source === real && !share.isLost)
  }

  /**
   * See `share.add`. The share of the same source is taken up again.
   *
   * @param hold is called as soon as it is known which share it will be, before it is served
   */
  async add(
    params: ShareSource,
    job: string,
    signal: AbortSignal,
    hold: (id: ShareId) => void,
  ): Promise<ShareAdded> {
    const source = await realSource(params.source)
    for (let other = this.adding.get(source); other !== undefined; other = this.adding.get(source)) {
      await other.catch(() => {}) // the other one told its own client
    }
    const adding = this.addNow({ ...params, source }, job, signal, hold)
    this.adding.set(source, adding)
    try {
      return await adding
    } finally {
      this.adding.delete(source)
    }
  }

  async remove(id: ShareId): Promise<void> {
    const share = this.get(id)
    this.shares.delete(id)
    await share.purge()
    this.changed.emit()
  }

  /** Stops what is neither kept nor held by a client. */
  async releaseUnkept(isHeld: (id: ShareId) => boolean): Promise<void> {
    for (const share of this.all()) {
      if (!share.record.keep && !isHeld(share.id) && share.replication !== undefined) await share.stop()
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.adding.values(), ...this.purging])
    await Promise.allSettled(this.all().map(share => share.close()))
  }

  private async addNow(
    params: ShareSource,
    job: string,
    signal: AbortSignal,
    hold: (id: ShareId) => void,
  ): Promise<ShareAdded> {
    const transfer = this.transfers.add(job, 'import', nameOf(params), params.source)
    const abort = () => transfer.abort.abort()
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    try {
      const existing = this.sharedAs(params)
      if (existing !== undefined && params.renew === true) await this.remove(existing.id)
      else if (existing !== undefined) {
        hold(existing.id)
        await existing.setAllow(params.allow)
        return await this.takeUp(existing, params, transfer)
      }
      const share = await this.create(params)
      hold(share.id)
      try {
        return await this.takeUp(share, params, transfer)
      } catch (error) {
        // A share that never became one leaves nothing, and its key is never used again. The end of the process is
        // no cancellation: then the record stays, and the same key goes on with the same log.
        if (!this.context.closing.aborted) await share.purge()
        throw error
      }
    } catch (error) {
      transfer.fail(this.context.explain(error))
      throw error
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  /** The share of this source that is as public or as private as is asked for: each has a link of its own. */
  private sharedAs({ source, isPublic }: ShareSource): OwnShare | undefined {
    return this.all().find(
      ({ record, isLost }) =>
        record.source === source && !isLost && (record.encryptionKey === undefined) === isPublic,
    )
  }

  private async takeUp(share: OwnShare, params: ShareSource, transfer: Transfer): Promise<ShareAdded> {
    transfer.share = share.id
    const result = await share.publishFirst(transfer)
    throwIfAborted(transfer.abort.signal)
    if (params.keep) await share.keep()
    const isFollowed = share.record.keep && !share.record.once && this.shares.has(share.id)
    await share.setOnce(params.once && !isFollowed)
    await share.start()
    await share.replication?.announced()
    throwIfAborted(transfer.abort.signal)
    if (!this.shares.has(share.id)) this.adopt(share)
    transfer.finish(resultOf({ files: result.files, bytes: result.bytes }))
    return {
      id: share.id,
      link: share.link,
      key: share.driveKey,
      files: result.files,
      bytes: result.bytes,
      skipped: result.skipped,
      skippedCount: Object.values(result.skippedCounts).reduce((sum, count) => sum + count, 0),
      ...unportable(result.foretold),
    }
  }

  private async create(params: ShareSource): Promise<OwnShare> {
    const record: ShareRecord = (await this.unfinished(params)) ?? {
      seed: randomBytes(16).toString('hex'),
      source: params.source,
      name: nameOf(params),
      isFile: (await stat(params.source)).isFile(),
      once: params.once,
      keep: params.keep,
      stopped: false,
      allow: params.allow,
      version: 0,
      since: Date.now(),
      ...(params.isPublic ? {} : { encryptionKey: randomBytes(32).toString('hex') as EncryptionKey }),
    }
    // The record comes first: a key whose log may exist is never forgotten.
    await this.context.catalog.put('share', record.seed, record)
    return OwnShare.open(record, this.context)
  }

  /** A first publish that a crash cut off: its log exists, so its key goes on. */
  private async unfinished(params: ShareSource): Promise<ShareRecord | undefined> {
    for await (const [, record] of this.context.catalog.list('share')) {
      const same = record.source === params.source && (record.encryptionKey === undefined) === params.isPublic
      if (!same || record.version > 0 || record.lost || record.removed) continue
      if (record.id !== undefined && this.shares.has(record.id)) continue
      return { ...record, once: params.once, keep: params.keep || record.keep, allow: params.allow }
    }
    return undefined
  }

  private async purgeAgain(record: ShareRecord): Promise<void> {
    try {
      await (await OwnShare.open(record, this.context)).purge()
    } catch (error) {
      this.context.checkForDamage(error)
      this.context.log(`what is left of a removed share cannot be deleted: ${String(error)}`)
    }
  }

  private adopt(share: OwnShare): void {
    this.shares.set(share.id, share)
    share.changed.on(() => this.changed.emit())
    share.published.on(change => this.published.emit({ id: share.id, ...change }))
    this.changed.emit()
  }
}

function nameOf({ name, source }: ShareSource): string {
  return name || basename(source) || source
}

async function realSource(source: string): Promise<string> {
  try {
    return await realpath(source)
  } catch {
    throw new PeerfoldError('not-a-folder', source)
  }
}
