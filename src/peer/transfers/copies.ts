/**
 * Copies as jobs: asked for once, remembered in the catalog until they are done, so that they outlive the client that
 * asked and the peer process itself.
 */
import { basename, posix, resolve, sep } from 'node:path'
import type { ShareId } from '../../common/brand'
import { PeerfoldError, toUserError, type UserError } from '../../common/errors'
import type { TransferResult } from '../../common/model'
import type { Params } from '../../common/protocol'
import { Signal } from '../../common/signal'
import { runCopy } from '../copy/copy'
import { removePartials } from '../copy/partialFiles'
import { takeOverCopy } from '../copy/takeOverCopy'
import { isForUser } from '../drive/absentBytes'
import { pastVersion } from '../drive/readPast'
import type { PeerContext } from '../shares/context'
import type { Known } from '../shares/newestKnown'
import type { Share } from '../shares/share'
import type { Shares } from '../shares/shares'
import type { CopyRecord } from '../store/catalog'
import { resultOf, type Transfer } from '../transfer'
import { runSeed } from './seed'
import { KEPT, type Transfers } from './transfers'

/** Milliseconds that the list of files of a former version is waited for. */
const LISTED_WITHIN = 60_000

export class Copies {
  /** A copy is over, however it ended: it needs its share no more. */
  readonly over = new Signal<void>()
  /** Finished copies of an earlier program version, for `takeOver`. */
  private old: CopyRecord[] = []
  /** By target folder: the start that is under way there. */
  private readonly starting = new Map<string, Promise<unknown>>()

  constructor(
    private readonly context: PeerContext,
    private readonly shares: Shares,
    private readonly transfers: Transfers,
  ) {}

  /** Answers the copies that were unfinished when the process ended, and lists the last of the finished ones again. */
  async restore(): Promise<CopyRecord[]> {
    const unfinished: CopyRecord[] = []
    const ended: CopyRecord[] = []
    for await (const [, copy] of this.context.catalog.list('copy')) {
      const isOver = copy.result !== undefined || copy.failure !== undefined
      const list = isOver ? ended : unfinished
      list.push(copy)
    }
    ended.sort((a, b) => (a.ended ?? 0) - (b.ended ?? 0))
    const old = ended.splice(0, Math.max(0, ended.length - KEPT))
    await this.context.catalog.write(old.map(({ job }) => ({ table: 'copy', key: job, value: undefined })))
    for (const copy of ended) this.listEnded(copy)
    this.old = ended.filter(copy => copy.result !== undefined && copy.inPlace !== true)
    return unfinished
  }

  /** Continues copies whose shares are open again. */
  resume(copies: readonly CopyRecord[]): void {
    for (const copy of copies) if (this.shares.has(copy.share)) this.run(copy)
    this.takeOver(this.old.splice(0)).catch(error => this.context.log(`earlier copies: ${String(error)}`))
  }

  /** See `copy.start`. Answers the job, which may be one that is under way already. */
  start(what: Params<'copy.start'>): Promise<string> {
    return this.inTurn(resolve(what.folder), () => this.startNow(what))
  }

  async retry(job: string): Promise<void> {
    const record = await this.context.catalog.get('copy', job)
    if (record !== undefined) await this.inTurn(record.folder, () => this.retryNow(job))
  }

  /** Starts of one folder run one after the other, because each looks for copies under way and waits for their end. */
  private async inTurn<T>(folder: string, start: () => Promise<T>): Promise<T> {
    const before = this.starting.get(folder) ?? Promise.resolve()
    const started = before.then(start)
    const over = started.catch(() => {}) // the caller is told
    this.starting.set(folder, over)
    try {
      return await started
    } finally {
      if (this.starting.get(folder) === over) this.starting.delete(folder)
    }
  }

