/** Folders and files of this machine that are shared: making their shares, taking them up again, and removing them. */
import { realpath, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { randomBytes } from 'hypercore-crypto'
import type { EncryptionKey, ShareId } from '../../common/brand'
import { PeerfoldError } from '../../common/errors'
import { formatKey } from '../../common/link'
import type { ShareAdded, ShareSource } from '../../common/protocol'
import { unportable } from '../names/foretell'
import type { ShareRecord } from '../store/catalog'
import { throwIfAborted } from '../time'
import { resultOf, type Transfer, type TransferList } from '../transfer'
import type { PeerContext } from './context'
import { type PublishedShare, Share } from './share'
import type { Shares } from './shares'

export class SharedFolders {
  /** First publishes under way, by source: two never run on one folder. */
  private readonly adding = new Map<string, Promise<unknown>>()
  /** Removals that a killed process did not finish. */
  private readonly purging: Promise<void>[] = []

  constructor(
    private readonly context: PeerContext,
    private readonly shares: Shares,
    private readonly transfers: TransferList,
  ) {}

  /**
   * Opens the shares of the catalog again. One that only a command shared stays at rest until a command asks for it.
   */
  async restore(): Promise<void> {
    for await (const [, record] of this.context.catalog.list('share')) {
      if (record.removed) {
        this.purging.push(this.purgeAgain(record))
        continue
      }
      if (record.version === 0 && !record.keep) continue
      try {
        const { publishing } = this.shares.add(await Share.published(record, this.context))
        if (record.keep && !record.stopped) await publishing.start()
        else if (!publishing.isLost) publishing.rest()
      } catch (error) {
        this.context.checkForDamage(error)
        this.context.log(`the share of ${record.source} cannot be opened: ${String(error)}`)
      }
    }
  }

  /** The share of a folder or file, when it is shared already. */
  async ofSource(source: string): Promise<PublishedShare | undefined> {
    const real = await realSource(source)
    return this.shares
      .published()
      .find(({ publishing: { record, isLost } }) => record.source === real && !isLost)
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
    const share = this.shares.get(id)
    this.shares.remove(id)
    await share.purge()
  }

  /** Stops what is neither kept nor held by a client. */
  async releaseUnkept(isHeld: (id: ShareId) => boolean): Promise<void> {
    for (const { id, publishing, replication } of this.shares.published()) {
      if (!publishing.record.keep && !isHeld(id) && replication !== undefined) await publishing.stop()
    }
  }

  /** Resolves when no share is being made or deleted. */
  async settle(): Promise<void> {
    await Promise.allSettled([...this.adding.values(), ...this.purging])
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
        await existing.publishing.choices.setAllow(params.allow)
        return await this.takeUp(existing, params, transfer)
      }
      const share = await this.create(params)
      hold(share.id)
      try {
        return await this.takeUp(share, params, transfer)
      } catch (error) {
        // A share that never became one leaves nothing, and its key is never used again. The end of the process is
        // no cancellation: then the record stays, and the same key continues with the same log.
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
  private sharedAs({ source, isPublic }: ShareSource): PublishedShare | undefined {
    return this.shares
      .published()
      .find(
        ({ publishing: { record, isLost } }) =>
          record.source === source && !isLost && (record.encryptionKey === undefined) === isPublic,
      )
  }

  private async takeUp(share: PublishedShare, params: ShareSource, transfer: Transfer): Promise<ShareAdded> {
    const { id, publishing } = share
    transfer.share = id
    const result = await publishing.publishFirst(transfer)
    throwIfAborted(transfer.abort.signal)
    if (params.keep) await publishing.choices.keep()
    const { keep, once } = publishing.record
    const isFollowed = keep && !once && this.shares.has(id)
    await publishing.choices.setOnce(params.once && !isFollowed)
    await publishing.start()
    await share.replication?.announced()
    throwIfAborted(transfer.abort.signal)
    if (!this.shares.has(id)) this.shares.add(share)
    transfer.finish(resultOf({ files: result.files, bytes: result.bytes }))
    return {
      id,
      link: share.link,
      key: formatKey(share.drive.key),
      files: result.files,
      bytes: result.bytes,
      skipped: result.skipped,
      skippedCount: Object.values(result.skippedCounts).reduce((sum, count) => sum + count, 0),
      ...unportable(result.foretold),
    }
  }

  private async create(params: ShareSource): Promise<PublishedShare> {
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
    return Share.published(record, this.context)
  }

  /** A first publish that a crash cut off: its log exists, so its key is used again. */
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
      await (await Share.published(record, this.context)).purge()
    } catch (error) {
      this.context.checkForDamage(error)
      this.context.log(`what is left of a removed share cannot be deleted: ${String(error)}`)
    }
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