  private async startNow({
    id,
    path: typed,
    folder,
    job,
    umask,
    version,
  }: Params<'copy.start'>): Promise<string> {
    const target = resolve(folder)
    const { drive, publishing } = this.shares.get(id)
    const path = version === undefined ? (drive.version?.index.spelling(typed) ?? typed) : typed
    // Only former versions may be put back into the shared folder itself.
    if (publishing !== undefined && version === undefined && isInside(target, publishing.record.source))
      throw new PeerfoldError('target-overlaps', folder)
    for await (const [old, copy] of this.context.catalog.list('copy')) {
      if (copy.share !== id || copy.path !== path || copy.folder !== target) continue
      const transfer = this.transfers.get(old)
      if (transfer?.isActive && copy.version === version) return old
      if (transfer?.isActive) {
        const ended = transfer.ended.next(this.context.closing)
        this.transfers.cancel(old)
        await ended
      }
      await this.context.catalog.delete('copy', old)
      this.transfers.remove(old)
    }
    const record: CopyRecord = {
      job,
      share: id,
      path,
      folder: target,
      ...(umask === undefined ? {} : { umask }),
      ...(version === undefined ? {} : { version }),
    }
    await this.context.catalog.put('copy', job, record)
    this.run(record)
    return job
  }

  /** See `copy.wait`. */
  async wait(job: string, timeout: number, signal: AbortSignal): Promise<TransferResult> {
    const transfer = this.transfers.get(job)
    if (transfer !== undefined) return this.follow(transfer, timeout, signal)
    const record = await this.context.catalog.get('copy', job)
    if (record?.result !== undefined) return record.result
    throw record?.failure === undefined ? new PeerfoldError('cancelled') : PeerfoldError.from(record.failure)
  }

  private async retryNow(job: string): Promise<void> {
    const record = await this.context.catalog.get('copy', job)
    if (record === undefined || this.transfers.get(job)?.isActive) return
    const { result: _result, failure: _failure, ...again } = record
    await this.context.catalog.put('copy', job, again)
    this.run(again)
  }

  /** Removes ended transfers from the list, and forgets the copies among them. */
  async clear(): Promise<void> {
    for (const { id } of this.transfers.states) {
      if (!this.transfers.get(id)?.isActive) await this.context.catalog.delete('copy', id)
    }
    this.transfers.clear()
  }

  /** See `seed.wait`. Ends when the client that asked is gone. */
  async seed(id: ShareId, job: string, signal: AbortSignal): Promise<TransferResult> {
    const share = this.shares.get(id)
    const { publishing } = share
    if (publishing !== undefined) return resultOf(publishing.state) // all of it is here
    const transfer = this.transfers.add(job, 'seed', share.name)
    transfer.share = id
    signal.addEventListener('abort', () => transfer.abort.abort(), { once: true })
    try {
      const { silent } = await share.freshen(transfer.abort.signal)
      const result = {
        ...(await runSeed(share.drive, transfer, this.context, () => share.fetched)),
        silent,
      }
      await share.fetchedMuch()
      await share.replication?.announced()
      transfer.finish(result)
      return result
    } catch (error) {
      transfer.fail(error)
      throw error
    }
  }

  isBusy(id: ShareId): boolean {
    return this.transfers.states.some(
      ({ share, id: job }) => share === id && this.transfers.get(job)?.isActive,
    )
  }

  cancelAllOf(id: ShareId): void {
    for (const { share, id: job } of this.transfers.states) if (share === id) this.transfers.cancel(job)
  }

  /** Takes over copies of an earlier program version, one after the other. */
  private async takeOver(copies: readonly CopyRecord[]): Promise<void> {
    const { catalog, closing, log } = this.context
    for (const copy of copies) {
      const share = this.shares.find(copy.share)
      const copied = share?.following?.copied
      if (share === undefined || copied === undefined) continue
      try {
        await share.listed(closing, () => {})
        await takeOverCopy(share.drive, copy.folder, copied, catalog, 0, closing)
        const known = await catalog.get('copy', copy.job)
        if (known !== undefined) await catalog.put('copy', copy.job, { ...known, inPlace: true })
      } catch (error) {
        if (closing.aborted) return
        log(`copy ${copy.job} in ${copy.folder} stays in the store: ${String(error)}`) // looked at again at the next start
      }
    }
  }

  private listEnded({ job, share, folder, name, result, failure }: CopyRecord): void {
    const what = { id: job, kind: 'copy', name: name ?? basename(folder), folder, share } as const
    if (result !== undefined) this.transfers.restore({ kind: 'done', result }, what)
    else if (failure !== undefined) this.transfers.restore({ kind: 'failed', error: failure }, what)
  }

  private run(record: CopyRecord): void {
    const { job, share: id, path, folder } = record
    const { catalog, log } = this.context
    const share = this.shares.get(id)
    const name = posix.basename(path) || share.name
    const transfer = this.transfers.add(job, 'copy', name, folder)
    transfer.share = id
    const work = {
      share: share.drive,
      id,
      path,
      folder,
      umask: record.umask,
      catalog,
      bases: this.context.bases,
      transfer,
      copied: share.following?.copied,
      space: this.context.space,
      budget: this.context.budget,
      fetched: () => share.fetched,
      onFound: (bytes: number) => share.found(bytes),
      peerCame: (wait: AbortSignal) => share.served.peerCame(wait),
      stale: () => known?.stale === true && share.replication?.hearing.isHeard !== true,
      isInDoubt: this.context.mayHaveLostWrites(),
      isEnding: () => this.context.closing.aborted,
      closing: this.context.closing,
    }
    let known: Known | undefined
    this.untilListed(share, transfer)
      .then(async () => {
        const { signal } = transfer.abort
        known = await share.freshen(signal)
        const version =
          record.version === undefined
            ? undefined
            : await pastVersion(share.drive, record.version, LISTED_WITHIN, signal)
        return runCopy({ ...work, version })
      })
      .then(
        async ({ result: copied, afterwards }) => {
          const result = { ...copied, silent: known?.silent ?? [] }
          await this.remember(job, { ...record, result, name, ended: Date.now(), inPlace: true })
          transfer.finish(result)
          await share.fetchedMuch()
          await afterwards()
        },
        async error => {
          if (this.context.closing.aborted) return // it continues with the next peer process
          this.context.checkForDamage(error)
          const told = this.context.explain(error)
          const failure = toUserError(told)
          if (failure.code === 'cancelled') {
            await this.remember(job, undefined)
            await removePartials(catalog, job, folder).catch(left => log(`copy ${job}: ${String(left)}`))
          } else await this.remember(job, { ...record, failure, name, ended: Date.now() })
          transfer.fail(told)
        },
      )
      .catch(error => log(`copy ${job}: ${String(error)}`))
      .finally(() => {
        if (!this.context.closing.aborted) this.over.emit()
      })
  }

  /**
   * Notes how a copy ended; undefined: forgets it. Throws nothing: where that cannot be written (a full disk), the copy
   * has ended all the same, and runs again with the next peer process.
   */
  private async remember(job: string, ended: CopyRecord | undefined): Promise<void> {
    try {
      await this.context.catalog.write([{ table: 'copy', key: job, value: ended }])
    } catch (error) {
      this.context.checkForDamage(error)
      this.context.log(`copy ${job}: how it ended cannot be noted: ${String(error)}`)
    }
  }

  /** Waits for the list of the share's files: a job resumed after a restart begins before the list is here. */
  private async untilListed(share: Share, transfer: Transfer): Promise<void> {
    await share.listed(transfer.abort.signal, () =>
      transfer.pause(new PeerfoldError('stalled').toUserError()),
    )
    transfer.resume()
  }

  private async follow(transfer: Transfer, timeout: number, signal: AbortSignal): Promise<TransferResult> {
    const stalled = new AbortController()
    let passed: UserError | undefined
    let timer: NodeJS.Timeout | undefined
    const look = () => {
      const error = transfer.status.kind === 'paused' ? transfer.status.error : undefined
      // The caller does not wait for the user. The copy continues by itself once a limit is raised.
      if (error !== undefined && isForUser(error.code)) {
        passed = error
        stalled.abort()
      }
      if (error?.code === 'stalled') timer ??= setTimeout(() => stalled.abort(), timeout)
      else {
        clearTimeout(timer)
        timer = undefined
      }
    }
    const stop = this.transfers.changed.on(look)
    look()
    try {
      const { status } = transfer.isActive
        ? { status: await transfer.ended.next(AbortSignal.any([signal, stalled.signal])) }
        : transfer
      if (status.kind === 'done') return status.result
      throw status.kind === 'failed' ? PeerfoldError.from(status.error) : new PeerfoldError('cancelled')
    } catch (error) {
      if (passed !== undefined) throw PeerfoldError.from(passed)
      if (stalled.signal.aborted) throw new PeerfoldError('stalled')
      throw signal.aborted ? new PeerfoldError('cancelled') : error
    } finally {
      clearTimeout(timer)
      stop()
    }
  }
}

function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep)
}
